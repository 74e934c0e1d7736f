"""The decoder: features and label to an image, or to an edit of the source."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.blocks.layers import FilmNorm, append_maps, upsample
from faceprep.generators.landmark_gan.config import LandmarkConfig
from faceprep.generators.landmark_gan.layers import convolution, initialised, norm_of

#: Length of the embedding of a label that modulates norms.
_CONDITION = 32


class Decoded(NamedTuple):
    """Output of the decoder before it is bounded."""

    colour: Tensor  # ``(B, 3, S, S)``
    flow: Tensor | None  # ``(B, 2, S/2, S/2)``; None without a learned flow


class Decoder(nn.Module):
    """Two doublings of the size and a convolution of 7×7 (Table 2 of the paper)."""

    def __init__(self, config: LandmarkConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        skips = (2 * width, width) if config.has_skips else (0, 0)
        self.doublings = nn.ModuleList(
            _doubling(config, before, after)
            for before, after in (
                (4 * width + config.label_maps, 2 * width),
                (2 * width, width),
            )
        )
        self.merges = nn.ModuleList(
            convolution(after + skip, after, 3)
            for after, skip in zip((2 * width, width), skips, strict=True)
            if skip
        )
        modulated = config.modulated
        self.norms = nn.ModuleList(
            FilmNorm(after, _CONDITION) if modulated else norm_of(config, after)
            for after in (2 * width, width)
        )
        self.condition = nn.Linear(len(config.classes), _CONDITION) if modulated else None
        colour = initialised(nn.Conv2d(width, 3, 7, bias=True))
        self.colour = nn.Sequential(nn.ReflectionPad2d(3), colour)
        flows = config.edits and config.max_flow > 0
        self.flow = nn.Conv2d(2 * width, 2, 3, padding=1) if flows else None
        for head in (colour, self.flow) if config.edits else ():
            for weight in () if head is None else head.parameters():
                nn.init.zeros_(weight)

    def forward(self, image: Tensor, levels: list[Tensor], label: Tensor) -> Decoded:
        """Decode features.

        Parameters
        ----------
        image
            ``(B, 4·width, S/4, S/4)`` from the last migration unit block.
        levels
            Features of the initialize network at S and S/2, for skips.
        label
            ``(B, K)`` in [0, 1].
        """
        signs = 2 * label - 1
        h = append_maps(image, signs) if self.config.label_maps else image
        condition = None if self.condition is None else F.silu(self.condition(signs))
        flow: Tensor | None = None
        for n, doubling in enumerate(self.doublings):
            h = doubling(upsample(h) if self.config.upsampling == "nearest" else h)
            if self.merges:
                h = self.merges[n](torch.cat([h, levels[1 - n]], dim=1))
            norm = self.norms[n]
            h = F.relu(norm(h) if condition is None else norm(h, condition))
            if n == 0 and self.flow is not None:
                flow = self.flow(h)
        return Decoded(self.colour(h), flow)


def _doubling(config: LandmarkConfig, inputs: int, outputs: int) -> nn.Module:
    if config.upsampling == "nearest":  # the size is doubled before
        return convolution(inputs, outputs, 3)
    return initialised(
        nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False)
    )
