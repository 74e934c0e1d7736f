"""Encoder and residual blocks of GANimation, with the labels by adaptive instance norm.

Adaptive instance norm scales and shifts normalised features by functions of the labels (Huang and
Belongie 2017), in the form (1 + γ)·norm(h) + β of StarGAN v2, with γ = β = 0 at the start.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.blocks.layers import append_maps, upsample

#: Standard deviation of the weights of convolutions (official code of GANimation).
_STD = 0.02

_HALVINGS = 2

#: Scale γ and shift β of a norm, ``(B, C, 1, 1)`` each.
Modulation: TypeAlias = tuple[Tensor, Tensor]


class LabelEmbedding(nn.Module):
    """Map the labels to the scales and shifts of adaptive norms.

    `labels` is the only layer of a generator whose shape depends on the number of labels.
    `channels`: channels of every norm.
    """

    def __init__(self, config: ActionUnitConfig, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.labels = nn.Linear(config.condition_length, config.embedding)
        self.modulation = nn.Linear(config.embedding, 2 * sum(channels))
        initialise_normal(self.modulation, config.modulation_start)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, condition: Tensor) -> list[Modulation]:
        """Return γ and β, ``(B, C, 1, 1)`` each, of every norm."""
        values = self.modulation(F.silu(self.labels(condition)))[:, :, None, None]
        parts = values.split([2 * count for count in self.channels], dim=1)
        return [(part[:, : part.shape[1] // 2], part[:, part.shape[1] // 2 :]) for part in parts]


def adaptive_norm(h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise every map of ``(B, C, H, W)``, then multiply by 1 + `scale` and add `shift`."""
    return (1 + scale) * F.instance_norm(h) + shift


class Features(NamedTuple):
    """Features of `Trunk`."""

    deepest: Tensor  # ``(B, 4·width, S/4, S/4)``
    levels: list[Tensor]  # features of the encoder at S/2 and S
    modulations: list[Modulation]  # γ and β of the upsampling's norms, if it has skips


class ResidualBlock(nn.Module):
    """Two convolutions, each followed by a norm, and the input added."""

    def __init__(self, channels: int, adaptive: bool) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_conv(channels, channels, 3) for _ in range(2))
        norms = () if adaptive else [nn.InstanceNorm2d(channels, affine=True) for _ in range(2)]
        self.norms = nn.ModuleList(norms)

    def forward(self, h: Tensor, modulations: list[Modulation]) -> Tensor:
        """Transform ``(B, C, H, W)``; `modulations` are γ and β of both norms, if adaptive."""
        inner = h
        for n, conv in enumerate(self.convs):
            inner = conv(F.relu(inner) if n else inner)
            inner = self.norms[n](inner) if self.norms else adaptive_norm(inner, *modulations[n])
        return h + inner


class Trunk(nn.Module):
    """Encoder and residual blocks: an image and a condition to features at a quarter of the size.

    ``(B, 3, S, S)``, ``(B, condition_length)`` → ``(B, 4·width, S/4, S/4)``.
    """

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__()
        adaptive = config.conditioning == "adain"
        maps = 0 if adaptive else config.condition_length
        counts = widths(config)
        self.stem = _conv(3 + maps, counts[0], 7)
        norm = nn.InstanceNorm2d(counts[0], affine=True)
        self.stem_norm = norm if config.normalises_stem else nn.Identity()
        self.down = nn.ModuleList(_down(before, after) for before, after in pairwise(counts))
        self.blocks = nn.ModuleList(
            ResidualBlock(counts[-1], adaptive) for _ in range(config.blocks)
        )
        norms = [counts[-1]] * (2 * config.blocks) + ([*counts[-2::-1]] if config.skips else [])
        self.embedding = LabelEmbedding(config, norms) if adaptive else None
        self.channels = counts[-1]

    def forward(self, x: Tensor, condition: Tensor) -> Features:
        """Return the features, with those of the encoder and the modulations for the upsampling."""
        modulations = [] if self.embedding is None else self.embedding(condition)
        if self.embedding is None:
            x = append_maps(x, condition)
        h = F.relu(self.stem_norm(self.stem(x)))
        levels = [h]
        for layer in self.down:
            h = layer(h)
            levels.append(h)
        for n, block in enumerate(self.blocks):
            h = block(h, modulations[2 * n : 2 * n + 2])
        return Features(h, levels[-2::-1], modulations[2 * len(self.blocks) :])


class Upsampler(nn.Module):
    """Map the features of `Trunk` to ``(B, width, S, S)``."""

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__()
        counts = widths(config)[::-1]
        self.nearest, self.skips = config.upsampling == "nearest", config.skips
        self.convs = nn.ModuleList(
            _conv(before + after * config.skips, after, 3)
            if self.nearest
            else _doubling(before, after)
            for before, after in pairwise(counts)
        )
        norms = [] if config.skips else counts[1:]
        self.norms = nn.ModuleList(nn.InstanceNorm2d(count, affine=True) for count in norms)

    def forward(self, features: Features) -> Tensor:
        """Return the features at full size."""
        h = features.deepest
        for n, conv in enumerate(self.convs):
            h = upsample(h) if self.nearest else h
            if self.skips:
                h = conv(torch.cat([h, features.levels[n]], dim=1))
                h = F.relu(adaptive_norm(h, *features.modulations[n]))
            else:
                h = F.relu(self.norms[n](conv(h)))
        return h


def widths(config: ActionUnitConfig) -> list[int]:
    """Return the channels of the encoder at S, S/2 and S/4."""
    return [config.width * 2**level for level in range(_HALVINGS + 1)]


def initialise_normal(layer: nn.Module, std: float = _STD) -> nn.Module:
    """Draw the weights of a layer from a normal distribution."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    if not weight.is_meta:
        nn.init.normal_(weight, 0.0, std)
    return layer


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return initialise_normal(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))


def _down(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(
        initialise_normal(conv), nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()
    )


def _doubling(inputs: int, outputs: int) -> nn.Module:
    return initialise_normal(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    )
