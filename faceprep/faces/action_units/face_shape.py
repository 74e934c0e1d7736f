"""Head pose out of 68 points: where each point would lie if the face looked into the camera.

A mean face in three dimensions is fitted to the points that expressions hardly move (face outline
beside the eyes, nose, eye corners); what remains between the face and its fitted mean is carried
into the plane of the face. The mean face stands in ``mean_face.toml`` with its source.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from faceprep.faces.landmarks import FLIP_68

#: File beside this module with the mean face.
MEAN_FACE = "mean_face.toml"

#: Points that expressions hardly move.
RIGID = (0, 1, 2, 3, 13, 14, 15, 16, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45)


@dataclass(frozen=True, slots=True)
class FaceShapes:
    """*N* faces, turned to the front.

    Attributes
    ----------
    points
        ``(N, 68, 2)`` x right, y down, in units of the mean face's distance between eye centres;
        origin at the mean face's centroid. Mirror-symmetric: the mean of the two halves.
    yaw, pitch
        ``(N,)`` degrees, 0 looks into the camera; signs as in the image (a face turned towards the
        image's right, or upwards, is positive). First-order estimates.
    residual
        ``(N,)`` root mean square distance of the rigid points to the fitted mean face, same unit.
    """

    points: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    residual: np.ndarray


@cache
def mean_face() -> np.ndarray:
    """Return the mean face ``(68, 3)``: x right, y down, z towards the camera, eye distance 1."""
    text = files(__package__).joinpath(MEAN_FACE).read_text(encoding="utf-8")
    points = np.array(tomllib.loads(text)["points"], dtype=np.float64)
    points.setflags(write=False)
    return points


def to_front(landmarks: np.ndarray, mean: np.ndarray | None = None) -> FaceShapes:
    """Undo position, scale, roll and (to first order) yaw and pitch of 68 points.

    Parameters
    ----------
    landmarks
        ``(N, 68, 2)`` x, y in pixels of any image, finite, iBUG order.
    mean
        ``(68, 3)`` another mean face than `mean_face`.

    Returns
    -------
    `FaceShapes`. Moving, scaling or rolling the input changes nothing; mirroring it changes the
    sign of the yaw alone.

    Notes
    -----
    Scaled orthography: least squares gives the 2×3 matrix that carries the rigid points of the
    mean face onto the face; its nearest matrix with orthogonal rows of equal length is scale and
    rotation. A point is then assumed to have moved in the plane of the face, at the depth that it
    has on the mean face.
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
