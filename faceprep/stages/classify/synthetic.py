"""Synthetic faces of a table, with the subjects seen by the components that made them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import Again, Hint, ManifestError, Remedy, UsageError
from faceprep.core.files import file_sha256
from faceprep.generators.store import read_trained
from faceprep.metrics.leaks import subjects_of
from faceprep.stages.classify.faces import RealFaces
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file, generator_name
from faceprep.workspace.synthetic import faces_there, load_synthetic, stage_of, synthetic_record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SyntheticFaces:
    """Synthetic faces of one generator, for one fold."""

    name: str  # name of the generator's folders
    table: "pd.DataFrame"  # rows of the manifest, in their order
    labels: np.ndarray  # ``(N,) int64``; expressions; -1 for expressions that are not classified
    #: ``(N,)``; subject of the source face of each edit; an empty string without a source.
    source_subjects: np.ndarray
    #: Component → training subjects, and the hint if a test subject is among them.
    touched: dict[str, list[str]]
    hints: dict[str, Hint]
    remedy: Remedy  # command that remakes these faces, even if a damaged picture has its old size
    notes: list[str] = field(default_factory=list)  # remarks for the reader

    def rows(self, count: int, held_out: set[str]) -> np.ndarray:
        """Return the usable rows of the first `count`, without edits of held-out subjects."""
        usable = (self.labels >= 0) & ~np.isin(self.source_subjects, sorted(held_out))
        return np.flatnonzero(usable[:count])

    @property
    def checkpoint(self) -> str:
        """SHA-256 of the generator's file."""
        return str(self.table["checkpoint"].iloc[0])


def find_synthetic(
    config: Config, fold: int | None, count: int, faces: RealFaces
) -> SyntheticFaces:
    """Read the first synthetic faces of a fold's generator.

    Raises `UsageError`: there are too few, or no generator; the hint is the command that makes
        them.
    Raises `FaceprepError`: a part is damaged, parts were made with different settings, or the
        training subjects of the generator are unknown.
    """
    generator, workspace = config.classify.generator, config.workspace
    name = generator_name(generator, fold)
    there = faces_there(Workspace(workspace), stage_of(name))
    folds = [] if fold is None else sorted({int(one) for one in faces.table["fold"] if one >= 0})

    def make(number: int, **flags: bool) -> Remedy:
        wanted = {"generator": generator, "n": number, "fold": fold, "folds": folds, **flags}
        return Remedy("augment", workspace, wanted, resume=True)

    stale = there > 0 and _made_before(workspace, name)
    try:
        table = load_synthetic(workspace, name, count)
    except UsageError as error:
        raise _too_few(workspace, generator, name, error, make(count, overwrite=stale)) from None
    except ManifestError as error:
        raise ManifestError(error.message, make(max(count, there))) from None
    numbers = {expression: number for number, expression in enumerate(faces.classes)}
    labels = table["expression"].map(numbers).fillna(-1).to_numpy(np.int64)
    record = synthetic_record(workspace, name)
    sources = _source_subjects(workspace, table, record)
    again = make(max(count, there), overwrite=True)
    settings = {"generator": generator, "fold": fold, "overwrite": True}
    train = Remedy("train", workspace, settings, resume=True)
    touched = training_subjects(workspace, name, table, record, again, train)
    touched[SOURCES] += sorted({*sources.tolist()} - {""})
    hints: dict[str, Hint] = dict.fromkeys(touched, again)
    hints[GENERATOR] = replace(train, then=again)
    notes = _notes(name, table, labels, faces)
    if stale:
        notes.append(f"{name}: it was trained again after these faces were made")
    return SyntheticFaces(name, table, labels, sources, touched, hints, again, notes)


def _too_few(
    workspace: Path, generator: str, name: str, error: UsageError, remedy: Remedy
) -> UsageError:
    """Return the error for missing synthetic faces, or for a missing generator."""
    if generator_file(workspace, name).is_file():
        return UsageError(error.message, remedy)
    folders = {path.name for path in (workspace / "train").glob("*") if path.is_dir()}
    known = {folder.partition("-fold")[0] for folder in folders}
    others = sorted(known - {generator})
    other = Again({"classify.generator": others[0]}) if others else None
    hint = other if other and generator not in known else remedy
    some = faces_there(Workspace(workspace), stage_of(name))
    there = f"; {error.message}" if some else ""
    return UsageError(f"{workspace} has no trained {name}{there}", hint)


def _made_before(workspace: Path, name: str) -> bool:
    """Return whether the generator was trained again after its synthetic faces were made."""
    known = Workspace(workspace).info(stage_of(name)).get("checkpoint")
    file = generator_file(workspace, name)
    return known is not None and file.is_file() and file_sha256(file) != known


def _source_subjects(
    workspace: Path, table: "pd.DataFrame", record: Mapping[str, Any]
) -> np.ndarray:
    """Return the source subject of each face; empty for none and for other datasets."""
    subjects = {"edit": _subject_of_face(workspace), "other": {}, "new": {}}
    shared = {*(record.get("sources") or {}).get("other", ())}
    if shared:  # the same dataset: it may contain other faces of these subjects
        elsewhere = _subject_of_face(Path(record.get("sources_from") or workspace))
        known = subjects["edit"] | elsewhere
        subjects["other"] = {face: name for face, name in known.items() if name in shared}
    pairs = zip(table["mode"], table["source_face_id"], strict=True)
    return np.array([subjects[mode].get(face, "") for mode, face in pairs], str)


def _subject_of_face(workspace: Path) -> dict[str, str]:
    """Return ``face_id`` → ``dataset/subject`` of all selected faces."""
    found: dict[str, str] = {}
    for table in Workspace(workspace).tables("select"):
        faces, datasets, subjects = (
            table.column(name).to_pylist() for name in ("face_id", "dataset", "subject")
        )
        found |= {
            face: f"{dataset}/{subject}"
            for face, dataset, subject in zip(faces, datasets, subjects, strict=True)
        }
    return found


def _notes(name: str, table: "pd.DataFrame", labels: np.ndarray, faces: RealFaces) -> list[str]:
    notes = []
    unknown = sorted({*table["expression"][labels < 0].tolist()})
    if unknown:
        notes.append(f"{name}: {(labels < 0).sum():,} faces of {', '.join(unknown)} are left out")
    doubtful = int((table["status"] != "ok").sum())
    if doubtful:
        notes.append(f"{name}: {doubtful:,} of {len(table):,} faces did not pass augment's filter")
    missing = [one for one in faces.classes if one not in {*table["expression"].tolist()}]
    if missing:
        notes.append(f"{name} has no synthetic faces of {', '.join(missing)}")
    return notes


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

    `name`: name of the generator's folders.
    `table`: rows of the synthetic faces.
    `record`: content of ``stage.json`` of the synthetic faces.
    `hint`, `train`: hints to remake the faces and to retrain the generator.
    Raises `FaceprepError`: the metadata of a component lack its training subjects.
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
        raise UsageError(
            f"no table: the synthetic faces of {name} were made with another generator than"
            f" {path}, and nothing names the subjects that one saw",
            hint,
        )
    return subjects_of(read_trained(workspace, name).extra, f"the generator {path}", train)
