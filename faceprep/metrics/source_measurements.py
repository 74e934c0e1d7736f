"""Measurements of source faces for generators driven by action units or landmarks."""

from collections.abc import Sequence, Set

import numpy as np

from faceprep.core.errors import FaceprepError, Remedy
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.faces.action_units.landmark_estimator import estimate
from faceprep.generators.targets import Measurements
from faceprep.workspace import Workspace
from faceprep.workspace.load import load, read_crop


def measurements_of_faces(
    workspace: Workspace, ids: Sequence[str], names: Set[str]
) -> Measurements:
    """Read measurements of aligned faces from the manifests of their workspace.

    Parameters
    ----------
    ids
        ``face_id`` of each face.
    names
        Fields of `Measurements` to fill.

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
        points = np.array([_points(one) for one in table["align_landmarks68"]]).reshape(-1, 68, 2)
        if len(table):  # all crops of a workspace have one size
            hint = Remedy("align", workspace.root, resume=True)
            points = points / len(read_crop(table["crop"].iloc[0], hint))
        _refuse_unmeasured(ids, points, workspace, "align")
    return Measurements(units, points)


def measurements_of_crop(landmarks68: np.ndarray, side: int, names: Set[str]) -> Measurements:
    """Measure one face, as measurements of N = 1 faces.

    Parameters
    ----------
    landmarks68
        ``(68, 2)`` or flat, pixels of the crop.
    side
        Side of the crop, pixels.
    names
        Fields of `Measurements` to fill.
    """
    points = np.asarray(landmarks68, np.float32).reshape(1, 68, 2)
    units = estimate(points).intensities if "action_units" in names else None
    return Measurements(units, points / side if "landmarks" in names else None)


def _points(values: object) -> np.ndarray:
    if not isinstance(values, np.ndarray | list):
        return np.full((68, 2), np.nan, np.float32)
    return np.asarray(values, np.float32).reshape(68, 2)


def _refuse_unmeasured(
    ids: Sequence[str], values: np.ndarray, workspace: Workspace, stage: str
) -> None:
    lost = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if lost.any():
        first = ids[int(lost.argmax())]
        raise FaceprepError(
            f"{int(lost.sum())} faces have no measurement of {stage}, {first} first",
            Remedy(stage, workspace.root, resume=True),
        )
