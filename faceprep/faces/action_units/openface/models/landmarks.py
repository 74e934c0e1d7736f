"""dlib's 68 points, moved to where OpenFace's landmark detector puts them.

OpenFace's AU predictors were trained on the points of its own detector, and the two disagree, above
all about the lips and the chin. Gradients around each point, in a face brought upright and to one
size, go through a small network, which says how far the points are to move. Features as in DAISY
(Tola, Lepetit and Fua, PAMI 2010); one step of the supervised descent of Xiong and De la Torre
(CVPR 2013), with a hidden layer in place of its linear map.

The numbers in ``landmarks.npz`` were learnt by ``benchmarks/learn_openface_landmarks.py``, which
says from what. They hold nothing of OpenFace's files.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import cv2
import numpy as np

from faceprep.faces.alignment import apply_affine

#: File beside this module with every number of the network.
NUMBERS = "landmarks.npz"

POINTS = 68
EYE_DISTANCE = 64
"""Between the outer corners of the eyes of the mean shape, pixels of the upright face."""
SIDE = 166
"""Of the upright face, pixels."""
FARTHEST = 0.25
"""No point moves farther, in distances between the outer corners of the mean shape's eyes."""

# The jaw follows expressions and shadows more than the rest; it counts less for the similarity.
_WEIGHTS = np.where(np.arange(POINTS) < 17, 0.2, 1.0)
_WEIGHTS /= _WEIGHTS.sum()

_DIRECTIONS = 8
_GRID = 4  # cells around a point, along each axis
_CELL = 5.0  # pixels
_POOL = 2  # pixels that are averaged before the cells are smoothed
_SMOOTHING = _CELL / 2 / _POOL
_FLOOR = 0.05  # gray levels a pixel of a cell, below which a patch counts as flat
FEATURES = _GRID * _GRID * _DIRECTIONS
"""Numbers that describe the surroundings of a point."""

_LARGEST = 1e7  # pixels; beyond, coordinates mean nothing


