"""Read dlib's face-recognition network and build it in torch.

King, "High quality face recognition with deep metric learning", blog.dlib.net, 2017: a ResNet of 29
convolutions (He et al., CVPR 2016, with a few layers removed and half the filters), trained on
about three million faces. The embedding has 128 numbers; the distance of two faces of one person is
below 0.6. The weights are in the public domain.

dlib writes (`dlib/serialize.h`, `dlib/dnn/layers.h`, version 20) the layers in forward order, each
as its name and its numbers; an integer is one byte, whose low four bits count the little-endian
bytes that follow and whose top bit is the sign. A tensor is the number 2, four dimensions and raw
little-endian float32. Between two layers there is other data of varying length, which is skipped by
searching for the name of the next layer within a limited range.

The affine layers (batch normalization in training) are folded into the convolutions.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceprep.faces.features.base import (
    Convolution,
    FaceFeatures,
    Layer,
    Projection,
    Source,
    Step,
)
from faceprep.faces.features.prepare import Prepare, template_window

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


MODEL = "dlib_face_recognition_resnet_model_v1"
CHIP_SIZE = 150
"""Side of the training images of the network: 68 points, padding 0.25."""
_MEAN = (122.782, 117.001, 104.298)
_RANGE = (256.0, 256.0, 256.0)
_STEM_CHANNELS = 32
# Channels and residual blocks of each stage; every stage but the first halves the resolution.
_STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))


class Residual(nn.Module):
    """Apply two convolutions and a skip connection; both terms are zero-padded to the same size.

    With a stride of 2 in the first convolution, the skip is averaged over 2×2 pixels.
    """

    def __init__(self, first: Convolution, second: Convolution) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, x: Tensor) -> Tensor:
        """Convert ``(B, in, H, W)`` to ``(B, out, h, w)``, not negative."""
        added = self.second(functional.relu(self.first(x)))
        if self.first.stride == 1:
            return functional.relu(added + x)
        skip = functional.avg_pool2d(x, 2)
        shape = [max(sizes) for sizes in zip(added.shape[1:], skip.shape[1:], strict=True)]
        return functional.relu(_padded(added, shape) + _padded(skip, shape))


def _padded(x: Tensor, shape: list[int]) -> Tensor:
    """Append zeros up to (channels, height, width)."""
    channels, height, width = (n - m for n, m in zip(shape, x.shape[1:], strict=True))
    if not (channels or height or width):
        return x
    return functional.pad(x, (0, width, 0, height, 0, channels))


def build_dlib_resnet(data: bytes, source: Source, template: str) -> FaceFeatures:
    """Build the network of ``dlib_face_recognition_resnet_model_v1.dat`` for crops of a template.

    The network input is the part of the crop that the template of the network covers, fitted to the
    five points by scale and shift.

    Raises
    ------
    ValueError
        If the file is truncated, damaged or another network, or there is no such template.
    """
    stream = DlibStream(data)
    stream.seek("input_rgb_image_sized")
    steps = [_stem(stream)]
    channels, stride = _STEM_CHANNELS, 4
    for number, (width, blocks) in enumerate(_STAGES, 1):
        halves = number > 1
        stride *= 2 if halves else 1
        parts = []
        for block in range(blocks):
            parts.append(_residual(stream, channels, width, halves and block == 0))
            channels = width
        layer = Layer(width, stride)
        steps.append(Step(f"stage{number}", nn.Sequential(*parts), layer))
    stream.seek("avg_pool_2")
    weight = torch.from_numpy(stream.dense(channels)).T
    return FaceFeatures(
        source,
        Prepare(_MEAN, _RANGE, CHIP_SIZE, template_window(template, "dlib")),
        steps,
        Projection(weight),
        embedding_size=len(weight),
        input_size=CHIP_SIZE,
        perceptual_layers=("stage1", "stage2", "stage3", "stage4"),
        settings={"template": template},
    )


def _stem(stream: DlibStream) -> Step:
    convolution = _convolution(stream, 3, _STEM_CHANNELS, kernel=7, stride=2, padding=0)
    stream.seek("max_pool_2")
    module = nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(3, 2))
    return Step("stem", module, Layer(_STEM_CHANNELS, 4))


def _residual(stream: DlibStream, inputs: int, outputs: int, halves: bool) -> Residual:
    first = _convolution(
        stream, inputs, outputs, kernel=3, stride=2 if halves else 1, padding=0 if halves else 1
    )
    second = _convolution(stream, outputs, outputs, kernel=3, stride=1, padding=1)
    if halves:
        stream.seek("avg_pool_2")
    stream.seek("add_prev_")
    return Residual(first, second)


def _convolution(
    stream: DlibStream, inputs: int, outputs: int, *, kernel: int, stride: int, padding: int
) -> Convolution:
    """Read a convolution of these sizes and the affine layer after it."""
    record: ConvolutionRecord = stream.convolution(inputs)
    expected = ((outputs, inputs, kernel, kernel), stride, padding)
    if (record.filters.shape, record.stride, record.padding) != expected:
        raise ValueError(f"a convolution of {record.filters.shape}, not {expected[0]}")
    factors, shifts = stream.affine(outputs)
    weight = record.filters * factors[:, None, None, None]
    bias = record.biases * factors + shifts
    return Convolution(torch.from_numpy(weight), torch.from_numpy(bias), stride, padding)
