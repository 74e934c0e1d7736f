"""Read labelled crops of a workspace in the size of a generator, and their measurements."""

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

import numpy as np
import torch

from faceprep.core.errors import FaceprepError, Remedy, UsageError
from faceprep.core.landmarks import read_points
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.generators.targets import Measurements
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.training.crops import resize
from faceprep.workspace import Workspace
from faceprep.workspace.load import load, read_crop

if TYPE_CHECKING:
    import pandas as pd


def labelled_rows(workspace: Workspace, expressions: Sequence[str]) -> "pd.DataFrame":
    """Return aligned faces that show one of some expressions, indexed by ``face_id``."""
    table = load(workspace.root, ["select", "align"], only_ok=True, existing=False)
    return table[table["expression"].isin(list(expressions))]


def rows_of_split(
    workspace: Workspace, table: "pd.DataFrame", split: str, classes: Sequence[str]
) -> "pd.DataFrame":
    """Return the rows of one side of the split; UsageError if there are none."""
    rows = table[table["split"] == split]
    if not len(rows):
        raise UsageError(
            f"{workspace.root}: no aligned {split} face shows one of {', '.join(classes)}",
            Remedy("show", workspace.root, note="counts the faces"),
        )
    return rows


def read_faces(
    workspace: Workspace, rows: "pd.DataFrame", size: int, measured: Set[str] = frozenset()
) -> LabelledFaces:
    """Read the crops of rows, reduced to S = `size` as in training.

    `measured` are the fields of `Measurements` to read as well. FaceprepError if a crop cannot be
    read.
    """
    crops = [reduce_crop(read_crop(crop), size) for crop in rows["crop"]]
    images = np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
    people = (rows["dataset"] + "/" + rows["subject"]).to_numpy(str)
    return LabelledFaces(
        images,
        template_of(workspace),
        rows["expression"].fillna("").to_numpy(str),
        people,
        measurements_of_faces(workspace, rows.index.tolist(), measured),
    )


def reduce_crop(crop: np.ndarray, size: int) -> np.ndarray:
    """Resize a crop ``(H, H, 3) uint8`` to the size of a generator, as training does."""
    reduced = resize(torch.from_numpy(np.ascontiguousarray(crop))[None], size)[0]
    return np.ascontiguousarray(reduced.permute(1, 2, 0).numpy())


def template_of(workspace: Workspace) -> str:
    """Return the template to which the crops of a workspace are aligned."""
    return str(workspace.info("align").get("settings", {}).get("template", "expression"))


def some_faces(faces: LabelledFaces, count: int | None, seed: int = 0) -> LabelledFaces:
    """Return at most `count` faces: one of every subject, then another of every subject."""
    if count is None or count >= len(faces):
        return faces
    return faces.take(in_turns(faces.subjects, seed)[:count])


def in_turns(subjects: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a random order of faces: one of every subject, then another of every subject."""
    mixed = np.random.default_rng(seed).permutation(len(subjects))
    turn = np.zeros(len(subjects), np.int64)
    for subject in np.unique(subjects):
        mine = subjects[mixed] == subject
        turn[mine] = np.arange(mine.sum())
    return mixed[np.argsort(turn, kind="stable")]


def measurements_of_faces(
    workspace: Workspace, ids: Sequence[str], names: Set[str]
) -> Measurements:
    """Read measurements of aligned faces from the manifests of their workspace.

    `names` are the fields of `Measurements` to fill.

    Raises
    ------
    UsageError
        The stage that measures them has not run.
    FaceprepError
        A face was not measured.
    """
    units = points = None
    if "action_units" in names:
        table = load(workspace.root, ["aus"]).loc[list(ids)]
        units = table[list(COLUMNS_R)].to_numpy(np.float32)
        _refuse_unmeasured(ids, units, workspace, "aus")
    if "landmarks" in names:
        table = load(workspace.root, ["align"]).loc[list(ids)]
        points = np.array([read_points(one) for one in table["align_landmarks68"]]).reshape(
            -1, 68, 2
        )
        if len(table):  # all crops of a workspace have one size
            points = points / len(read_crop(table["crop"].iloc[0]))
        _refuse_unmeasured(ids, points, workspace, "align")
    return Measurements(units, points)


def _refuse_unmeasured(
    ids: Sequence[str], values: np.ndarray, workspace: Workspace, stage: str
) -> None:
    lost = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if lost.any():
        first = ids[int(lost.argmax())]
        raise FaceprepError(
            f"{int(lost.sum())} faces have no measurement of {stage}, {first} first",
            Remedy(stage, workspace.root, {"overwrite": True}, resume=True),
        )
