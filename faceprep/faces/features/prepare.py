"""Convert aligned crops to the input of a network: region, size and range.

Sampling consists of two small matrix products, for rows and columns: differentiable, deterministic
on all devices, and with a fixed filter. It is the triangle filter of Pillow and of
`torch.nn.functional.interpolate(mode="bilinear", antialias=True)`: bilinear when enlarging, and as
wide as the reduction factor when reducing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from faceprep.core.pixels import to_levels
from faceprep.faces.alignment import load_template
from faceprep.faces.features.base import full_precision


@dataclass(frozen=True, slots=True)
class Window:
    """Define an upright square part of a crop, in fractions of its side."""

    # corner; (0, 0) is the corner of the first pixel
    left: float = 0.0
    top: float = 0.0
    side: float = 1.0  # the window may extend beyond the crop, where pixels are black


def template_window(crop: str, target: str) -> Window:
    """Return the part of a crop of one template that a crop of another template shows.

    Scale and shift are fitted to the five points by least squares. Rotation is omitted to keep the
    sampling separable; both templates are upright up to a fraction of a degree. Raises ValueError
    if there is no such template.
    """
    points, goals = (load_template(name, 1) + 0.5 for name in (crop, target))
    centre, goal = points.mean(0), goals.mean(0)
    spread = points - centre
    scale = float(np.sum(spread * (goals - goal)) / np.sum(spread * spread))
    left, top = (centre - goal / scale).tolist()
    return Window(left, top, 1 / scale)


class Prepare(nn.Module):
    """Convert crops in [-1, 1] to ``(B, 3, size, size)``, ``(gray level - mean) / deviation``.

    Mean and standard deviation of R, G and B are in gray levels 0 to 255. A size of None keeps the
    whole crops at their size; otherwise `window` is the part of them that is used.
    """

    def __init__(
        self,
        mean: tuple[float, float, float],
        deviation: tuple[float, float, float],
        size: int | None,
        window: Window = Window(),
    ) -> None:
        super().__init__()
        self.mean = mean
        self.deviation = deviation
        self.size = size
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """Sample and normalize in float32, regardless of autocast."""
        with torch.autocast(x.device.type, enabled=False):
            levels = to_levels(full_precision(x))
            if self.size is not None:
                levels = sample(levels, self.size, self.window)
            channels = zip(levels.unbind(1), self.mean, self.deviation, strict=True)
            return torch.stack([(level - mean) / std for level, mean, std in channels], dim=1)


def sample(image: Tensor, size: int, window: Window) -> Tensor:
    """Sample a window of images ``(..., H, W)`` as ``(..., size, size)``; 0 outside."""
    rows = _weights(size, window.top, window.side, image.shape[-2], image)
    columns = _weights(size, window.left, window.side, image.shape[-1], image)
    return rows @ image @ columns.T


def _weights(size: int, first: float, side: float, pixels: int, like: Tensor) -> Tensor:
    """Return the weights of the pixels in each sample, ``(size, pixels)``."""
    step = side * pixels / size
    samples = torch.arange(size, device=like.device, dtype=like.dtype)
    centres = (samples + 0.5) * step + (first * pixels - 0.5)
    places = torch.arange(pixels, device=like.device, dtype=like.dtype)
    weights = (1 - (places - centres[:, None]).abs() / max(step, 1.0)).clamp_min(0)
    # Samples at the border use only pixels inside; samples farther outside are 0.
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-6)
