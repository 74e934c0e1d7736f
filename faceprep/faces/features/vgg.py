"""Build VGG-Face and the VGG networks of ImageNet in torch, up to the last convolution.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR
2015; Parkhi, Vedaldi and Zisserman, "Deep face recognition", BMVC 2015. The file determines the
widths. The dense layers, nine tenths of the weights, are omitted; they would fix the input to 224.
"""

from typing import Literal

from torch import nn

from faceprep.faces.features.base import Convolution, FaceFeatures, Layer, Mean, Source, Step
from faceprep.faces.features.prepare import Prepare
from faceprep.faces.features.vgg_weights import Channels, VggWeights

_BLOCKS = {13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}
"""Total number of convolutions → number per block: VGG-16 (also VGG-Face) and VGG-19."""
_FACES, _IMAGENET = 2622, 1000
"""Outputs of the last layer: identities of VGG-Face, classes of ImageNet."""
VGG_FACE_SIZE = 224

# Mean colour of the training set of VGG-Face (MATLAB demo of the authors); mean and standard
# deviation of ImageNet as in torchvision, times 255.
_FACE_RANGE = ((129.1863, 104.7624, 93.5940), (1.0, 1.0, 1.0))
_IMAGENET_RANGE = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))

_PERCEPTUAL = tuple(f"conv{block}_2" for block in range(1, 6))
"""Layers of the identity loss in the official code of Ding et al., before their ReLU."""


def vgg_name(weights: VggWeights) -> str:
    """Return ``vgg-face``, ``vgg-16`` or ``vgg-19``; raise ValueError for other networks."""
    count = len(weights.convolutions)
    if count not in _BLOCKS:
        raise ValueError(f"{count} convolutions: neither VGG-16 (13) nor VGG-19 (16)")
    if weights.torchvision and weights.classes != _FACES:
        return "vgg-16" if count == 13 else "vgg-19"
    if count == 16 or weights.classes == _IMAGENET:
        raise ValueError("networks of ImageNet are read only as torchvision names their layers")
    return "vgg-face"


def build_vgg(
    weights: VggWeights,
    source: Source,
    *,
    size: int | Literal["native"] | None = None,
    channels: Channels | None = None,
) -> FaceFeatures:
    """Build the network for whole crops.

    The layers are ``convB_N`` (before ReLU), ``reluB_N`` and ``poolB``. The embedding is the mean
    of the last ReLU over all pixels, which separates faces but was not trained for that. The
    default `size` is 224 for VGG-Face, as in its publication, and native for the others, as is
    usual in perceptual losses; `channels` is by default the order in the layout of the file.

    Raises
    ------
    ValueError
        If these are not the weights of such a network.
    """
    name = vgg_name(weights)
    face = name == "vgg-face"
    if size is None:
        size = VGG_FACE_SIZE if face else "native"
    side = None if size == "native" else size
    order = channels or weights.channels
    steps: list[Step] = []
    convolutions = iter(weights.convolutions)
    stride = 1
    blocks = _BLOCKS[len(weights.convolutions)]
    for block, count in enumerate(blocks, 1):
        for number in range(1, count + 1):
            filters, biases = next(convolutions)
            if not steps and order == "bgr":
                filters = filters.flip(1)
            layer = Layer(len(filters), stride)
            convolution = Convolution(filters, biases, padding=1)
            steps.append(Step(f"conv{block}_{number}", convolution, layer))
            steps.append(Step(f"relu{block}_{number}", nn.ReLU(), layer))
        if block < len(blocks):
            stride *= 2
            steps.append(Step(f"pool{block}", nn.MaxPool2d(2), Layer(layer.channels, stride)))
    return FaceFeatures(
        source,
        Prepare(*(_FACE_RANGE if face else _IMAGENET_RANGE), side),
        steps,
        Mean(),
        embedding_size=layer.channels,
        input_size=side,
        perceptual_layers=_PERCEPTUAL,
        settings={"channels": order},
    )
