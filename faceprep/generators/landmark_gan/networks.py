"""The generator guided by landmarks and label, and its discriminators."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from faceprep.generators.base import Edited, GeneratorNetwork, Target
from faceprep.generators.blocks.colour import as_colourful, pass_clamp
from faceprep.generators.blocks.warp import bounded_flow, warp
from faceprep.generators.landmark_gan.config import LandmarkConfig
from faceprep.generators.landmark_gan.decoder import Decoded, Decoder
from faceprep.generators.landmark_gan.discriminators import PatchDiscriminator
from faceprep.generators.landmark_gan.geometry import heatmaps, landmark_flow
from faceprep.generators.landmark_gan.layers import InitializeNetwork, MigrationBlock
from faceprep.generators.targets import NEUTRAL

#: Smoothing of the learned flow, cells of half the size.
_FLOW_SIGMA = 1.0


class Request(NamedTuple):
    """Source faces and what they are asked to become."""

    x: Tensor  # ``(B, 3, S, S)`` in [-1, 1]
    #: ``(B, 68, 2)`` points of the source and of the target, in sides of the crop.
    source: Tensor
    target: Tensor
    label: Tensor  # ``(B, K)`` in [0, 1]


class LandmarkGenerator(nn.Module):
    """Initialize networks, migration unit blocks and decoder."""

    def __init__(self, config: LandmarkConfig) -> None:
        super().__init__()
        self.config = config
        maps = config.maps * (2 if config.source_heatmaps else 1)
        # An edit sees the warped source and the warp.
        self.initialize_image = InitializeNetwork(config, 5 if config.edits else 3)
        self.initialize_geometry = InitializeNetwork(config, maps)
        channels = 4 * config.width
        self.blocks = nn.ModuleList(
            MigrationBlock(config, 2 * channels if n else channels) for n in range(config.blocks)
        )
        self.decoder = Decoder(config)

    def forward(self, request: Request) -> Edited:
        """Edit faces; the parts are flow (pixels), warped image and residual of an edit."""
        config, x = self.config, request.x
        if not config.edits:
            return Edited(torch.tanh(self._decoded(x, request).colour.float()))
        flow = landmark_flow(request.source, request.target, config.size)
        seen = torch.cat([warp(x, flow), flow / (0.1 * config.size)], dim=1)
        decoded = self._decoded(seen.to(x.dtype), request)
        if decoded.flow is not None:
            flow = flow + bounded_flow(decoded.flow, config.size, config.max_flow, _FLOW_SIGMA)
        warped, limit = warp(x, flow), config.residual_limit
        residual = limit * torch.tanh(config.residual_gain * decoded.colour.float() / limit)
        residual = as_colourful(residual, x)
        parts = {"flow": flow, "warped": warped, "residual": residual}
        return Edited(pass_clamp(warped + residual), parts)

    def _decoded(self, seen: Tensor, request: Request) -> Decoded:
        levels = self.initialize_image(seen)
        shapes = [request.source] * self.config.source_heatmaps + [request.target]
        maps = [self.heatmaps(points).to(seen.dtype) for points in shapes]
        image, geometry = levels[-1], self.initialize_geometry(torch.cat(maps, dim=1))[-1]
        for block in self.blocks:
            image, geometry = block(image, geometry)
        return self.decoder(image, levels, request.label)

    def heatmaps(self, points: Tensor) -> Tensor:
        """Render points as the networks read them, ``(B, 68 or 1, S, S)`` in [0, 1]."""
        config = self.config
        return heatmaps(points, config.size, config.heatmaps, config.sigma)


class LandmarkGAN(GeneratorNetwork):
    """The networks; a `faceprep.generators.base.Generator`.

    Attributes
    ----------
    d_image, d_geometry
        Discriminators of pairs of source and target image, and of target image and heatmaps.
    """

    kind = "landmark-gan"
    config: LandmarkConfig

    def __init__(self, config: LandmarkConfig) -> None:
        super().__init__(config)
        self.generator = LandmarkGenerator(config)
        self.d_image = PatchDiscriminator(config, 6)
        self.d_geometry = PatchDiscriminator(config, 3 + config.maps)

    @property
    def driven_by(self) -> frozenset[str]:
        """Fields of the target that are read."""
        return frozenset({"landmarks", "expression"} if self.config.label else {"landmarks"})

    def edit(self, images: Tensor, target: Target) -> Edited:
        """Edit faces towards the landmarks and the expression of a target."""
        points = target.require("landmarks")
        label = label_of(target, self.classes) if self.config.label else _none(points, self.classes)
        edited = self.generator(Request(images, target.require("source_landmarks"), points, label))
        shown = heatmaps(points, self.size, "single", self.config.sigma)
        return Edited(edited.images, {**edited.parts, "heatmap": shown})


def label_of(target: Target, classes: tuple[str, ...]) -> Tensor:
    """Return the label of a target, ``(B, K)``: between neutral and the expression by intensity."""
    expression, intensity = target.require("expression"), target.require("intensity")[:, None]
    neutral = expression.new_tensor([float(name == NEUTRAL) for name in classes])
    return intensity * expression + (1 - intensity) * neutral


def _none(points: Tensor, classes: tuple[str, ...]) -> Tensor:
    return points.new_zeros(len(points), len(classes))
