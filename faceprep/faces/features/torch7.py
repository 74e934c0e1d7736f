"""Read objects from a Torch7 (Lua) file in the binary format of ``torch.save`` on 64-bit Linux.

The format (torch7: `File.lua`, `generic/Tensor.c`, `generic/Storage.c`): every value is a type
number and its content; tables and objects have an index, and later references to the same
object consist of the index. Functions are Lua bytecode; they are skipped and never executed.
"""

import math
import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)
_MAX_DEPTH = 200
_MAX_DIMENSIONS = 8
_ELEMENTS = {
    "Byte": np.uint8, "Char": np.int8, "Short": np.int16, "Int": np.int32, "Long": np.int64,
    "Float": np.float32, "Double": np.float64, "Cuda": np.float32, "CudaDouble": np.float64,
}  # fmt: skip


@dataclass(eq=False)
class Torch7Object:
    """Hold an object of a Lua class: name of the class, and its fields if they are a table."""

    name: str
    fields: dict[object, object] = field(default_factory=dict)


def read_torch7(path: Path) -> object:
    """Read the value in a file: tables as dict, tensors and storages as arrays, functions as None.

    Whole numbers are int. Arrays are views of the file; unused ones are not read.

    Raises
    ------
    ValueError
        If the file is truncated, damaged or in another format of Torch7.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return _Reader(data).value(0)


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._place = 0
        self._known: dict[int, object] = {}

    def value(self, depth: int) -> object:
        if depth > _MAX_DEPTH:
            raise ValueError("tables nested too deeply")
        kind = self._int()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            number = self._unpack("<d")
            return int(number) if number.is_integer() else number
        if kind == _STRING:
            return self._string()
        if kind == _BOOLEAN:
            return self._int() == 1
        if kind not in (_TABLE, _TORCH, *_FUNCTIONS):
            raise ValueError(f"no type {kind} at byte {self._place - 4}")
        index = self._int()
        if index not in self._known:
            self._known[index] = None
            if kind == _TABLE:
                self._table(index, depth)
            elif kind == _TORCH:
                self._object(index, depth)
            else:
                self._take(self._int())
                self.value(depth + 1)  # upvalues of the function
        return self._known[index]

    def _table(self, index: int, depth: int) -> None:
        table: dict[object, object] = {}
        self._known[index] = table
        for _ in range(self._int()):
            key, value = self.value(depth + 1), self.value(depth + 1)
            if key is None:
                raise ValueError("a table with an empty key")
            if isinstance(key, int | float | str):
                table[key] = value

    def _object(self, index: int, depth: int) -> None:
        name = self._string()
        if name.startswith("V "):
            name = self._string()
        library, _, kind = name.partition(".")
        if library == "torch" and kind.removesuffix("Tensor") in _ELEMENTS:
            self._known[index] = self._tensor(depth)
        elif library == "torch" and kind.removesuffix("Storage") in _ELEMENTS:
            self._known[index] = self._storage(np.dtype(_ELEMENTS[kind.removesuffix("Storage")]))
        else:
            made = Torch7Object(name)
            self._known[index] = made
            fields = self.value(depth + 1)
            if isinstance(fields, dict):
                made.fields = fields

    def _tensor(self, depth: int) -> np.ndarray:
        dimensions = self._int()
        if not 0 <= dimensions <= _MAX_DIMENSIONS:
            raise ValueError(f"a tensor of {dimensions} dimensions")
        shape = [self._unpack("<q") for _ in range(dimensions)]
        strides = [self._unpack("<q") for _ in range(dimensions)]
        first = self._unpack("<q") - 1
        storage = self.value(depth + 1)
        if not isinstance(storage, np.ndarray) or not shape:
            return np.empty(0, np.float32)
        if min(shape) < 1 or min(strides) < 0 or first < 0:
            raise ValueError(f"a tensor of {shape} with steps {strides}")
        last = first + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        if last >= len(storage) or math.prod(shape) > len(storage):
            raise ValueError("a tensor that reaches beyond its values")
        steps = [step * storage.itemsize for step in strides]
        return np.lib.stride_tricks.as_strided(storage[first:], shape, steps, writeable=False)

    def _storage(self, dtype: np.dtype) -> np.ndarray:
        count = self._unpack("<q")
        place = self._place
        if count < 0 or count * dtype.itemsize > len(self._data) - place:
            raise ValueError("the file ends too early")
        self._place += count * dtype.itemsize
        return np.frombuffer(self._data, dtype.newbyteorder("<"), count, place)

    def _string(self) -> str:
        return self._take(self._int()).decode("utf-8", "replace")

    def _int(self) -> int:
        number: int = self._unpack("<i")
        return number

    def _unpack(self, form: str) -> Any:
        (number,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return number

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._place:
            raise ValueError("the file ends too early")
        self._place += count
        return self._data[self._place - count : self._place]
