"""Training subjects of each component of the synthetic faces, from its metadata."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import FaceprepError, Hint
from faceprep.core.files import file_sha256
from faceprep.generators.trained import read_trained
from faceprep.metrics.leaks import subjects_of
from faceprep.workspace.artifacts import generator_file

if TYPE_CHECKING:
    import pandas as pd

GENERATOR = "the generator"
SOURCES = "the sources of synthetic faces"

_TITLES = {
    "sources": SOURCES,
    "judge": "the judge of synthetic faces",
    "filter": "the filter of synthetic faces",
    "generator": GENERATOR,
}


def training_subjects(
    workspace: Path,
    name: str,
    table: "pd.DataFrame",
    record: Mapping[str, Any],
    hint: Hint,
    train: Hint,
) -> dict[str, list[str]]:
    """Return the training subjects of generator, sources, judge and filter.

    Parameters
    ----------
    name
        Name of the generator's folders.
    table
        Rows of the synthetic faces.
    record
        Content of ``stage.json`` of the synthetic faces.
    hint, train
        Hints to remake the faces and to retrain the generator.

    Raises
    ------
    FaceprepError
        The metadata of a component lack its training subjects.
    """
    recorded = record.get("subjects")
    parts = dict(recorded) if isinstance(recorded, Mapping) else {"sources": recorded}
    for part in ("generator", "judge", "filter"):
        inner = record.get(part)
        if isinstance(inner, Mapping) and "subjects" in inner:
            parts.setdefault(part, inner["subjects"])
    found: dict[str, list[str]] = {SOURCES: []}
    for part, subjects in parts.items():
        title = _TITLES.get(part, f"the {part} of synthetic faces")
        found[title] = list(subjects_of({"subjects": subjects}, title, hint))
    if GENERATOR not in found:
        found[GENERATOR] = _of_generator(workspace, name, table, hint, train)
    return found


def _of_generator(
    workspace: Path, name: str, table: "pd.DataFrame", hint: Hint, train: Hint
) -> list[str]:
    """Return the training subjects in the generator's file."""
    path = generator_file(workspace, name)
    made_by = sorted({*table["checkpoint"].tolist()})
    if not path.is_file() or made_by != [file_sha256(path)]:
        if path.is_file():
            read_trained(workspace, name, whole=True)  # raises an error for a damaged file
        raise FaceprepError(
            f"no table: the synthetic faces of {name} were made with another generator than"
            f" {path}, and nothing names the subjects that one saw",
            hint,
        )
    return subjects_of(read_trained(workspace, name).extra, f"the generator {path}", train)
