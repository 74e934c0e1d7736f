"""The deformation as a grid: identity at the start, differentiable, float32.

Both forms return displacements in pixels, exactly 0 for an output of 0 of their network.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.generators.blocks.warp import full_precision


def integral_flow(u: Tensor, shift: Tensor, limit: float) -> Tensor:
    """Sum predicted distances between neighbouring samples (Shu et al. 2018).

    The distances are positive, so that no row or column of the grid folds.

    Parameters
    ----------
    u
        ``(B, 2, S, S)`` outputs of the network for x and y; 0 is a distance of one pixel.
    shift
        ``(B, 2)`` outputs for the displacement of the first column and row, which a sum of
        distances cannot move; 0 is none.
    limit
        Largest distance between neighbours, and largest shift, pixels: more than 1.

    Returns
    -------
    ``(B, 2, S, S)`` displacements, pixels, x and y.
    """
    with full_precision(u):
        start = math.log(1 / (limit - 1))  # limit · sigmoid(start) = 1
        # Subtracting the same function of zero makes the displacement exactly 0 for u = 0.
        grown = limit * (torch.sigmoid(u.float() + start) - torch.sigmoid(u.new_full((), start)))
        across = torch.cumsum(grown[:, 0], dim=2) - grown[:, 0, :, :1]
        down = torch.cumsum(grown[:, 1], dim=1) - grown[:, 1, :1, :]
        moved = torch.stack([across, down], dim=1)
        return moved + limit * torch.tanh(shift.float())[:, :, None, None]


def enlarged(u: Tensor, size: int) -> Tensor:
    """Enlarge ``(B, C, h, w)`` bilinearly to the size of the image, in float32."""
    with full_precision(u):
        return F.interpolate(u.float(), size=(size, size), mode="bilinear", align_corners=True)
