"""Compute the 3-D mean face from 68 landmarks of many photographs.

The landmarks and their mirror images are factorized into 3-D points and poses (Tomasi and Kanade
1992, scaled orthography). Frontal photographs contain little information about depth, so the depth
is scaled to minimize the distance between the fitted mean face and the rigid points.
"""

import numpy as np

from faceprep.core.landmarks import FLIP_68, LEFT_EYE, NOSE_TIP, RIGHT_EYE
from faceprep.faces.action_units.face_shape import to_front

_DEPTH_STRETCHES = np.arange(1.0, 3.01, 0.1)


def mean_face(landmarks: np.ndarray) -> np.ndarray:
    """Compute ``(68, 3)`` points from ``(N, 68, 2)`` pixels.

    x points right, y down, z to the camera; the distance between the eye centres is 1.
    """
    mirrored = landmarks[:, FLIP_68] * np.array([-1.0, 1.0])
    faces = np.concatenate([landmarks, mirrored])
    faces = faces - faces.mean(axis=1, keepdims=True)
    faces /= np.sqrt((faces**2).sum(axis=(1, 2), keepdims=True))
    rows = faces.transpose(0, 2, 1).reshape(-1, 68)
    left, strength, right = np.linalg.svd(rows, full_matrices=False)
    cameras, shape = left[:, :3] * strength[:3], right[:3]
    upgrade = _metric_upgrade(cameras[0::2], cameras[1::2])
    cameras, shape = cameras @ upgrade, np.linalg.inv(upgrade) @ shape

    x, y = (_unit(cameras[k::2]).mean(axis=0) for k in (0, 1))
    u, _, v = np.linalg.svd(np.stack([x, y]), full_matrices=False)
    front = u @ v
    points = (np.vstack([front, np.cross(*front)]) @ shape).T
    points = (points + points[FLIP_68] * np.array([-1.0, 1.0, 1.0])) / 2
    if points[NOSE_TIP, 2] < points[0, 2]:  # the sign of the depth is ambiguous
        points[:, 2] *= -1
    eyes = points[list(LEFT_EYE)].mean(axis=0) - points[list(RIGHT_EYE)].mean(axis=0)
    points = points / np.linalg.norm(eyes)
    stretched = [points * [1, 1, stretch] for stretch in _DEPTH_STRETCHES]
    residuals = [np.median(to_front(landmarks, mean=face).residual) for face in stretched]
    return np.asarray(stretched[int(np.argmin(residuals))])


def _metric_upgrade(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the 3×3 matrix that makes camera rows ``(N, 3)`` orthogonal and of equal length."""

    def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        cross = [a[:, i] * b[:, j] + a[:, j] * b[:, i] for i, j in ((0, 1), (0, 2), (1, 2))]
        return np.stack([*(a * b).T, *cross], axis=1)

    equations = np.concatenate([products(x, x) - products(y, y), 2 * products(x, y)])
    a, b, c, d, e, f = np.linalg.svd(equations)[2][-1]
    gram = np.array([[a, d, e], [d, b, f], [e, f, c]])
    values, vectors = np.linalg.eigh(gram * np.sign(np.trace(gram)))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 1e-9)))


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def as_toml(points: np.ndarray) -> str:
    """Return the text of ``mean_face.toml``."""
    rows = "\n".join(
        "  [" + ", ".join(f"{value + 0.0:.4f}" for value in row) + "]," for row in points.round(4)
    )
    return (
        "# The mean face in iBUG order: x right, y down, z towards the camera; distance between\n"
        "# the eye centres 1, origin at the centroid. From dlib's landmarks of the calibration\n"
        "# photographs, by tools/calibrate_action_units.py.\n"
        f"points = [\n{rows}\n]\n"
    )
