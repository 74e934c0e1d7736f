"""Manifests as the numbers that evaluation needs."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from faceprep.cli.commands.workspace import command
from faceprep.config import STAGES
from faceprep.core.action_units import COLUMNS_C, COLUMNS_R
from faceprep.core.errors import UsageError
from faceprep.evaluation.aus.agreement import AUValues
from faceprep.workspace import Workspace
from faceprep.workspace.discover import Suggest, is_workspace, workspace_of
from faceprep.workspace.manifest import read_part

_FACES = (
    "face_id",
    "dataset",
    "subject",
    "sequence",
    "frame",
    "path",
    "role",
    "split",
    "attributes",
)


def selected_faces(workspace: Workspace) -> pa.Table:
    """Rows of select, without what only `align` needs.

    Raises
    ------
    UsageError
        When it has not run.
    """
    tables = [table.select(_FACES) for table in workspace.tables("select")]
    if not tables:
        raise UsageError(f"{workspace.root}: no face is selected", command(workspace, "select"))
    return pa.concat_tables(tables)


def estimates(workspace: Workspace) -> tuple[AUValues, dict[str, str]]:
    """AUs of the faces that are ``ok``, and why the others have none: ``face_id`` → status.

    Raises
    ------
    UsageError
        When `aus` has not run.
    """
    tables = list(workspace.tables("aus"))
    if not tables:
        raise UsageError(
            f"{workspace.root} has no Action Units: aus has not run", command(workspace, "aus")
        )
    table = pa.concat_tables(tables)
    failed = table.filter(pc.not_equal(table["status"], "ok"))
    failures = zip(failed["face_id"].to_pylist(), failed["status"].to_pylist(), strict=True)
    return _values(table), dict(failures)


def read_aus(path: Path, suggest: Suggest) -> AUValues:
    """AUs of a workspace, or of aus manifests that lie anywhere.

    Parameters
    ----------
    path
        A workspace, its ``aus`` folder, any folder of ``part-*.parquet``, or one of them.
    suggest
        Gives the hint of the error for the nearest workspace.

    Raises
    ------
    UsageError
        When there are none; a folder of CSV files is told how to become a workspace.
    """
    if parts := _loose_parts(path):
        return _values(pa.concat_tables([read_part(part, "aus") for part in parts]))
    if path.suffix.lower() == ".csv" or (path.is_dir() and any(path.glob("*.csv"))):
        raise UsageError(
            f"{path} holds CSV files, which only the aus stage joins to faces",
            f"faceprep aus … --set aus.backend=openface-csv --set aus.openface_csv={path}"
            " --workspace OTHER   then: --against OTHER",
        )
    return estimates(Workspace(workspace_of(path, suggest)))[0]


def _loose_parts(path: Path) -> list[Path]:
    """Parquet files that are to be read as they are; none where a workspace is meant."""
    folder = path if path.is_dir() else path.parent
    other_stage = folder.name in STAGES and folder.name != "aus" and is_workspace(folder.parent)
    if other_stage or is_workspace(path):
        return []
    if path.is_dir():
        return sorted([*path.glob("part-*.parquet"), *path.glob("from-*/part-*.parquet")])
    return [path] if path.suffix == ".parquet" and path.is_file() else []


def drawn_aus(table: pa.Table, dataset: Path, below: str) -> AUValues:
    """What the renderer drew on the faces of a demo dataset.

    Parameters
    ----------
    table
        Rows of select.
    dataset
        Folder of the demo dataset.
    below
        Where in it the paths of select begin; empty for the folder itself.

    Returns
    -------
    The faces of the table that were drawn. An AU is present from the intensity on that a coder
    would grade.
    """
    from faceprep.demo.action_units import PRESENT
    from faceprep.demo.truth import read_truth

    truth = read_truth(dataset)
    paths = [f"{below}/{path}" if below else path for path in table["path"].to_pylist()]
    at = pc.index_in(pa.array(paths, pa.string()), truth["path"])
    drawn = truth.take(at.drop_null())
    intensities = _numbers(drawn, COLUMNS_R)
    levels = _numbers(drawn, [name.replace("_c", "_r") for name in COLUMNS_C])
    face_ids = table["face_id"].filter(at.is_valid()).to_pylist()
    return AUValues(face_ids, intensities, (levels >= PRESENT).astype(float), "demo")


def _values(table: pa.Table) -> AUValues:
    """Rows of aus that are ``ok``."""
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
    """Columns side by side, ``(rows, columns) float64``; NaN where there is none."""
    numbers = np.full((table.num_rows, len(columns)), np.nan)
    for column, name in enumerate(columns):
        values = table[name].cast(pa.float64()).fill_null(np.nan)
        numbers[:, column] = values.to_numpy()
    return numbers
