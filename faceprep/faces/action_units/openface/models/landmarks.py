"""Move the 68 points of dlib to where the landmark detector of OpenFace places them.

The AU predictors of OpenFace were trained on the points of its own detector. The two detectors
disagree, mainly about the lips and the chin. A small network predicts the displacements from the
gradients around each point in a face of normalized position, rotation and size. The features are
those of DAISY (Tola, Lepetit and Fua, PAMI 2010). The method is one step of the supervised descent
of Xiong and De la Torre (CVPR 2013), with a hidden layer instead of a linear map.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from faceprep.faces.action_units.openface.models.landmark_network import (
    POINTS,
    LandmarkNetwork,
    load_network,
)
from faceprep.faces.alignment import apply_affine

EYE_DISTANCE = 64
"""Distance between the outer eye corners of the mean shape, pixels of the normalized face."""
SIDE = 166
"""Side of the normalized face, pixels."""
MAX_DISPLACEMENT = 0.25
"""Largest displacement of a point, in distances between the outer eye corners."""

# The jaw varies more with expressions and shadows, so it has less weight in the similarity.
_WEIGHTS = np.where(np.arange(POINTS) < 17, 0.2, 1.0)
_WEIGHTS /= _WEIGHTS.sum()

_DIRECTIONS = 8
_GRID = 4  # number of cells around a point along each axis
_CELL = 5.0  # pixels
_POOL = 2  # pixels that are averaged before smoothing
_SMOOTHING = _CELL / 2 / _POOL
_FLOOR = 0.05  # gray levels per pixel of a cell; smaller gradients count as flat
FEATURES = _GRID * _GRID * _DIRECTIONS
"""Number of features of a point."""

_LARGEST = 1e7  # pixels; larger coordinates are not meaningful


def refine_many(images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
    """Refine the points ``(N, 68, 2)`` of dlib's predictor in N images ``(H, W, 3) uint8`` RGB.

    The points are in pixels and may be outside the image. A face with NaN points is NaN. Points
    that define no similarity are unchanged. The result ``(N, 68, 2) float64`` for a face does not
    depend on the other faces.

    Raises
    ------
    ValueError
        If an array has another shape.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64)
    if landmarks.shape != (len(images), POINTS, 2):
        raise ValueError(f"want ({len(images)}, {POINTS}, 2) landmarks, got {landmarks.shape}")
    network = load_network()
    faces = [refine(*face, network) for face in zip(images, landmarks, strict=True)]
    return np.array(faces).reshape(landmarks.shape)


def refine(image: np.ndarray, points: np.ndarray, network: LandmarkNetwork) -> np.ndarray:
    """Refine the points ``(68, 2)`` of one face; see `refine_many`."""
    if not np.isfinite(points).all():
        return np.full_like(points, np.nan)
    matrix = similarity(points, network.mean_shape)
    if not (np.isfinite(matrix).all() and _in_reach(matrix, points) and image.size):
        return points
    face, matrix = normalize_face(image, points, network.mean_shape)
    start = apply_affine(matrix, points)
    moves = network.displacements(features(face, start), (start - SIDE / 2) / EYE_DISTANCE)
    length = np.hypot(*moves.T)
    moves *= (MAX_DISPLACEMENT / np.maximum(length, MAX_DISPLACEMENT))[:, None]
    return np.asarray(points + EYE_DISTANCE * moves @ np.linalg.inv(matrix[:, :2]).T)


