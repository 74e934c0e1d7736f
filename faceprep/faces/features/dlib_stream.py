"""Read the weights of a network from dlib's stream format, as for its face-recognition ResNet.

dlib writes (`dlib/serialize.h`, `dlib/dnn/layers.h`, version 20) the layers in forward order, each
as its name and its numbers; an integer is one byte, whose low four bits count the little-endian
bytes that follow and whose top bit is the sign. A tensor is the number 2, four dimensions and raw
little-endian float32. Between two layers there is other data of varying length, which is skipped by
searching for the name of the next layer within a limited range.
"""

from dataclasses import dataclass

import numpy as np

_MAX_GAP = 512
"""Limit of the bytes between the numbers of a layer and the name of the next; up to 289 occur."""
_TENSOR_VERSION = 2
_MAX_VALUES = 1 << 24


@dataclass(frozen=True, slots=True)
class ConvolutionRecord:
    """Hold a ``con_4`` layer: filters ``(out, in, h, w)``, biases ``(out,)``, stride, padding."""

    filters: np.ndarray
    biases: np.ndarray
    stride: int
    padding: int


class DlibStream:
    """Read the layers of a stored network one after another.

    Every method raises ``ValueError`` if the stream is truncated or has other content.

    Parameters
    ----------
    data : bytes
        Content of the file.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def seek(self, name: str) -> None:
        """Move to the numbers of the next layer, which must have this name."""
        mark = bytes([1, len(name)]) + name.encode("ascii")
        found = self._data.find(mark, self._place, self._place + _MAX_GAP + len(mark))
        if found < 0:
            raise ValueError(f"no layer {name} after byte {self._place}")
        self._place = found + len(mark)

    def convolution(self, inputs: int) -> ConvolutionRecord:
        """Read the layer ``con_4`` with `inputs` input channels."""
        self.seek("con_4")
        values = self._tensor()
        filters, height, width, *strides_and_padding = (self._integer() for _ in range(7))
        stride_y, stride_x, pad_y, pad_x = strides_and_padding
        if stride_y != stride_x or pad_y != pad_x or not 0 < stride_y < 8 or not 0 <= pad_y < 8:
            raise ValueError("a convolution with another stride or padding")
        shape = (filters, inputs, height, width)
        if min(shape) < 1 or len(values) != filters * (inputs * height * width + 1):
            raise ValueError(f"a convolution of {shape} with {len(values)} numbers")
        return ConvolutionRecord(
            values[:-filters].reshape(shape), values[-filters:], stride_y, pad_y
        )

    def affine(self, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """Read the layer ``affine_``: ``(channels,)`` factors and shifts."""
        self.seek("affine_")
        values = self._tensor()
        if len(values) != 2 * channels:
            raise ValueError(f"{len(values)} factors and shifts for {channels} channels")
        return values[:channels], values[channels:]

    def dense(self, inputs: int) -> np.ndarray:
        """Read the layer ``fc_2`` without bias: ``(inputs, outputs)``."""
        self.seek("fc_2")
        outputs, stored_inputs = self._integer(), self._integer()
        values = self._tensor()
        if stored_inputs != inputs or outputs < 1 or len(values) != inputs * outputs:
            raise ValueError(f"a dense layer of {stored_inputs} → {outputs}")
        return values.reshape(inputs, outputs)

    def _integer(self) -> int:
        head = self._take(1)[0]
        number = int.from_bytes(self._take(head & 15), "little")
        return -number if head & 0x80 else number

    def _tensor(self) -> np.ndarray:
        """Read all values of a tensor, flat, float32."""
        version, *dimensions = (self._integer() for _ in range(5))
        count = 1
        for dimension in dimensions:
            count *= dimension
        if version != _TENSOR_VERSION or min(dimensions) < 1 or count > _MAX_VALUES:
            raise ValueError(f"a tensor of {dimensions} values in version {version}")
        values = np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("a weight is not finite")
        return values

    def _take(self, count: int) -> bytes:
        part = self._data[self._place : self._place + count]
        if len(part) < count:
            raise ValueError("the file ends too early")
        self._place += count
        return part