def refine_many(images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
    """Move the points of N faces.

    Parameters
    ----------
    images : N images (H, W, 3) uint8 RGB
        One for each face.
    landmarks : (N, 68, 2)
        Pixels of the images, as dlib's predictor gives them; may lie outside.

    Returns
    -------
    ``(N, 68, 2) float64``. A face with a NaN is NaN; points that fix no similarity stay. A face's
    result does not depend on the others.

    Raises
    ------
    ValueError
        For arrays of other shapes.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64)
    if landmarks.shape != (len(images), POINTS, 2):
        raise ValueError(f"want ({len(images)}, {POINTS}, 2) landmarks, got {landmarks.shape}")
    net = numbers()
    faces = [refine(*face, net) for face in zip(images, landmarks, strict=True)]
    return np.array(faces).reshape(landmarks.shape)


@cache
def digest() -> str:
    """Hash of the numbers, 16 characters."""
    return hashlib.sha256(_file().read_bytes()).hexdigest()[:16]


@dataclass(frozen=True)
class Numbers:
    """The network, float32.

    Attributes
    ----------
    mean_shape : (68, 2)
        About its weighted centre; 1 is the distance between the outer corners of the eyes.
    local : (68, 128, 16), local_bias : (68, 16)
        From the features of each point.
    hidden : (1224, 256), hidden_bias : (256,)
        From those of all points, and the shape.
    output : (256, 136), straight : (1224, 136), output_bias : (136,)
        To the displacements, from the hidden layer and past it.
    """

    mean_shape: np.ndarray
    local: np.ndarray
    local_bias: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    output: np.ndarray
    straight: np.ndarray
    output_bias: np.ndarray

    def displacements(self, features: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """How far points move ``(68, 2)``, in eye distances.

        Parameters
        ----------
        features : (68, 128)
        shape : (68, 2)
            As `mean_shape`.
        """
        # One face at a time: the product of a batch rounds differently from those of its rows.
        local = (features[:, None] @ self.local)[:, 0] + self.local_bias
        local = np.where(local > 0, local, SLOPE * local)
        seen = np.concatenate([local.ravel(), SHAPE_GAIN * shape.ravel()], dtype=np.float32)
        hidden = np.maximum(seen @ self.hidden + self.hidden_bias, 0)
        moves = hidden @ self.output + seen @ self.straight + self.output_bias
        return moves.reshape(POINTS, 2).astype(np.float64)


SLOPE = np.float32(0.2)
"""Of the local layer's leaky rectifier below zero."""
SHAPE_GAIN = 2.0
"""Of the shape among what the hidden layer sees."""


@cache
def numbers() -> Numbers:
    """Read the network."""
    with np.load(io.BytesIO(_file().read_bytes())) as stored:
        return unpacked(dict(stored))


def unpacked(stored: dict[str, np.ndarray]) -> Numbers:
    """Arrays as the file holds them, matrices as int8 with a scale for each column."""
    arrays = {}
    for name in Numbers.__dataclass_fields__:
        array = stored[name].astype(np.float32)
        scale = stored.get(f"{name}_scale")
        arrays[name] = array if scale is None else array * scale.astype(np.float32)
    return Numbers(**arrays)


def refine(image: np.ndarray, points: np.ndarray, net: Numbers) -> np.ndarray:
    """Move the points ``(68, 2)`` of one face; see `refine_many`."""
    if not np.isfinite(points).all():
        return np.full_like(points, np.nan)
    matrix = similarity(points, net.mean_shape)
    if not (np.isfinite(matrix).all() and _in_reach(matrix, points) and image.size):
        return points
    face, matrix = upright(image, points, net.mean_shape)
    start = apply_affine(matrix, points)
    moves = net.displacements(features(face, start), (start - SIDE / 2) / EYE_DISTANCE)
    length = np.hypot(*moves.T)
    moves *= (FARTHEST / np.maximum(length, FARTHEST))[:, None]
    return np.asarray(points + EYE_DISTANCE * moves @ np.linalg.inv(matrix[:, :2]).T)


def upright(image: np.ndarray, points: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, ...]:
    """Bring a face to one size, turn and place.

    Parameters
    ----------
    image : (H, W, 3) uint8
    points : (68, 2)
        Finite; what they fix is a similarity.
    mean : (68, 2)
        `Numbers.mean_shape`.

    Returns
    -------
    Gray face ``(166, 166) uint8`` whose outside repeats the picture's edge, and the matrix
    ``(2, 3)`` from pixels of the picture to its pixels.
    """
    matrix = similarity(points, mean)
    region, origin = _region(image, matrix)
    gray = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    # What is to shrink to less than half is averaged first.
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
    """Matrix ``(2, 3)`` that takes points ``(68, 2)`` nearest to the upright mean shape."""
    x, y = (points - centre(points)).T
    u, v = mean.T
    with np.errstate(all="ignore"):
        size = _WEIGHTS @ (x * x + y * y)
        along = EYE_DISTANCE * (_WEIGHTS @ (x * u + y * v)) / size
        across = EYE_DISTANCE * (_WEIGHTS @ (x * v - y * u)) / size
    linear = np.array([[along, -across], [across, along]])
    return np.column_stack([linear, SIDE / 2 - linear @ centre(points)])


def centre(points: np.ndarray) -> np.ndarray:
    """Weighted mean ``(2,)`` of points ``(68, 2)``."""
    return np.asarray(_WEIGHTS @ points)


def features(face: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Gradients around the points of an upright face.

    Parameters
    ----------
    face : (166, 166) uint8
    points : (68, 2)
        Its pixels.

    Returns
    -------
    ``(68, 128) float32``: cells row by row, 8 directions each; length 1, less where it is flat.
    """
    maps = _gradient_maps(face)
    steps = (np.arange(_GRID) - (_GRID - 1) / 2) * _CELL
    cells = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    places = (points[:, None] + cells - (_POOL - 1) / 2) / _POOL
    found = _between(maps, places).reshape(POINTS, FEATURES)
    length = np.sqrt((found * found).sum(axis=1, keepdims=True))
    return np.asarray(found / (length + np.float32(_FLOOR)), dtype=np.float32)


def _in_reach(matrix: np.ndarray, points: np.ndarray) -> bool:
    """Whether coordinates and their scale leave room for arithmetic."""
    scale = np.hypot(*matrix[:, 0])
    apart = np.ptp(points, axis=0).max() * _LARGEST > 1  # else the scale is a rounding error
    return bool(apart and 1 / _LARGEST < scale < _LARGEST and np.abs(points).max() < _LARGEST)


def _region(image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of the picture that the upright face shows, and where it begins."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = apply_affine(inverse, np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]], float))
    margin = 2 / np.hypot(*matrix[:, 0]) + 2
    limits = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, limits).astype(int)
    return np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]]), low


def _gradient_maps(face: np.ndarray) -> np.ndarray:
    """Gradients by direction, ``(83, 83, 8) float32``, averaged over the pixels of a cell."""
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


def _between(maps: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Bilinear values ``(..., 8)`` of the maps at places ``(..., 2)``; outside, at the edge."""
    places = np.clip(places, 0, len(maps) - 1.001)
    whole = places.astype(np.intp)
    x, y = np.moveaxis((places - whole).astype(np.float32), -1, 0)[..., None]
    column, row = np.moveaxis(whole, -1, 0)
    above = maps[row, column] * (1 - x) + maps[row, column + 1] * x
    below = maps[row + 1, column] * (1 - x) + maps[row + 1, column + 1] * x
    return np.asarray(above * (1 - y) + below * y)


def _file() -> Traversable:
    return files(__package__).joinpath(NUMBERS)
