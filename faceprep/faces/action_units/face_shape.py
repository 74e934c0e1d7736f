"""Estimate the head pose from 68 points, and rotate the points to a frontal view.

A 3-D mean face is fitted to the points that expressions hardly move (face outline beside the eyes,
nose, eye corners). The differences between the face and the fitted mean are transformed to the
plane of the face. ``mean_face.toml`` contains the mean face and its source.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from faceprep.faces.landmarks import FLIP_68

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

    Notes
    -----
    Scaled orthography: least squares gives the 2×3 matrix that maps the rigid points of the mean
    face to the face; the nearest matrix with orthogonal rows of equal length gives scale and
    rotation. Points are assumed to move in the plane of the face, at their depths on the mean face.
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
