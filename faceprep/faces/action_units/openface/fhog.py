"""Felzenszwalb's histograms of oriented gradients, as dlib computes them.

Felzenszwalb, Girshick, McAllester and Ramanan, "Object Detection with Discriminatively Trained
Part-Based Models", PAMI 2010, section 6; ``dlib::extract_fhog_features`` for cells of 8 pixels.
"""

from functools import cache

import numpy as np

SIDE = 112
CELL = 8
CELLS = SIDE // CELL
KEPT = CELLS - 2
BINS = 18
FEATURES = 31

# dlib's unit vectors, with its four decimals.
_DIRECTIONS = np.array(
    [
        (1.0, 0.0),
        (0.9397, 0.3420),
        (0.7660, 0.6428),
        (0.5, 0.8660),
        (0.1736, 0.9848),
        (-0.1736, 0.9848),
        (-0.5, 0.8660),
        (-0.7660, 0.6428),
        (-0.9397, 0.3420),
    ],
    dtype=np.float32,
)
_SPAN = 511
_BIN_BITS = 5
_RANK_BITS = 2
# dlib takes eight pixels at a time from column 1 on, and the rest one by one.
_EIGHTS_END = 105


def fhog(faces: np.ndarray) -> np.ndarray:
    """Describe aligned faces.

    Parameters
    ----------
    faces : (N, 112, 112, 3) uint8
        RGB.

    Returns
    -------
    ``(N, 4464) float32``: 12 rows of 12 cells of 31 features.
    """
    features = [_features(_histogram(face)) for face in faces]
    if not features:
        return np.zeros((0, KEPT * KEPT * FEATURES), dtype=np.float32)
    return np.stack(features).reshape(len(features), -1).astype(np.float32)


@cache
def _gradient_table() -> np.ndarray:
    """Every gradient's squared length and bin in one number, by ``(gy + 255) * 511 + gx + 255``."""
    steps = np.arange(-255, 256)
    gx, gy = np.meshgrid(steps, steps)
    dots = gx[..., None] * _DIRECTIONS[:, 0] + gy[..., None] * _DIRECTIONS[:, 1]
    # Of equally long ones the first counts, and a direction before its opposite.
    both = np.stack([dots, -dots], axis=-1).reshape(*dots.shape[:2], BINS)
    best = both.argmax(axis=-1)
    bins = best // 2 + 9 * (best % 2)
    bins[255, 255] = 0
    lengths = gx**2 + gy**2
    return np.asarray(lengths << (_BIN_BITS + _RANK_BITS) | bins, dtype=np.int32).ravel()


@cache
def _ranks() -> np.ndarray:
    """Which of three equally strong channels wins, ``(1, 110, 3)``: the last, or the first."""
    columns = np.arange(1, SIDE - 1)[:, None]
    channels = np.arange(3)
    ranks = np.where(columns < _EIGHTS_END, channels, 2 - channels)
    return np.asarray(ranks[None] << _BIN_BITS, dtype=np.int32)


@cache
def _spread() -> np.ndarray:
    """Weights ``(14, 110)`` of pixels 1 to 110 in each cell along one axis."""
    place = (np.arange(1, SIDE - 1) + 0.5) / CELL - 0.5
    return np.maximum(0.0, 1 - np.abs(place - np.arange(CELLS)[:, None]))


def _histogram(face: np.ndarray) -> np.ndarray:
    """Gradient histograms ``(14, 14, 18)`` of a face ``(112, 112, 3)``."""
    pixels = face.astype(np.int32)
    gx = pixels[1:-1, 2:] - pixels[1:-1, :-2]
    gy = pixels[2:, 1:-1] - pixels[:-2, 1:-1]
    keys = _gradient_table()[(gy + 255) * _SPAN + gx + 255] + _ranks()
    key = keys.max(axis=2)
    strength = np.sqrt((key >> (_BIN_BITS + _RANK_BITS)).astype(np.float64))
    layers = np.zeros((BINS, SIDE - 2, SIDE - 2))
    rows, columns = np.indices(key.shape)
    layers[key & ((1 << _BIN_BITS) - 1), rows, columns] = strength
    spread = _spread()
    return np.asarray((spread @ layers @ spread.T).transpose(1, 2, 0))


def _features(histogram: np.ndarray) -> np.ndarray:
    """The 31 features of the inner cells, ``(12, 12, 31)``."""
    folded = histogram[..., :9] + histogram[..., 9:]
    energy = (folded**2).sum(axis=-1)
    blocks = energy[:-1, :-1] + energy[:-1, 1:] + energy[1:, :-1] + energy[1:, 1:]
    low, high = slice(0, KEPT), slice(1, KEPT + 1)
    # Lower right, upper right, lower left, upper left.
    sums = np.stack([blocks[r, c] for r, c in ((high, high), (low, high), (high, low), (low, low))])
    caps = 0.2 * np.sqrt(sums + 1e-4)[..., None]
    inner, folded = histogram[1:-1, 1:-1], folded[1:-1, 1:-1]
    signed = np.minimum(inner, caps) * (0.1 / caps)
    unsigned = np.minimum(folded, caps) * (0.1 / caps)
    texture = np.moveaxis(2 * 0.2357 * signed.sum(axis=-1), 0, -1)
    return np.concatenate([signed.sum(axis=0), unsigned.sum(axis=0), texture], axis=-1)
