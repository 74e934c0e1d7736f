"""Layers of the initialize networks, the migration unit blocks and the decoder."""

from math import gcd

import torch
from torch import Tensor, nn

from faceprep.generators.landmark_gan.config import LandmarkConfig

#: Standard deviation of the initial weights (paper, section IV-B).
STD = 0.02

#: Groups of a group norm. Each has several channels: an instance norm would remove constant maps.
_GROUPS = 8


def initialised(layer: nn.Module) -> nn.Module:
    """Draw the weights of a convolution from a normal distribution; its bias becomes 0."""
    assert isinstance(layer.weight, Tensor)
    if not layer.weight.is_meta:
        nn.init.normal_(layer.weight, 0.0, STD)
        if isinstance(layer.bias, Tensor):
            nn.init.zeros_(layer.bias)
    return layer


def norm_of(config: LandmarkConfig, channels: int) -> nn.Module:
    """Return the norm after a convolution; the scale of a batch norm starts at N(1, 0.02)."""
    if config.norm == "group":
        return nn.GroupNorm(gcd(_GROUPS, channels), channels)
    norm = nn.BatchNorm2d(channels)
    if not norm.weight.is_meta:
        nn.init.normal_(norm.weight, 1.0, STD)
    return norm


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution without bias behind reflected borders."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, bias=False)
    return nn.Sequential(nn.ReflectionPad2d(kernel // 2), initialised(conv))


class InitializeNetwork(nn.Module):
    """Map an image, or heatmaps, to features at a quarter of the size.

    Without `LandmarkConfig.initialize`, one convolution of 4×4 with stride 4 replaces it.
    """

    def __init__(self, config: LandmarkConfig, inputs: int) -> None:
        super().__init__()
        width = config.width
        if not config.initialize:
            conv = nn.Conv2d(inputs, 4 * width, 4, stride=4)
            self.layers = nn.ModuleList([initialised(conv)])
            return
        shapes = [(inputs, width, 7, 1), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 2)]
        self.layers = nn.ModuleList(
            nn.Sequential(
                _first(before, after, kernel) if stride == 1 else _halving(before, after),
                norm_of(config, after),
                nn.ReLU(),
            )
            for before, after, kernel, stride in shapes
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of every layer, the last ``(B, 4·width, S/4, S/4)``."""
        levels = []
        for layer in self.layers:
            x = layer(x)
            levels.append(x)
        return levels


class MigrationBlock(nn.Module):
    """Migration unit block: geometry decides where features of the image change (eq. 1 to 3).

    `geometry` is the number of channels of the geometry's features: 4·width in the first block,
    twice that in later ones.
    """

    def __init__(self, config: LandmarkConfig, geometry: int) -> None:
        super().__init__()
        channels = 4 * config.width
        self.image = nn.Sequential(
            *_two_convolutions(config, channels, channels), norm_of(config, channels)
        )
        self.geometry = nn.Sequential(*_two_convolutions(config, geometry, channels))

    def forward(self, image: Tensor, geometry: Tensor) -> tuple[Tensor, Tensor]:
        """Update the features of the image ``(B, 4·width, h, h)`` and of the geometry."""
        moved = self.geometry(geometry)
        mask = torch.sigmoid(moved)  # eq. 1
        image = mask * self.image(image) + image  # eq. 2
        return image, torch.cat([moved, image], dim=1)  # eq. 3, with the updated image


def _two_convolutions(config: LandmarkConfig, inputs: int, outputs: int) -> list[nn.Module]:
    return [
        convolution(inputs, inputs, 3),
        norm_of(config, inputs),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        convolution(inputs, outputs, 3),
    ]


def _first(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return convolution(inputs, outputs, kernel)


def _halving(inputs: int, outputs: int) -> nn.Module:
    return initialised(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False))
