"""Turn 68 points to a frontal view, and measure distances on them that Action Units change.

A 3-D mean face is fitted to the points that expressions hardly move (face outline beside the eyes,
nose, eye corners). The differences between the face and the fitted mean are transformed to the
plane of the face. ``mean_face.toml`` contains the mean face and its source.

A measure is the height (or the distance from the middle line) of some points minus that of others,
so all measures are linear in the coordinates. The points are those of the left half in the image,
because `to_front` makes both halves equal.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from faceprep.core.landmarks import FLIP_68

#: File of the mean face, beside this module.
MEAN_FACE = "mean_face.toml"

#: Points that expressions hardly move.
RIGID = (0, 1, 2, 3, 13, 14, 15, 16, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45)


@dataclass(frozen=True, slots=True)
class FaceShapes:
    """Hold *N* faces in frontal view."""

    # ``(N, 68, 2)`` x right, y down, in units of the mean face's distance between eye centres;
    # origin at the mean face's centroid. Mirror-symmetric: the mean of the two halves.
    points: np.ndarray
    # ``(N,)`` degrees, 0 for a frontal face; positive for a face that is turned to the right or
    # upwards in the image. First-order estimates.
    yaw: np.ndarray
    pitch: np.ndarray
    # ``(N,)`` root mean square distance of the rigid points to the fitted mean face, in the unit of
    # `points`
    residual: np.ndarray


@cache
def mean_face() -> np.ndarray:
    """Return the mean face ``(68, 3)``: x right, y down, z towards the camera, eye distance 1."""
    text = files(__package__).joinpath(MEAN_FACE).read_text(encoding="utf-8")
    points = np.array(tomllib.loads(text)["points"], dtype=np.float64)
    points.setflags(write=False)
    return points


def to_front(landmarks: np.ndarray, mean: np.ndarray | None = None) -> FaceShapes:
    """Remove position, scale, roll and (to first order) yaw and pitch from 68 points.

    Scaled orthography: least squares gives the 2×3 matrix that maps the rigid points of the mean
    face to the face; the nearest matrix with orthogonal rows of equal length gives scale and
    rotation. Points are assumed to move in the plane of the face, at their depths on the mean face.

    Parameters
    ----------
    landmarks
        ``(N, 68, 2)`` x, y in pixels of any image, finite, iBUG order.
    mean
        ``(68, 3)`` mean face; by default `mean_face`.

    Returns
    -------
    `FaceShapes`. It is invariant to translation, scale and roll; mirroring changes only the sign of
    the yaw.
    """
    mean = mean_face() if mean is None else mean
    rigid = list(RIGID)
    centre = mean[rigid].mean(axis=0)
    solve = np.linalg.pinv(mean[rigid] - centre)  # 3 × rigid
    observed = landmarks[:, rigid].mean(axis=1)
    affine = np.einsum("kr,nrd->ndk", solve, landmarks[:, rigid] - observed[:, None])
    left, stretch, right = np.linalg.svd(affine, full_matrices=False)
    rotation = left @ right  # N × 2 × 3, the first two rows
    scale = np.maximum(stretch.mean(axis=1), np.finfo(np.float64).tiny)
    camera = scale[:, None, None] * rotation
    shift = observed - camera @ centre

    fitted = np.einsum("ndk,pk->npd", camera, mean) + shift[:, None]
    distance2 = ((fitted - landmarks)[:, rigid] ** 2).sum(axis=2)
    residual = np.sqrt(distance2.mean(axis=1)) / scale

    flat = landmarks - shift[:, None] - mean[None, :, 2:] * camera[:, None, :, 2]
    points = np.einsum("nde,npe->npd", np.linalg.pinv(camera[:, :, :2]), flat)
    mirrored = points[:, FLIP_68] * np.array([-1.0, 1.0])
    return FaceShapes(
        points=(points + mirrored) / 2,
        yaw=np.degrees(np.arcsin(np.clip(rotation[:, 0, 2], -1, 1))),
        pitch=-np.degrees(np.arcsin(np.clip(rotation[:, 1, 2], -1, 1))),
        residual=residual,
    )


@dataclass(frozen=True, slots=True)
class Measure:
    """Define how far the mean of some points is above (or outside of) the mean of others."""

    # ``up``: height on the face. ``out``: distance from its middle line.
    axis: Literal["up", "out"]
    points: tuple[int, ...]  # landmark indices whose mean is measured
    # landmark indices of the reference; none for the middle line (``out`` only)
    origin: tuple[int, ...] = ()


#: Name → measure. Unit: the mean face's distance between eye centres.
MEASURES: dict[str, Measure] = {
    # Brows, relative to the eye corners, which AUs hardly move
    "inner brow height": Measure("up", (20, 21), (36, 39)),
    "middle brow height": Measure("up", (18, 19, 20), (36, 39)),
    "outer brow height": Measure("up", (17, 18), (36, 39)),
    "brow arch": Measure("up", (19,), (17, 21)),
    "brow gap": Measure("out", (21,)),
    # Eyes
    "brow above lid": Measure("up", (18, 19, 20), (37, 38)),
    "eye opening": Measure("up", (37, 38), (40, 41)),
    "eye width": Measure("out", (36,), (39,)),
    "upper lid height": Measure("up", (37, 38), (36, 39)),
    "lower lid height": Measure("up", (40, 41), (36, 39)),
    # Nose
    "nostril width": Measure("out", (31,)),
    "nostril lift": Measure("up", (31,), (33,)),
    "nose length": Measure("up", (36, 39), (33,)),
    # Mouth: lips relative to the base of the nose
    "upper lip height": Measure("up", (50, 51), (33,)),
    "mouth corner height": Measure("up", (48,), (33,)),
    "lower lip height": Measure("up", (57, 58), (33,)),
    # Mouth: shape
    "mouth corner lift": Measure("up", (48,), (51, 57)),
    "mouth width": Measure("out", (48,)),
    "inner mouth width": Measure("out", (60,)),
    "mouth height": Measure("up", (51,), (57,)),
    "lip gap": Measure("up", (61, 62), (67, 66)),
    "upper lip thickness": Measure("up", (50, 51), (61, 62)),
    "lower lip thickness": Measure("up", (66, 67), (57, 58)),
    "upper lip curve": Measure("up", (49,), (51,)),
    "upper lip width": Measure("out", (49,)),
    "lower lip curve": Measure("up", (59,), (57,)),
    # Chin and outline
    "chin height": Measure("up", (7, 8), (33,)),
    "chin to lower lip": Measure("up", (57,), (7, 8)),
    "jaw width": Measure("out", (5, 6)),
    "cheek width": Measure("out", (2, 3)),
}


def measure(points: np.ndarray) -> np.ndarray:
    """Compute all `MEASURES` of frontal faces `FaceShapes.points`, ``(N, len(MEASURES))``."""
    upwards, outwards = -points[..., 1], -points[..., 0]  # y points down; the left half has x < 0
    columns = []
    for item in MEASURES.values():
        axis = upwards if item.axis == "up" else outwards
        value = axis[:, list(item.points)].mean(axis=1)
        if item.origin:
            value = value - axis[:, list(item.origin)].mean(axis=1)
        columns.append(value)
    return np.stack(columns, axis=1)
