"""Aligned crops to what a network was trained on: part of the crop, its size, its range.

Sampling is two small matrix products, one for the rows and one for the columns: differentiable,
deterministic on every device, and always the same filter. It is the triangle filter of Pillow and
of `torch.nn.functional.interpolate(mode="bilinear", antialias=True)`: bilinear where it enlarges,
and as wide as the reduction where it reduces.
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
    """An upright square part of a crop, in fractions of the crop's side.

    Attributes
    ----------
    left, top : float
        Its corner; (0, 0) is the corner of the first pixel.
    side : float
        It may reach outside the crop, where everything is black.
    """

    left: float = 0.0
    top: float = 0.0
    side: float = 1.0


def template_window(crop: str, target: str) -> Window:
    """Part of one template's crop that another template's crop shows.

    Least squares over the five points, scale and shift only: both templates are upright, and a
    turn of a fraction of a degree would cost the separable sampling.

    Parameters
    ----------
    crop, target : str
        Names of templates (`faceprep.faces.alignment.template_names`).

    Raises
    ------
    ValueError
        When there is no such template.
    """
    points, goals = (load_template(name, 1) + 0.5 for name in (crop, target))
    centre, goal = points.mean(0), goals.mean(0)
    spread = points - centre
    scale = float(np.sum(spread * (goals - goal)) / np.sum(spread * spread))
    left, top = (centre - goal / scale).tolist()
    return Window(left, top, 1 / scale)


class Prepare(nn.Module):
    """Crops in [-1, 1] → ``(B, 3, size, size)``, ``(gray level - mean) / deviation``.

    Parameters
    ----------
    mean, deviation : tuple of float
        Of R, G and B, in gray levels 0 to 255.
    size : int, optional
        Side of the result, pixels. None leaves crops at their size, whole.
    window : Window
        Part of the crop that is shown.
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
        """Sample, then normalise, both in float32 whatever autocast says."""
        with torch.autocast(x.device.type, enabled=False):
            levels = to_levels(full_precision(x))
            if self.size is not None:
                levels = sample(levels, self.size, self.window)
            channels = zip(levels.unbind(1), self.mean, self.deviation, strict=True)
            return torch.stack([(level - mean) / std for level, mean, std in channels], dim=1)


def sample(image: Tensor, size: int, window: Window) -> Tensor:
    """A window of ``(..., H, W)`` pictures as ``(..., size, size)``; black (0) outside."""
    rows = _weights(size, window.top, window.side, image.shape[-2], image)
    columns = _weights(size, window.left, window.side, image.shape[-1], image)
    return rows @ image @ columns.T


def _weights(size: int, first: float, side: float, pixels: int, like: Tensor) -> Tensor:
    """What each of `pixels` adds to each of `size` samples, ``(size, pixels)``."""
    step = side * pixels / size
    samples = torch.arange(size, device=like.device, dtype=like.dtype)
    centres = (samples + 0.5) * step + (first * pixels - 0.5)
    places = torch.arange(pixels, device=like.device, dtype=like.dtype)
    weights = (1 - (places - centres[:, None]).abs() / max(step, 1.0)).clamp_min(0)
    # A sample of the border is made of what is inside; one farther out has nothing and stays 0.
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-6)
