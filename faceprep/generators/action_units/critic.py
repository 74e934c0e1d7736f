"""The critic of GANimation and StarGAN: real or generated, and an estimate of the labels."""

from itertools import pairwise
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.action_units.config import ActionUnitConfig

#: Slope of the leaky ReLU (official code of GANimation).
_LEAK = 0.01

#: Largest width of a layer, relative to the first.
_WIDEST = 32


class CriticOutput(NamedTuple):
    """Output of the critic."""

    logits: Tensor  # ``(B, 1, 2, 2)``, larger for real images
    labels: Tensor  # ``(B, L)`` estimated labels


class Critic(nn.Module):
    """Convolutions of stride 2 down to 2×2, without norms, and two heads.

    Each of the four outputs sees the whole image, so they are not local judgements.
    """

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__()
        depth = config.size.bit_length() - 2  # 6 layers at 128
        counts = [3, *(config.d_width * min(2**level, _WIDEST) for level in range(depth))]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in pairwise(counts)
        )
        self.logit = nn.Conv2d(counts[-1], 1, 3, padding=1, bias=False)
        self.labels = nn.Conv2d(counts[-1], len(config.labels), 2, bias=False)

    def forward(self, x: Tensor) -> CriticOutput:
        """Judge images ``(B, 3, S, S)``."""
        for conv in self.convs:
            x = F.leaky_relu(conv(x), _LEAK)
        return CriticOutput(self.logit(x), self.labels(x).flatten(1))
