"""Read variables from a MATLAB 5 MAT-file (``save -v6`` or ``-v7``), as needed for networks.

The format ("MAT-File Format", The MathWorks, chapter 1): elements of a tag (type, bytes) and their
data, padded to 8 bytes; a compressed element is a zlib stream of one element. Objects, functions
and sparse matrices are skipped.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

_COMPRESSED, _MATRIX = 15, 14
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_TYPES = {
    1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8",
    13: "<u8",
}  # fmt: skip
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_MAX_VALUES = 1 << 22
"""Size of the largest array that is read; convolutions of VGG have up to 2.4 million weights."""
_MAX_ELEMENTS = 1 << 16
_MAX_TEXT = 1 << 20
_MAX_DEPTH = 32
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Skipped:
    """Hold the shape of an array that is too large to be needed."""

    shape: tuple[int, ...]


def read_matlab(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Read the variables with these names.

    A cell array becomes a list in MATLAB's order, a structure a dict (an array of structures a list
    of dicts), text a str, numbers an array in MATLAB's shape or `Skipped`, and others None.

    Raises
    ------
    ValueError
        If the file is truncated, damaged, or in big-endian order.
    OSError
        If it cannot be read.
    """
    variables = {}
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(128)
        if len(header) < 128 or header[126:] != b"IM":
            raise ValueError("not a little-endian MATLAB 5 file")
        while file.tell() < size:
            kind, count = struct.unpack("<II", _exactly(file, 8))
            end = file.tell() + count
            if end > size:
                raise ValueError("the file ends too early")
            if kind == _COMPRESSED:
                source = _Source(file, count, inflate=True)
                kind, _ = source.tag()
            else:
                source = _Source(file, count, inflate=False)
            if kind == _MATRIX:
                name, value = _named(source, 0, wanted=names)
                if name in names:
                    variables[name] = value
            file.seek(end)
    return variables


def _exactly(file: BufferedReader, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("the file ends too early")
    return data


class _Source:
    """Read the bytes of one top-level element, decompressed if necessary."""

    def __init__(self, file: BufferedReader, count: int, *, inflate: bool) -> None:
        self._file = file
        self._left = count
        self._inflater = zlib.decompressobj() if inflate else None
        self.place = 0

    def read(self, count: int) -> bytes:
        """Read `count` bytes."""
        parts = []
        missing = count
        while missing:
            part = self._some(missing)
            if not part:
                raise ValueError("an element ends too early")
            parts.append(part)
            missing -= len(part)
        self.place += count
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Skip `count` bytes in blocks."""
        if count < 0:
            raise ValueError("an element is longer than it says")
        while count:
            block = min(count, _BLOCK)
            self.read(block)
            count -= block

    def tag(self) -> tuple[int, int]:
        """Read the type and length of the next element."""
        kind, count = struct.unpack("<II", self.read(8))
        return kind, count

    def data(self, most: int) -> tuple[int, bytes]:
        """Read the type and data of the next simple element."""
        kind, count, rest = self.start()
        if count > most:
            raise ValueError("an element is too long")
        data = self.read(count) if rest is None else rest[:count]
        if rest is None:
            self.skip(-count % 8)
        return kind, data

    def start(self) -> tuple[int, int, bytes | None]:
        """Read the type and length of a simple element, and its data if it is a small one."""
        head = self.read(8)
        kind, count = struct.unpack("<II", head)
        if kind >> 16:
            if kind >> 16 > 4:
                raise ValueError("a small element of more than 4 bytes")
            return kind & 0xFFFF, kind >> 16, head[4:]
        return kind, count, None

    def _some(self, most: int) -> bytes:
        if self._inflater is None:
            part = self._file.read(min(most, self._left))
            self._left -= len(part)
            return part
        try:
            while not self._inflater.eof:
                waiting = self._inflater.unconsumed_tail
                if not waiting:
                    waiting = self._file.read(min(_BLOCK, self._left))
                    self._left -= len(waiting)
                part = self._inflater.decompress(waiting, most)
                if part or not waiting:
                    return part
        except zlib.error as error:
            raise ValueError("an element is damaged") from error
        return b""


def _matrix(source: _Source, depth: int) -> Any:
    """Read the next array with its tag."""
    kind, count = source.tag()
    if kind != _MATRIX or depth > _MAX_DEPTH:
        raise ValueError("not an array, or nested too deeply")
    if not count:
        return None
    end = source.place + count
    _, value = _named(source, depth)
    source.skip(end - source.place)
    return value


def _named(source: _Source, depth: int, wanted: Sequence[str] | None = None) -> tuple[str, Any]:
    """Read the name and value of an array after its tag."""
    _, flags = source.data(8)
    _, sizes = source.data(4 * 32)
    _, name = source.data(_MAX_TEXT)
    shape = tuple(np.frombuffer(sizes, "<i4").tolist())
    if len(flags) != 8 or len(shape) < 2 or min(shape) < 0:
        raise ValueError("an array without a shape")
    text = name.decode("latin-1")
    if wanted is not None and text not in wanted:
        return text, None
    kind = flags[0]
    if kind in _NUMERIC:
        return text, _numbers(source, shape)
    if kind == _CHAR:
        return text, _text(source)
    if kind == _CELL:
        return text, [_matrix(source, depth + 1) for _ in range(_elements(shape))]
    if kind == _STRUCT:
        return text, _structures(source, _elements(shape), depth)
    return text, None


def _elements(shape: tuple[int, ...]) -> int:
    if prod(shape) > _MAX_ELEMENTS:
        raise ValueError(f"a list of {shape} elements")
    return prod(shape)


def _structures(source: _Source, count: int, depth: int) -> dict[str, Any] | list[dict[str, Any]]:
    _, length = source.data(8)
    width = int.from_bytes(length, "little")
    _, text = source.data(_MAX_TEXT)
    if not 0 < width <= len(text):
        raise ValueError("a structure without fields")
    starts = range(0, len(text), width)
    names = [text[k : k + width].partition(b"\0")[0].decode("latin-1") for k in starts]
    if len(names) * count > _MAX_ELEMENTS:
        raise ValueError(f"{count} structures of {len(names)} fields")
    made = [{name: _matrix(source, depth + 1) for name in names} for _ in range(count)]
    return made[0] if count == 1 else made


def _text(source: _Source) -> str:
    kind, data = source.data(_MAX_TEXT)
    return data.decode(_ENCODINGS.get(kind, "latin-1"), "replace")


def _numbers(source: _Source, shape: tuple[int, ...]) -> np.ndarray | Skipped:
    """Read the real part; MATLAB stores whole numbers with as few bytes as possible."""
    kind, count, rest = source.start()
    if kind not in _TYPES or count != prod(shape) * np.dtype(_TYPES[kind]).itemsize:
        raise ValueError(f"an array of {shape} in {count} bytes of type {kind}")
    if prod(shape) > _MAX_VALUES:
        source.skip(count + -count % 8)
        return Skipped(shape)
    data = source.read(count) if rest is None else rest[:count]
    if rest is None:
        source.skip(-count % 8)
    return np.frombuffer(data, _TYPES[kind]).reshape(shape, order="F")
