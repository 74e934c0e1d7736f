"""Expression classifiers: the encoder of the paper with an output layer, and a small network."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.core.errors import Again, UsageError
from faceprep.generators.blocks.layers import SameConv2d, channels_last, initialise

#: Default side of the images, pixels.
SIZES = {"small": 64, "paper": 128}

#: Sides of the paper's network, its first channels, and the length of g(x).
_PAPER_SIZES = (32, 64, 128)
_PAPER_WIDTH = 64
_PAPER_IDENTITY = 50

#: Channels of the small network; each layer halves the side.
_WIDTHS = (24, 48, 96, 128)
_CELLS = 4
_DROPOUT = 0.3

# Added to the deviation of an image before the division; images are in [-1, 1].
_LEAST_CONTRAST = 0.01


def build_classifier(name: str, classes: Sequence[str], size: int, seed: int) -> nn.Module:
    """Build a classifier of images ``(B, 3, S, S)`` in [-1, 1] that returns logits ``(B, K)``.

    `name`: ``paper``: `PaperNetwork`, 18.2 million weights at 128 pixels. ``small``:
        `SmallNetwork`, for a CPU.
    `classes`: expressions in the order of the outputs.
    `size`: side S, pixels.
    `seed`: seed of the weights; the global random state is unchanged.
    Raises `UsageError`: there is no such network, or none for that size.
    """
    if name not in SIZES:
        raise UsageError(f"no network is called {name!r}", f"one of: {', '.join(SIZES)}")
    if name == "paper" and size not in _PAPER_SIZES:
        near = min(_PAPER_SIZES, key=lambda known: abs(known - size))
        words = f"the network 'paper' is not for {size} pixels"
        raise UsageError(words, Again({"classify.size": near}))
    network_type = PaperNetwork if name == "paper" else SmallNetwork
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = network_type(len(classes), size)
    return channels_last(network)


class PaperNetwork(nn.Module):
    """G_enc with a fully connected layer of K outputs (Ding et al. 2018, "Data augmentation").

    G_enc: 5×5 convolutions of stride 2 with ReLU down to 4×4, then 50 values by one fully
    connected layer and tanh.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        levels = size.bit_length() - 3
        channels = [3] + [_PAPER_WIDTH * 2**level for level in range(levels)]
        self.convs = nn.ModuleList(
            SameConv2d(inputs, outputs, 5, stride=2) for inputs, outputs in pairwise(channels)
        )
        self.identity = nn.Linear(channels[-1] * _CELLS**2, _PAPER_IDENTITY)
        for layer in (*self.convs, self.identity):
            initialise(layer, "official")
        self.linear = nn.Linear(_PAPER_IDENTITY, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, 3, S, S)``."""
        for conv in self.convs:
            x = F.relu(conv(x))
        return self.linear(torch.tanh(self.identity(x.flatten(1)).float()))


class SmallNetwork(nn.Module):
    """Convolutions 3×3 of stride 2 with BatchNorm and ReLU, 4×4 cells, one linear layer.

    Every image is normalised to mean 0 and deviation 1 first, so that lighting has no effect.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(_CELLS)
        self.dropout = nn.Dropout(_DROPOUT)
        self.linear = nn.Linear(channels * _CELLS**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, 3, S, S)``."""
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + _LEAST_CONTRAST)
        return self.linear(self.dropout(self.pool(self.features(x)).flatten(1)))
