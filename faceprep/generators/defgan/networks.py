"""The deformation generator and the texture generator of DefGAN."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.action_units.labels import condition_of
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.painting import PaintingGenerator
from faceprep.generators.action_units.trunk import Trunk
from faceprep.generators.base import Edited
from faceprep.generators.blocks.warp import bounded_flow, warp
from faceprep.generators.defgan.config import DefGANConfig
from faceprep.generators.defgan.grid import enlarged, integral_flow

#: Size to which `DefGANConfig.max_offset` refers, pixels.
_REFERENCE = 128

#: Factor of the deformation's last layer. Without it the painting would learn first and replace
#: the deformation, whose weights start at 0.
_GAIN = 8.0


class DeformationGenerator(nn.Module):
    """Map an image and a condition to displacements ``(B, 2, S, S)`` in pixels."""

    def __init__(self, config: DefGANConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config)
        channels = self.trunk.channels
        refined = config.deformation_head == "refined"
        counts = (channels, channels // 2, channels // 4)
        self.refine = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=False)
            for before, after in (pairwise(counts) if refined else ())
        )
        last = counts[-1] if refined else channels
        self.displacement = nn.Conv2d(last, 2, 7 if refined else 3, padding=3 if refined else 1)
        self.shift = nn.Linear(last, 2) if config.grid == "integral" else None
        for layer in (self.displacement, self.shift):
            for weights in () if layer is None else layer.parameters():
                nn.init.zeros_(weights)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return the displacements."""
        config, h = self.config, self.trunk(x, condition).deepest
        for conv in self.refine:
            h = F.relu(conv(enlarged(h, 2 * h.shape[-1]).to(h.dtype)))
        u = self.displacement(h) * _GAIN
        limit = config.max_offset * config.size / _REFERENCE
        if self.shift is None:
            return bounded_flow(u, config.size, limit / config.size, config.flow_sigma)
        spacing = config.max_offset / 2
        flow = integral_flow(enlarged(u, config.size), self.shift(h.mean((2, 3))), spacing)
        return limit * torch.tanh(flow / limit)  # keeps rows and columns in order


class DefGAN(ActionUnitNetwork):
    """The generator DefGAN: deform the source, then paint over it."""

    kind = "defgan"
    generators = ("deformation", "texture")
    config: DefGANConfig

    def __init__(self, config: DefGANConfig) -> None:
        super().__init__(config)
        self.deformation = DeformationGenerator(config)
        self.texture = PaintingGenerator(config)

    def edit_parts(self, x: Tensor, own: Tensor, wanted: Tensor, paint: bool = True) -> Edited:
        """Edit images; see `ActionUnitNetwork.edit_parts`."""
        condition = condition_of(own, wanted, self.config)
        flow = self.deformation(x, condition)
        deformed = warp(x, flow)
        parts = {"flow": flow, "deformed": deformed}
        if not paint:
            return Edited(deformed, parts)
        painting = self.texture(deformed.to(x.dtype), condition, deformed, x)
        parts |= {"mask": painting.mask, "colour": painting.colour, "painted": painting.painted}
        return Edited(painting.image, parts)
