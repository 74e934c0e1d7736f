"""Join the manifests of a workspace into one table, for notebooks and scripts, and read crops.

>>> from faceprep.workspace.load import load
>>> faces = load("manifests/demo")                        # doctest: +SKIP
>>> faces[["expression", "split", "AU12_r", "crop"]]      # doctest: +SKIP
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.config import STAGES
from faceprep.core.errors import Again, FaceprepError, Hint, Remedy, UsageError
from faceprep.core.images import UnreadableImage, read_image
from faceprep.workspace import Workspace
from faceprep.workspace.schemas import SCHEMAS

if TYPE_CHECKING:
    import pandas as pd

_FILES = {"align": "crop", "heatmaps": "heatmap"}


def load(
    workspace: str | Path,
    stages: Sequence[str] | None = None,
    only_ok: bool = False,
    existing: bool | None = None,
) -> "pd.DataFrame":
    """Join the manifests of a workspace, one row per selected face.

    Parameters
    ----------
    workspace
        Folder of the run, ``manifests/<name>``.
    stages
        Stages to join to ``select``; by default all existing ones.
    only_ok
        Omit faces that are not ``ok`` in every joined stage.
    existing
        Omit faces whose crop or heatmap was deleted, and the ``path`` of photographs that were; by
        default as `only_ok`. Stages pass False, because they refuse damaged input.

    Returns
    -------
    Table indexed by ``face_id``, in the order of the selection. Columns as in
    `manifests/README.md`; ``status``, ``reason``, and columns that occur in several stages are
    prefixed by the stage (``align_status``, ``aus_confidence`` …). ``path``, ``crop`` and
    ``heatmap`` are absolute paths, or missing.

    Raises
    ------
    UsageError
        A stage is unknown or has not run.
    ManifestError
        A manifest is damaged.
    """
    place = Workspace(Path(workspace))
    if not place.shards("select"):
        message = f"{place.root} is no workspace with selected faces"
        raise UsageError(message, Again({"only": False}))
    present = [stage for stage in STAGES if place.shards(stage)]
    wanted = [stage for stage in STAGES if stage in {"select", *(stages or present)}]
    missing = [stage for stage in (stages or []) if stage not in STAGES]
    if missing:
        raise UsageError(f"no stage {missing[0]!r}", f"one of: {', '.join(STAGES)}")
    for stage in wanted:
        if stage not in present:
            raise UsageError(f"{place.root}: {stage} has not run", place.redo(stage))
    joined = _frame(place, "select")
    for stage in wanted[1:]:
        frame = _frame(place, stage)
        if not joined.index.isin(frame.index).all():
            raise FaceprepError(f"{stage} is not up to date with select", place.redo(stage))
        shared = {*joined.columns, "status", "reason"}
        names = {name: f"{stage}_{name}" for name in frame.columns if name in shared}
        joined = joined.join(frame.rename(columns=names))
        if only_ok:
            joined = joined[joined[f"{stage}_status"] == "ok"]
    return _existing(joined) if (only_ok if existing is None else existing) else joined


def _existing(faces: "pd.DataFrame") -> "pd.DataFrame":
    """Omit faces whose crop or heatmap is not there, and paths of photographs that are not."""
    files: dict[str, set[str]] = {}  # folder → names, because a listing is faster than many stats

    def exists(path: object) -> bool:
        folder, name = os.path.split(str(path))
        if folder not in files:
            try:
                files[folder] = {entry.name for entry in os.scandir(folder)}
            except OSError:
                files[folder] = set()
        return name in files[folder]

    for column in set(_FILES.values()) & {*faces.columns}:
        faces = faces[faces[column].map(exists).astype(bool)]
    return faces.assign(path=faces["path"].where(faces["path"].map(exists).astype(bool), None))


def _frame(place: Workspace, stage: str) -> "pd.DataFrame":
    """Return the rows of one stage, with absolute paths of files."""
    import pyarrow as pa

    tables = list(place.tables(stage))
    table = pa.concat_tables(tables) if tables else SCHEMAS[stage].empty_table()
    frame = table.to_pandas().set_index("face_id")
    root = place.info("select").get("root")
    if stage == "select" and root:
        frame["path"] = frame["path"].map(Path(root).joinpath).map(str)
    if stage in _FILES:
        folder = place.folder(stage).absolute()
        frame[_FILES[stage]] = frame[_FILES[stage]].map(
            lambda path: str(folder / path), na_action="ignore"
        )
    return frame


def crops_again(crop: str | Path) -> Hint:
    """Return the command that makes the crops again among which one is damaged."""
    for folder in Path(crop).absolute().parents:
        if folder.name == "align":
            return Remedy("align", folder.parent, {"overwrite": True}, resume=True)
    return "align the faces again"


def read_crop(path: str | Path, hint: Hint | None = None) -> np.ndarray:
    """Read a crop, ``(H, W, 3) uint8`` RGB.

    Parameters
    ----------
    path
        PNG file.
    hint
        Hint of the error; by default, to make the crops of its workspace again.

    Raises
    ------
    FaceprepError
        The crop cannot be read.
    """
    try:
        return read_image(Path(path))
    except UnreadableImage as error:
        again = crops_again(path) if hint is None else hint
        raise FaceprepError(f"the crop {path} cannot be read: {error.message}", again) from None
