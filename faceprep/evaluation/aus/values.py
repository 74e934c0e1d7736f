"""Action Units of faces as arrays, read from aus manifests or from the demo's truth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from faceprep.config import STAGES
from faceprep.core.errors import Remedy, UsageError
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.demo.action_units import PRESENT
from faceprep.demo.files import read_truth
from faceprep.workspace import Workspace
from faceprep.workspace.discover import is_workspace, workspace_of
from faceprep.workspace.manifest import read_part


@dataclass(frozen=True, slots=True)
class AUValues:
    """Action Units of *n* faces from one source, NaN where unknown."""

    face_ids: list[str]
    intensities: np.ndarray  # ``(n, 17)``, 0-5
    presences: np.ndarray  # ``(n, 18)``, 0 or 1
    source: str  # name of the source, for reports

    def take(self, rows: np.ndarray) -> "AUValues":
        """Return a subset of the faces by indices."""
        face_ids = [self.face_ids[row] for row in rows]
        return AUValues(face_ids, self.intensities[rows], self.presences[rows], self.source)


@dataclass(frozen=True, slots=True)
class AUPairs:
    """Estimated and known Action Units of the same *n* faces, in the same order."""

    face_ids: list[str]
    subjects: np.ndarray
    estimated: AUValues
    known: AUValues


def pair(estimated: AUValues, known: AUValues, subjects: Mapping[str, str]) -> AUPairs:
    """Join the faces of both sources that have a subject, in the order of the estimates."""
    at = {face_id: row for row, face_id in enumerate(known.face_ids)}
    rows = np.array(
        [
            (row, at[face_id])
            for row, face_id in enumerate(estimated.face_ids)
            if face_id in at and face_id in subjects
        ],
        np.int64,
    ).reshape(-1, 2)
    here, there = estimated.take(rows[:, 0]), known.take(rows[:, 1])
    names = np.array([subjects[face_id] for face_id in here.face_ids], np.str_)
    return AUPairs(here.face_ids, names, here, there)


def estimates(workspace: Workspace) -> tuple[AUValues, dict[str, str]]:
    """Return the AUs of the faces that are ``ok``, and ``face_id`` → status of the others.

    UsageError if `aus` has not run.
    """
    tables = list(workspace.tables("aus"))
    if not tables:
        raise UsageError(
            f"{workspace.root} has no Action Units: aus has not run",
            Remedy("aus", workspace.root, resume=True),
        )
    table = pa.concat_tables(tables)
    failed = table.filter(pc.not_equal(table["status"], "ok"))
    failures = zip(failed["face_id"].to_pylist(), failed["status"].to_pylist(), strict=True)
    return _values(table), dict(failures)


def read_aus(path: Path, workspace: Workspace) -> AUValues:
    """Read the AUs of a workspace, or of aus manifests in any folder.

    Parameters
    ----------
    path
        A workspace, its ``aus`` folder, any folder of ``part-*.parquet``, or one of them.
    workspace
        Workspace whose AUs are compared with these, for the hint of an error.

    Raises
    ------
    UsageError
        There are none. For a folder of CSV files, the hint is the command that imports it.
    """
    if parts := _loose_parts(path):
        return _values(pa.concat_tables([read_part(part, "aus") for part in parts]))
    if path.suffix.lower() == ".csv" or (path.is_dir() and any(path.glob("*.csv"))):
        other = workspace.root.with_name(f"{workspace.root.name}-openface")
        backend = {"aus.backend": "openface-csv", "aus.openface_csv": path, "workspace": other}
        compare = Remedy("evaluate aus", workspace.root, {"against": other})
        raise UsageError(
            f"{path} holds CSV files, which only the aus stage joins to faces",
            Remedy("aus", workspace.root, backend, resume=True, then=compare),
        )
    return estimates(Workspace(workspace_of(path, "against")))[0]


def _loose_parts(path: Path) -> list[Path]:
    """Return the Parquet files to read directly; none for a workspace."""
    folder = path if path.is_dir() else path.parent
    other_stage = folder.name in STAGES and folder.name != "aus" and is_workspace(folder.parent)
    if other_stage or is_workspace(path):
        return []
    if path.is_dir():
        return sorted([*path.glob("part-*.parquet"), *path.glob("from-*/part-*.parquet")])
    return [path] if path.suffix == ".parquet" and path.is_file() else []


def drawn_aus(table: pa.Table, dataset: Path, below: str) -> AUValues:
    """Return the rendered AUs of those rows of select that a demo dataset rendered.

    The paths of select are relative to the subfolder `below` of the dataset. An AU is present from
    the lowest intensity that a coder would grade.
    """
    truth = read_truth(dataset)
    paths = [f"{below}/{path}" if below else path for path in table["path"].to_pylist()]
    at = pc.index_in(pa.array(paths, pa.string()), truth["path"])
    drawn = truth.take(at.drop_null())
    intensities = _numbers(drawn, COLUMNS_R)
    levels = _numbers(drawn, [name.replace("_c", "_r") for name in COLUMNS_C])
    face_ids = table["face_id"].filter(at.is_valid()).to_pylist()
    return AUValues(face_ids, intensities, (levels >= PRESENT).astype(float), "demo")


def _values(table: pa.Table) -> AUValues:
    """Return the rows of aus that are ``ok``."""
    table = table.filter(pc.equal(table["status"], "ok"))
    backends = Counter(table["backend"].to_pylist()).most_common()
    source = ", ".join(f"{name} ×{count}" for name, count in backends)
    return AUValues(
        table["face_id"].to_pylist(),
        _numbers(table, COLUMNS_R),
        _numbers(table, COLUMNS_C),
        backends[0][0] if len(backends) == 1 else source,
    )


def _numbers(table: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """Return columns as ``(rows, columns) float64``; NaN where a value is missing."""
    numbers = np.full((table.num_rows, len(columns)), np.nan)
    for column, name in enumerate(columns):
        values = table[name].cast(pa.float64()).fill_null(np.nan)
        numbers[:, column] = values.to_numpy()
    return numbers
