"""Paint over an image: colour and mask from features, and their composition with a base."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.action_units.trunk import Trunk, Upsampler, initialise_normal
from faceprep.generators.blocks.colour import as_colourful, pass_clamp

#: Reach of the last kernels, pixels.
_REACH = 3


class Painting(NamedTuple):
    """A painted image and its parts."""

    image: Tensor  # ``(B, 3, S, S)`` in [-1, 1]: mask · colour + (1 − mask) · base
    colour: Tensor  # ``(B, 3, S, S)``
    mask: Tensor  # ``(B, 1, S, S)`` in [0, 1], weight of the colour
    painted: Tensor  # ``(B, 3, S, S)`` mask · (colour − base)


class Painter(nn.Module):
    """Map features ``(B, width, S, S)`` to colour and mask, and compose them with a base."""

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__()
        self.config = config
        self.colour = _head(config.width, 3)
        self.mask = _head(config.width, 1)
        if config.colour == "residual":
            nn.init.zeros_(self.colour.weight)

    def forward(self, features: Tensor, base: Tensor, source: Tensor) -> Painting:
        """Paint over `base` ``(B, 3, S, S)`` in [-1, 1].

        `source` is the photograph, whose colours bound those of a residual.
        """
        # One convolution for both: on a CPU two with few outputs take twice the time.
        kernels = torch.cat([self.colour.weight, self.mask.weight])
        painted, mask = F.conv2d(features, kernels, padding=_REACH).float().split([3, 1], dim=1)
        mask = torch.sigmoid(mask + self.config.mask_start)
        if self.config.colour == "image":
            colour = torch.tanh(painted)
        else:
            limit = self.config.residual_limit
            residual = limit * torch.tanh(self.config.residual_gain * painted / limit)
            colour = base + as_colourful(residual, source)
        painted = mask * (colour - base.float())
        return Painting(compose(mask, colour, base), colour, mask, painted)


class PaintingGenerator(nn.Module):
    """Map an image and a condition to a colour and a mask, and paint over a base."""

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.up = Upsampler(config)
        self.painter = Painter(config)

    def forward(self, x: Tensor, condition: Tensor, base: Tensor, source: Tensor) -> Painting:
        """Paint over `base`; see `Painter` for `source`."""
        return self.painter(self.up(self.trunk(x, condition)), base, source)


def compose(mask: Tensor, colour: Tensor, base: Tensor) -> Tensor:
    """Return mask · colour + (1 − mask) · base in [-1, 1]; gradients pass the clamp.

    A mask of 0 returns the base, a mask of 1 the colour, bit for bit if they are in [-1, 1].
    """
    return pass_clamp(mask * colour + (1 - mask) * base.float())


def _head(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 2 * _REACH + 1, padding=_REACH, bias=False)
    initialise_normal(layer)
    return layer
