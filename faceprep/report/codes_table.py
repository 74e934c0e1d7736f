"""What ``evaluate codes`` and ``retrieve --evaluate`` print, for people and as JSON."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.core.text import plural
from faceprep.evaluation.codes import CodesReport
from faceprep.metrics.retrieval import RetrievalReport
from faceprep.report.aus_table import UNDEFINED, number
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    Page = tuple[list[RenderableType], dict[str, Any]]

_TOLD = "Q is told the label: its code repeats it, so its agreement with the label says little"


def codes_tables(report: CodesReport) -> "Page":
    """Purities by space with what chance gives."""
    from rich.text import Text

    people = len(np.unique(report.subjects))
    faces = f"{plural(len(report.g), 'face')} of {plural(people, 'unseen subject')}"
    columns = ("same person", "same expression")
    table = plain_table(None, f"of {report.neighbours} neighbours", *columns, right=columns)
    for row in report.rows:
        table.add_row(row.space, share(row.identity), share(row.expression))
    table.add_row(
        "chance", share(report.identity_chance), share(report.expression_chance), style="dim"
    )
    legend = "same person: in other clips; same expression: among other people"
    parts: list[RenderableType] = [
        Text(report.generator, "bold"), Text(faces, "dim"), table, Text(legend, "dim"),
    ]  # fmt: skip
    if report.sees_label:
        parts.append(Text(_TOLD, "yellow"))
    data = {
        "kind": "codes", "generator": report.generator, "faces": len(report.g), "subjects": people,
        "neighbours": report.neighbours, "sees_label": report.sees_label,
        "rows": [_plain(asdict(row)) for row in report.rows],
        "chance": _plain(
            {"identity": report.identity_chance, "expression": report.expression_chance}
        ),
    }  # fmt: skip
    return parts, data


def retrieval_tables(report: RetrievalReport) -> "Page":
    """Top-1 accuracy and difference in strength of every way."""
    from rich.text import Text

    faces = (
        f"{plural(report.queries, 'face')} of {plural(report.subjects, 'unseen subject')}, looked"
        f" for among {plural(report.gallery, 'face')} of other people"
    )
    right = ("top-1", "difference in strength")
    table = plain_table(None, "by", "labels of the queries", *right, right=right)
    for row in report.rows:
        table.add_row(row.way, row.labels, share(row.accuracy), number(row.gap))
    table.add_row("chance", "", share(report.chance), number(report.chance_gap), style="dim")
    notes = ["given labels are the answer: with them, top-1 by label says nothing"]
    notes += [_TOLD] if report.sees_label else []
    notes.append(
        "difference in strength: of the distance on the face that says most about the expression,"
        " where the found face shows the same, in standard deviations"
    )
    parts: list[RenderableType] = [Text(faces, "dim"), table]
    parts += [Text(note, "dim") for note in notes]
    parts += [Text(f"note: {note}", "yellow") for note in report.notes]
    data = asdict(report)
    data["rows"] = [_plain(row) for row in data["rows"]]
    return parts, {"kind": "retrieval", **_plain(data)}


def share(value: float) -> str:
    """A share in per cent, with a digit."""
    return UNDEFINED if math.isnan(value) else f"{100 * value:.1f} %"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
