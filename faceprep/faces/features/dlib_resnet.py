"""dlib's face-recognition network in torch.

King, "High quality face recognition with deep metric learning", blog.dlib.net, 2017: a ResNet of
29 convolutions (He et al., CVPR 2016, with a few layers removed and half the filters), trained on
some three million faces; 128 numbers of a face; two faces of one person are nearer than 0.6. The
weights are in the public domain.

A convolution's affine layer, batch normalisation in training, is folded into the convolution.
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
"""Side of the chips that the network was trained on: 68 points, padding 0.25."""
_MEAN = (122.782, 117.001, 104.298)
_RANGE = (256.0, 256.0, 256.0)
_STEM_CHANNELS = 32
# Channels and residual blocks of each stage; every stage but the first halves the picture.
_STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))


class Residual(nn.Module):
    """Two convolutions and a skip; the sum is padded with zeros to the larger of its two terms.

    Parameters
    ----------
    first, second : Convolution
        A stride of 2 in the first halves the skip by averages of 2×2.
    """

    def __init__(self, first: Convolution, second: Convolution) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in, H, W)`` → ``(B, out, h, w)``, not negative."""
        added = self.second(functional.relu(self.first(x)))
        if self.first.stride == 1:
            return functional.relu(added + x)
        skip = functional.avg_pool2d(x, 2)
        shape = [max(sizes) for sizes in zip(added.shape[1:], skip.shape[1:], strict=True)]
        return functional.relu(_padded(added, shape) + _padded(skip, shape))


def _padded(x: Tensor, shape: list[int]) -> Tensor:
    """Zeros after the last channel, row and column, up to (channels, height, width)."""
    channels, height, width = (n - m for n, m in zip(shape, x.shape[1:], strict=True))
    if not (channels or height or width):
        return x
    return functional.pad(x, (0, width, 0, height, 0, channels))


def build_dlib_resnet(data: bytes, source: Source, template: str) -> FaceFeatures:
    """The network over crops of one of the project's templates.

    Parameters
    ----------
    data : bytes
        ``dlib_face_recognition_resnet_model_v1.dat``.
    source : Source
        Where it comes from.
    template : str
        Template of the crops. What the network sees is the part of the crop that its own template
        covers, as near as scale and shift can bring the five points.

    Raises
    ------
    ValueError
        When the file is cut short, damaged or another network, or there is no such template.
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
    """The next convolution with the affine layer after it, which must have these sizes."""
    record: ConvolutionRecord = stream.convolution(inputs)
    expected = ((outputs, inputs, kernel, kernel), stride, padding)
    if (record.filters.shape, record.stride, record.padding) != expected:
        raise ValueError(f"a convolution of {record.filters.shape}, not {expected[0]}")
    factors, shifts = stream.affine(outputs)
    weight = record.filters * factors[:, None, None, None]
    bias = record.biases * factors + shifts
    return Convolution(torch.from_numpy(weight), torch.from_numpy(bias), stride, padding)
