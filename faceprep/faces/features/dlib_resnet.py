"""Build dlib's face-recognition network in torch.

King, "High quality face recognition with deep metric learning", blog.dlib.net, 2017: a ResNet of
29 convolutions (He et al., CVPR 2016, with a few layers removed and half the filters), trained on
about three million faces. The embedding has 128 numbers; the distance of two faces of one person is
below 0.6. The weights are in the public domain.

The affine layers (batch normalization in training) are folded into the convolutions.
"""

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
from faceprep.faces.features.dlib_stream import ConvolutionRecord, DlibStream
from faceprep.faces.features.prepare import Prepare, template_window

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

    Parameters
    ----------
    first, second : Convolution
        Convolutions. With a stride of 2 in the first, the skip is averaged over 2×2 pixels.
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
    """Build the network for crops of a template.

    Parameters
    ----------
    data : bytes
        ``dlib_face_recognition_resnet_model_v1.dat``.
    source : Source
        Origin of the weights.
    template : str
        Template of the crops. The network input is the part of the crop that the template of the
        network covers, fitted to the five points by scale and shift.

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
