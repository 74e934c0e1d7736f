"""OpenFace's aligned face: 112 x 112 pixels, upright, black outside the face.

OpenFace 2.0.6, ``AlignFaceMask``, with the warp of the OpenCV that it was built with: until 4.10
``warpAffine`` rounded coordinates to 1/32 pixel. `cv2.remap` with maps of that kind still computes
the same to the last bit; today's ``warpAffine`` moves AU intensities by 0.01 on average.
"""

import cv2
import numpy as np

from faceprep.faces.action_units.openface.shape_fit import POINTS, PointDistributionModel

SIDE = 112
SCALE = 0.7
"""Pixels per millimetre, as OpenFace fixes it for AUs."""

# Points that expressions move least: jaw, nose, corners and lower lids of the eyes.
_RIGID = (
    *(1, 2, 3, 4, 12, 13, 14, 15),
    *(27, 28, 29, 31, 32, 33, 34, 35),
    *(36, 39, 40, 41, 42, 45, 46, 47),
)
# The mask's upper edge, brows and the jaw's ends, is raised to take in the forehead.
_RAISED = (0, 16, *range(17, 27))
_RAISED_BY = 30.0

# OpenCV's fixed point: coordinates in 1/1024 pixel, rounded to 1/32.
_FINE_BITS = 10
_FRACTION_BITS = 5
_FRACTION = (1 << _FRACTION_BITS) - 1
_ROUND = 1 << (_FINE_BITS - _FRACTION_BITS - 1)
_INT16 = np.iinfo(np.int16)


def similarities(
    model: PointDistributionModel, landmarks: np.ndarray, translation: np.ndarray
) -> np.ndarray:
    """Similarities that take N faces to the aligned one.

    Turn and size come from the rigid points (Kabsch 1976, in the plane); the head's centre, which
    the shape model's fit gives, goes to the middle.

    Parameters
    ----------
    model
        Its mean shape is the target.
    landmarks : (N, 68, 2)
        Pixels.
    translation : (N, 2)
        The fit's translation, pixels.

    Returns
    -------
    ``(N, 2, 3) float64``; not finite where the rigid points are all in one place.
    """
    target = SCALE * model.mean.reshape(3, POINTS)[:2, list(_RIGID)].T
    target = target - target.mean(axis=0)
    source = landmarks[:, list(_RIGID)]
    source = source - source.mean(axis=1, keepdims=True)
    along = (source * target).sum(axis=(1, 2))
    across = (source[..., 0] * target[:, 1] - source[..., 1] * target[:, 0]).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.sqrt((target**2).sum() / (source**2).sum(axis=(1, 2)))
        factor = size / np.hypot(along, across)
        cosine, sine = factor * along, factor * across
    linear = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    offset = SIDE / 2 - (linear @ translation[..., None])
    return np.concatenate([linear, offset], axis=2)


def warp(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Warp a picture as OpenCV 3 and 4 did (bilinear, black outside).

    Parameters
    ----------
    image : (H, W, 3) uint8
    matrix : (2, 3)
        From pixels of the image to pixels of the result.

    Returns
    -------
    ``(112, 112, 3) uint8``.
    """
    inverse = cv2.invertAffineTransform(np.asarray(matrix, dtype=np.float64))
    steps = np.arange(SIDE)
    fine = float(1 << _FINE_BITS)
    # Columns are rounded by themselves, as OpenCV does; clipped where it would overflow.
    columns = np.rint(inverse[:, :1] * steps * fine)
    rows = np.rint((inverse[:, 1:2] * steps + inverse[:, 2:]) * fine) + _ROUND
    limit = float(1 << 30)
    columns = np.clip(columns, -limit, limit).astype(np.int64)
    rows = np.clip(rows, -limit, limit).astype(np.int64)
    places = (rows[:, :, None] + columns[:, None, :]) >> (_FINE_BITS - _FRACTION_BITS)
    whole = np.clip(places >> _FRACTION_BITS, _INT16.min, _INT16.max)
    x, y = places & _FRACTION
    maps = np.ascontiguousarray(whole.transpose(1, 2, 0), dtype=np.int16)
    fractions = (y << _FRACTION_BITS | x).astype(np.uint16)
    return np.asarray(
        cv2.remap(image, maps, fractions, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    )


def face_masks(matrices: np.ndarray, landmarks: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Pixels of N aligned faces that lie in or on any of the triangles.

    Every triangle is cut along every row of pixels, which leaves the pixels from one column to
    another; the mask is where more such runs have begun than ended.

    Parameters
    ----------
    matrices : (N, 2, 3)
        From `similarities`.
    landmarks : (N, 68, 2)
        Pixels of the pictures.
    triangles : (T, 3) int
        Landmarks.

    Returns
    -------
    ``(N, 112, 112) bool``.
    """
    points = landmarks @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
    points[:, list(_RAISED), 1] -= _RAISED_BY
    corners = points[:, triangles].reshape(-1, 3, 2)
    top = np.clip(np.ceil(corners[..., 1].min(axis=1)), 0, SIDE).astype(np.int64)
    bottom = np.clip(np.floor(corners[..., 1].max(axis=1)), -1, SIDE - 1).astype(np.int64)
    heights = np.maximum(bottom - top + 1, 0)
    triangle = np.repeat(np.arange(len(corners)), heights)
    first = np.cumsum(heights) - heights
    row = np.arange(len(triangle)) - first[triangle] + top[triangle]
    left, right = _cuts(corners[triangle], row)
    left = np.clip(np.ceil(left), 0, SIDE).astype(np.int64)
    right = np.clip(np.floor(right), -1, SIDE - 1).astype(np.int64)
    line = (triangle // len(triangles) * SIDE + row)[left <= right]
    size = len(points) * SIDE * (SIDE + 1)
    begun = np.bincount(line * (SIDE + 1) + left[left <= right], minlength=size)
    ended = np.bincount(line * (SIDE + 1) + right[left <= right] + 1, minlength=size)
    runs = (begun - ended).reshape(-1, SIDE, SIDE + 1).cumsum(axis=2)
    return np.asarray(runs[..., :SIDE] > 0)


def _cuts(corners: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where horizontal lines enter and leave triangles ``(K, 3, 2)``: two arrays ``(K,)``."""
    left = np.full(len(row), np.inf)
    right = np.full(len(row), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        x1, y1 = corners[:, a].T
        x2, y2 = corners[:, b].T
        level = y1 == y2
        share = np.where(level, 0.0, (row - y1) / np.where(level, 1.0, y2 - y1))
        x = x1 + share * (x2 - x1)
        met = np.where(level, row == y1, (share >= 0) & (share <= 1))
        left = np.where(met, np.minimum(left, x), left)
        right = np.where(met, np.maximum(right, x), right)
    return left, right
