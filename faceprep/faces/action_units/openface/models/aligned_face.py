"""Compute the aligned face of OpenFace: 112 x 112 pixels, upright, black outside the face.

This follows ``AlignFaceMask`` of OpenFace 2.0.6 and the warp of its OpenCV: before version 4.10,
``warpAffine`` rounded coordinates to 1/32 pixel. `cv2.remap` with fixed-point maps still gives
identical results, whereas the current ``warpAffine`` changes AU intensities by 0.01 on average.
"""

import cv2
import numpy as np

from faceprep.faces.action_units.openface.models.shape_model import POINTS, PointDistributionModel

SIDE = 112
SCALE = 0.7
"""Pixels per millimetre, as in OpenFace for AUs."""

# Points that expressions move least: jaw, nose, eye corners and lower lids.
_RIGID = (
    *(1, 2, 3, 4, 12, 13, 14, 15),
    *(27, 28, 29, 31, 32, 33, 34, 35),
    *(36, 39, 40, 41, 42, 45, 46, 47),
)
# The upper edge of the mask, brows and ends of the jaw, is raised to include the forehead.
_RAISED = (0, 16, *range(17, 27))
_RAISED_BY = 30.0

# Fixed-point format of OpenCV: coordinates in 1/1024 pixel, rounded to 1/32.
_FINE_BITS = 10
_FRACTION_BITS = 5
_FRACTION = (1 << _FRACTION_BITS) - 1
_ROUND = 1 << (_FINE_BITS - _FRACTION_BITS - 1)
_MAX_COORDINATE = 1 << 29
"""Limit of a coordinate, half a million pixels: the sum of two fits into 32 bits."""
_INT16 = np.iinfo(np.int16)
_LARGEST = _INT16.max - 1
"""Largest side of an image in `cv2.remap`, pixels."""


def similarities(
    model: PointDistributionModel, landmarks: np.ndarray, translation: np.ndarray
) -> np.ndarray:
    """Return the similarities ``(N, 2, 3) float64`` that map N faces to the aligned face.

    Rotation and scale come from the rigid points of the landmarks ``(N, 68, 2)`` (Kabsch 1976, in
    the plane); their target is the mean shape. The centre of the head, the translation ``(N, 2)``
    of the fit in pixels, is mapped to the middle. The result is not finite if all rigid points
    coincide.
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
    """Warp an image ``(H, W, 3) uint8`` as OpenCV 3 and 4 did: bilinear, black outside.

    The matrix ``(2, 3)`` maps its pixels to pixels of the result, ``(112, 112, 3) uint8``.
    """
    columns, rows = _fixed_point(cv2.invertAffineTransform(np.asarray(matrix, dtype=np.float64)))
    # The maps of OpenCV are 16-bit, so the image is cropped to the part that is needed.
    first = (rows.min(axis=1) + columns.min(axis=1)) >> _FINE_BITS
    last = (rows.max(axis=1) + columns.max(axis=1)) >> _FINE_BITS
    left, top = np.maximum(first, 0)
    right, bottom = np.minimum(last + 2, [left + _LARGEST, top + _LARGEST])
    part = image[top : max(bottom, 0), left : max(right, 0)]
    if not part.size:
        return np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    rows -= np.array([[left], [top]], dtype=np.int32) << _FINE_BITS
    places = (rows[:, :, None] + columns[:, None, :]) >> (_FINE_BITS - _FRACTION_BITS)
    maps = np.empty((SIDE, SIDE, 2), dtype=np.int16)
    for axis, place in enumerate(places):
        maps[..., axis] = np.clip(place >> _FRACTION_BITS, _INT16.min, _INT16.max)
    x, y = places & _FRACTION
    fractions = (y << _FRACTION_BITS | x).astype(np.uint16)
    return np.asarray(
        cv2.remap(part, maps, fractions, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    )


def _fixed_point(inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the contributions of columns and rows to x and y, ``(2, 112) int32``, 1/1024 pixel.

    OpenCV rounds both separately.
    """
    steps = np.arange(SIDE)
    fine = float(1 << _FINE_BITS)
    columns = np.rint(inverse[:, :1] * steps * fine)
    rows = np.rint((inverse[:, 1:2] * steps + inverse[:, 2:]) * fine) + _ROUND
    columns, rows = (
        np.clip(values, -_MAX_COORDINATE, _MAX_COORDINATE) for values in (columns, rows)
    )
    return columns.astype(np.int32), rows.astype(np.int32)


def face_masks(matrices: np.ndarray, landmarks: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the pixels of N aligned faces inside or on any triangle, ``(N, 112, 112) bool``.

    Each row intersects a triangle in one run of pixels. The mask consists of the pixels up to which
    more runs have started than ended. `matrices` are from `similarities`, the landmarks ``(N, 68,
    2)`` pixels of the images, and the triangles ``(T, 3)`` indices of landmarks.
    """
    points = landmarks @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
    points[:, list(_RAISED), 1] -= _RAISED_BY
    corners = points[:, triangles].reshape(-1, 3, 2)
    triangle, row, left, right = _runs(corners)
    line = triangle // len(triangles) * SIDE + row
    size = len(points) * SIDE * (SIDE + 1)
    begun = np.bincount(line * (SIDE + 1) + left, minlength=size)
    ended = np.bincount(line * (SIDE + 1) + right + 1, minlength=size)
    inside = (begun - ended).reshape(-1, SIDE, SIDE + 1).cumsum(axis=2)
    return np.asarray(inside[..., :SIDE] > 0)


def _runs(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return triangle, row, first and last column of each run in triangles ``(T, 3, 2)``."""
    order = corners[..., 1].argsort(axis=1)
    upper, middle, lower = np.take_along_axis(corners, order[..., None], axis=1).transpose(1, 2, 0)
    top = np.clip(np.ceil(upper[1]), 0, SIDE).astype(np.int64)
    bottom = np.clip(np.floor(lower[1]), -1, SIDE - 1).astype(np.int64)
    heights = np.maximum(bottom - top + 1, 0)
    triangle = np.repeat(np.arange(len(corners)), heights)
    row = np.arange(len(triangle)) - (np.cumsum(heights) - heights - top)[triangle]
    # One edge spans all rows; the other two meet at the middle corner.
    down = row - upper[1][triangle]
    one = upper[0][triangle] + down * _slope(upper, lower)[triangle]
    down = row - middle[1][triangle]
    bent = np.where(down <= 0, _slope(upper, middle)[triangle], _slope(middle, lower)[triangle])
    other = middle[0][triangle] + down * bent
    left = np.clip(np.ceil(np.minimum(one, other)), 0, SIDE).astype(np.int64)
    right = np.clip(np.floor(np.maximum(one, other)), -1, SIDE - 1).astype(np.int64)
    some = left <= right
    return triangle[some], row[some], left[some], right[some]


def _slope(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return columns per row along edges between points ``(2, T)``; 0 for horizontal edges."""
    height = end[1] - start[1]
    return np.asarray(
        np.where(height > 0, end[0] - start[0], 0.0) / np.where(height > 0, height, 1)
    )
