"""Read matrices from the binary and text files of OpenFace, and check every size.

Layout in OpenFace 2.0.6 (``ReadMatBin``, ``ReadMat``): rows, columns, type code of OpenCV, then the
numbers in row-major order; little-endian, no padding.
"""

import os
import stat
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceprep.core.errors import MissingToolError

#: Larger files are rejected; the largest file of OpenFace has 75 284 bytes.
MAX_BYTES = 4_000_000

#: Type codes of OpenCV.
INT32, FLOAT64 = 4, 6
_NAMES = {INT32: "int32", FLOAT64: "float64"}

HINT = "name an unchanged copy of OpenFace's AU_predictors in aus.openface_models"


def damaged(path: Path, expected: str) -> MissingToolError:
    """Create the error for a file that differs from the one of OpenFace."""
    return MissingToolError(f"{path} is not OpenFace's: {expected} expected", HINT)


def read_model_file(path: Path) -> bytes:
    """Read a whole model file.

    Raises MissingToolError if it is missing, not a regular file, or larger than `MAX_BYTES`.
    """
    try:
        # O_NONBLOCK: opening a pipe without a writer returns instead of blocking.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as stream:  # noqa: PTH123
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_size > MAX_BYTES:
                raise damaged(path, f"a file of at most {MAX_BYTES} bytes")
            return stream.read(MAX_BYTES)
    except OSError as error:
        raise MissingToolError(
            f"OpenFace's file {path} cannot be read: {error.strerror or error}", HINT
        ) from None


class BinaryReader:
    """Read numbers and matrices from the bytes of a file, one after another.

    Every method raises MissingToolError, which names the file, if it has other content.
    """

    def __init__(self, data: bytes, path: Path) -> None:
        self._data = data
        self._path = path
        self._place = 0

    def number(self, layout: str) -> float:
        """Read one number; `layout` is a character of `struct` (``i``: int32, ``d``: float64)."""
        (value,) = struct.unpack("<" + layout, self._take(struct.calcsize("<" + layout)))
        return float(value)

    def matrix(self, rows: int, columns: int) -> np.ndarray:
        """Read a matrix ``(rows, columns) float64`` of finite numbers, of exactly this size."""
        header = struct.unpack("<iii", self._take(12))
        if header != (rows, columns, FLOAT64):
            raise self.damaged(f"a matrix of {rows} x {columns} {_NAMES[FLOAT64]}")
        values = np.frombuffer(self._take(rows * columns * 8), "<f8").reshape(rows, columns)
        if not np.isfinite(values).all():
            raise self.damaged("finite numbers")
        return values

    def end(self) -> None:
        """Check that the whole file was read."""
        if self._place != len(self._data):
            raise self.damaged(f"{self._place} bytes instead of {len(self._data)}")

    def damaged(self, expected: str) -> MissingToolError:
        """Create the error that names this file."""
        return damaged(self._path, expected)

    def _take(self, size: int) -> bytes:
        data = self._data[self._place : self._place + size]
        if len(data) != size:
            raise self.damaged(f"more than {len(self._data)} bytes")
        self._place += size
        return data


def read_text_matrices(
    data: bytes, path: Path, shapes: Sequence[tuple[int, int, int]]
) -> list[np.ndarray]:
    """Read all matrices of a text file, which must contain nothing else.

    `shapes` are the rows, columns and type code that each matrix must have. Lines that begin with
    ``#`` are comments.

    Returns
    -------
    One array ``(rows, columns)`` for each, float64, or int64 for the type INT32.

    Raises
    ------
    MissingToolError
        If the file contains other matrices or a word that is not a number.
    """
    lines = data.decode("ascii", "replace").splitlines()
    words = " ".join(line for line in lines if not line.lstrip().startswith("#")).split()
    matrices = []
    place = 0
    for rows, columns, code in shapes:
        expected = f"a matrix of {rows} x {columns} {_NAMES[code]}"
        if words[place : place + 3] != [str(rows), str(columns), str(code)]:
            raise damaged(path, expected)
        numbers = words[place + 3 : place + 3 + rows * columns]
        place += 3 + rows * columns
        try:
            if code == INT32:
                values = np.array([int(word) for word in numbers], np.int64)
            else:
                values = np.array([float(word) for word in numbers])
        except (ValueError, OverflowError):
            raise damaged(path, expected) from None
        if len(values) != rows * columns or not np.isfinite(values).all():
            raise damaged(path, expected)
        matrices.append(values.reshape(rows, columns))
    if place != len(words):
        raise damaged(path, f"{len(shapes)} matrices and no more")
    return matrices
