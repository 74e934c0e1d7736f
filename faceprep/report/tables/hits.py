"""Table of retrieved faces."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from faceprep.inference.retrieve import Retrieved
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType


def hit_tables(found: Retrieved) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return renderables, and the same as JSON-ready values."""
    right = ("", "distance")
    table = plain_table(None, "face", "by", "", "found", "expression", "distance", right=right)
    names = {face.source: face.name for face in found.queries.faces}
    table.columns[0].overflow = table.columns[3].overflow = "fold"  # a cut id cannot be used
    for hit in found.hits:
        begins = (names[hit.source], hit.way) if hit.rank == 1 else ("", "")
        table.add_row(*begins, str(hit.rank), hit.face_id, hit.expression, f"{hit.distance:.3f}")
    labels = list(zip(found.queries.faces, found.labels or [], strict=False))
    lines = [f"{face.source}: {label}" for face, label in labels]
    return [*lines, table], {
        "kind": "retrieved",
        "labels": [{"source": face.source, **asdict(label)} for face, label in labels],
        "found": [asdict(hit) for hit in found.hits],
    }