def normalize_face(
    image: np.ndarray, points: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Normalize the position, rotation and size of a face in an image ``(H, W, 3) uint8``.

    The points ``(68, 2)`` are finite and define a similarity to the mean
    `LandmarkNetwork.mean_shape`.

    Returns
    -------
    Gray face ``(166, 166) uint8``, with replicated borders, and the matrix ``(2, 3)`` from pixels
    of the image to pixels of the face.
    """
    matrix = similarity(points, mean)
    region, origin = _region(image, matrix)
    gray = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    # For scales below 1/2, the image is averaged first.
    step = max(int(1 / np.hypot(*matrix[:, 0])), 1)
    height, width = (max(round(side / step), 1) for side in gray.shape)
    steps = np.array([gray.shape[1] / width, gray.shape[0] / height])
    if step > 1:
        gray = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    else:
        steps[:] = 1.0
    local = np.column_stack([matrix[:, :2] * steps, apply_affine(matrix, origin + (steps - 1) / 2)])
    face = cv2.warpAffine(
        gray, local, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return face, matrix


def similarity(points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the matrix ``(2, 3)`` that maps points ``(68, 2)`` closest to the mean shape."""
    x, y = (points - centre(points)).T
    u, v = mean.T
    with np.errstate(all="ignore"):
        size = _WEIGHTS @ (x * x + y * y)
        along = EYE_DISTANCE * (_WEIGHTS @ (x * u + y * v)) / size
        across = EYE_DISTANCE * (_WEIGHTS @ (x * v - y * u)) / size
    linear = np.array([[along, -across], [across, along]])
    return np.column_stack([linear, SIDE / 2 - linear @ centre(points)])


def centre(points: np.ndarray) -> np.ndarray:
    """Return the weighted mean ``(2,)`` of points ``(68, 2)``."""
    return np.asarray(_WEIGHTS @ points)


def features(face: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Compute gradient features around the points ``(68, 2)`` of a normalized face, in its pixels.

    Returns
    -------
    ``(68, 128) float32``: cells in row-major order, 8 directions each; norm 1, less if flat.
    """
    maps = _gradient_maps(face)
    steps = (np.arange(_GRID) - (_GRID - 1) / 2) * _CELL
    cells = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    places = (points[:, None] + cells - (_POOL - 1) / 2) / _POOL
    found = _interpolate(maps, places).reshape(POINTS, FEATURES)
    length = np.sqrt((found * found).sum(axis=1, keepdims=True))
    return np.asarray(found / (length + np.float32(_FLOOR)), dtype=np.float32)


def _in_reach(matrix: np.ndarray, points: np.ndarray) -> bool:
    """Return whether coordinates and scale are within numeric limits."""
    scale = np.hypot(*matrix[:, 0])
    apart = np.ptp(points, axis=0).max() * _LARGEST > 1  # otherwise the scale is a rounding error
    return bool(apart and 1 / _LARGEST < scale < _LARGEST and np.abs(points).max() < _LARGEST)


def _region(image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of the image that the normalized face shows, and its origin."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = apply_affine(inverse, np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]], float))
    margin = 2 / np.hypot(*matrix[:, 0]) + 2
    limits = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, limits).astype(int)
    return np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]]), low


def _gradient_maps(face: np.ndarray) -> np.ndarray:
    """Return gradients by direction, ``(83, 83, 8) float32``, averaged over cells."""
    across = cv2.Sobel(face, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(face, cv2.CV_32F, 0, 1, ksize=1)
    small = SIDE // _POOL
    maps = np.empty((small, small, _DIRECTIONS), np.float32)
    for k in range(_DIRECTIONS // 2):
        angle = 2 * np.pi * k / _DIRECTIONS
        slope = cv2.addWeighted(across, np.cos(angle), down, np.sin(angle), 0)
        for direction, part in ((k, slope), (k + _DIRECTIONS // 2, -slope)):
            maps[..., direction] = cv2.resize(
                cv2.max(part, 0), (small, small), interpolation=cv2.INTER_AREA
            )
    return np.asarray(cv2.GaussianBlur(maps, (0, 0), _SMOOTHING))


def _interpolate(maps: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Interpolate maps at places ``(..., 2)``, clipped to the edge; return ``(..., 8)``."""
    places = np.clip(places, 0, len(maps) - 1.001)
    whole = places.astype(np.intp)
    x, y = np.moveaxis((places - whole).astype(np.float32), -1, 0)[..., None]
    column, row = np.moveaxis(whole, -1, 0)
    above = maps[row, column] * (1 - x) + maps[row, column + 1] * x
    below = maps[row + 1, column] * (1 - x) + maps[row + 1, column + 1] * x
    return np.asarray(above * (1 - y) + below * y)
