"""Edit the source image by a bounded smooth warp and a linear residual.

A bottleneck of 50 numbers loses the identity of the person. Here the pixels of the source are
displaced, and the residual adds details that no displacement can create (teeth, wrinkles).
"""

from itertools import pairwise
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.blocks.colour import as_colourful, pass_clamp
from faceprep.generators.blocks.layers import FilmNorm, initialise, upsample
from faceprep.generators.blocks.warp import bounded_flow, warp
from faceprep.generators.exprgan.config import ExprGANConfig

_T = TypeVar("_T")

#: Length of the condition, a combination of identity and code.
_CONDITION = 128

_LEVELS = 3

#: Factor of the flow layer's output. Without it the residual would learn first and replace the
#: flow, because the flow's weights start at 0 and smoothing weakens their gradient.
_FLOW_GAIN = 8.0


class EditParts(NamedTuple):
    """An edit and its parts."""

    #: ``(B, 3, S, S)`` in [-1, 1]: warped + residual, clamped (the gradient passes the clamp).
    image: Tensor
    warped: Tensor  # ``(B, 3, S, S)`` the source moved by the flow
    flow: Tensor  # ``(B, 2, S, S)`` pixels, x and y
    residual: Tensor  # ``(B, 3, S, S)``, already scaled; gray for gray sources


class _Block(nn.Module):
    """Convolution, norm with the condition, SiLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.norm = FilmNorm(outputs, _CONDITION)
        initialise(self.conv, "he")

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        return F.silu(self.norm(self.conv(h), condition))


class SourcePath(nn.Module):
    """U-Net of three levels that maps source and code to flow and residual.

    `config`: settings of the networks.
    `decoder_channels`: channels of the decoder's features at sides 4, 8, … S, S; the finest map at
        each of the path's four sizes is concatenated.
    """

    def __init__(self, config: ExprGANConfig, decoder_channels: list[int]) -> None:
        super().__init__()
        self.config = config
        width = config.path_width
        counts = [min(width * 2**level, 4 * width) for level in range(_LEVELS + 1)]
        self.condition = nn.Linear(config.identity + config.code, _CONDITION)
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down = nn.ModuleList(
            _Block(before, after, stride=2) for before, after in pairwise(counts)
        )
        self.middle = nn.ModuleList(_Block(counts[-1], counts[-1]) for _ in range(2))
        self.up = nn.ModuleList(
            _Block(deep + shallow, shallow)
            for shallow, deep in zip(counts[-2::-1], counts[:0:-1], strict=True)
        )
        # Coarse to fine: an eighth, a quarter, a half and all of the size.
        joined = zip(_finest(decoder_channels), counts[::-1], strict=True)
        self.join = nn.ModuleList(
            nn.Conv2d(seen, own, 1, bias=False)
            for seen, own in (joined if config.path_sees_decoder else ())
        )
        self.flow = nn.Conv2d(counts[2], 2, 3, padding=1) if config.max_flow else None
        self.residual = nn.Conv2d(width, 3, 3, padding=1) if config.residual_scale else None
        for layer in (self.condition, self.stem, *self.join):
            initialise(layer, "he")
        self._start_as_identity()

    def _start_as_identity(self) -> None:
        for head, scale in ((self.flow, 0.0), (self.residual, self.config.residual_init)):
            if head is not None:
                initialise(head, "he")
                with torch.no_grad():
                    head.weight.mul_(scale)

    def forward(self, src: Tensor, g: Tensor, c: Tensor, features: list[Tensor]) -> EditParts:
        """Edit source images.

        `src`: ``(B, 3, S, S)`` in [-1, 1].
        `g`, `c`: ``(B, G)``, ``(B, K·d)``.
        `features`: features of the decoder for the same g and c; ignored without
            `path_sees_decoder`.
        """
        condition = F.silu(self.condition(torch.cat([g, c], dim=1)))
        h = F.silu(self.stem(src))
        skips = [h]
        for block in self.down:
            h = block(h, condition)
            skips.append(h)
        known = _finest(features) if self.join else []
        h = self._joined(skips.pop(), known, 0)
        for block in self.middle:
            h = h + block(h, condition)
        flow = src.new_zeros(len(src), 2, *src.shape[2:], dtype=torch.float32)
        for level, block in enumerate(self.up, start=1):
            h = block(torch.cat([upsample(h), skips.pop()], dim=1), condition)
            h = self._joined(h, known, level)
            if level == 1 and self.flow is not None:
                flow = self._flow(h)
        return self._compose(src, flow, h)

    def _joined(self, h: Tensor, features: list[Tensor], level: int) -> Tensor:
        return h + self.join[level](features[level]) if self.join else h

    def _flow(self, h: Tensor) -> Tensor:
        assert self.flow is not None
        config = self.config
        return bounded_flow(
            self.flow(h) * _FLOW_GAIN, config.size, config.max_flow, config.flow_sigma
        )

    def _compose(self, src: Tensor, flow: Tensor, h: Tensor) -> EditParts:
        warped = warp(src, flow) if self.flow is not None else src.float()
        if self.residual is None:
            return EditParts(warped, warped, flow, torch.zeros_like(warped))
        residual = self.residual(h).float() * self.config.residual_scale
        limit = self.config.residual_limit
        residual = as_colourful(limit * torch.tanh(residual / limit) if limit else residual, src)
        linear = warped + residual
        return EditParts(pass_clamp(linear), warped, flow, residual)


def _finest(levels: list[_T]) -> list[_T]:
    """Return the levels at an eighth, a quarter and a half of S, and the last one at S."""
    return [*levels[-_LEVELS - 2 : -2], levels[-1]]
