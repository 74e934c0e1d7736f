"""Random variations of training faces: similar maps and colours for images that belong together.

Few people are remembered: without variation the squared error of edits of unseen people of the
demo is twice that of training people. With it, more steps are needed.
"""

from dataclasses import dataclass
from math import radians

import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.training.diffaugment import change_colours

#: Largest rotation in radians, and largest relative changes of scale, aspect and position.
_ROTATION, _SCALE, _ASPECT, _SHIFT = radians(10), 0.1, 0.05, 0.04

#: Largest brightness added to images in [-1, 1], and changes of saturation and contrast.
_COLOUR = (0.2, 0.5, 0.25)


@dataclass(frozen=True)
class Variation:
    """Random numbers of one batch."""

    matrix: Tensor  # ``(B, 2, 3)`` from the varied image to the image, coordinates in [-1, 1]
    colour: Tensor  # ``(B, 3)`` brightness, saturation, contrast


def draw_variation(batch: int, generator: torch.Generator) -> Variation:
    """Draw the numbers of a batch, on the CPU."""
    u = torch.rand(batch, 8, generator=generator) * 2 - 1
    angle = _ROTATION * u[:, 0]
    scale = 1 + _SCALE * u[:, 1]
    across, down = scale * (1 + _ASPECT * u[:, 2]), scale * (1 - _ASPECT * u[:, 2])
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = (cosine * across, -sine * down, 2 * _SHIFT * u[:, 3])
    columns = (sine * across, cosine * down, 2 * _SHIFT * u[:, 4])
    matrix = torch.stack([torch.stack(rows, 1), torch.stack(columns, 1)], 1)
    return Variation(matrix, u.new_tensor([0.0, 1.0, 1.0]) + u[:, 5:] * u.new_tensor(_COLOUR))


def vary(x: Tensor, variation: Variation) -> Tensor:
    """Vary images ``(B, 3, S, S)`` in [-1, 1]; borders are replicated."""
    matrix, colour = variation.matrix.to(x.device), variation.colour.to(x.device)
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return change_colours(moved, *colour.unbind(1)).clamp(-1, 1)
