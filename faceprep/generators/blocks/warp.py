"""Warping by a bounded smooth flow: out(p) = x(p + flow(p)), exactly the identity if it is 0.

All functions use float32 under autocast too: the spacing of bfloat16 near 1 is a quarter of a pixel
at size 128.
"""

from contextlib import AbstractContextManager
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor


def identity_grid(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return the pixel centres for `grid_sample`, ``(1, H, W, 2)`` x, y in [-1, 1]."""
    rows = torch.linspace(-1, 1, height, device=device)
    columns = torch.linspace(-1, 1, width, device=device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1)[None]


def smooth(flow: Tensor, sigma: float) -> Tensor:
    """Blur ``(B, C, H, W)`` with a Gaussian of `sigma` pixels, replicating the border."""
    reach = min(max(round(3 * sigma), 1), min(flow.shape[2:]) - 1)
    offsets = torch.arange(-reach, reach + 1, dtype=flow.dtype, device=flow.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(flow.shape[1], 1, 1, -1)
    padded = F.pad(flow, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, kernel, groups=flow.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=flow.shape[1])


def bounded_flow(u: Tensor, size: int, limit: float, sigma: float) -> Tensor:
    """Convert a network's unbounded output on a coarse grid to displacements in pixels.

    Parameters
    ----------
    u
        ``(B, 2, h, w)`` x, y; 0 is no displacement.
    size
        Side S of the image, pixels.
    limit
        Largest displacement along an axis, relative to the side.
    sigma
        Standard deviation of the smoothing, cells of the coarse grid; 0 does not smooth.

    Returns
    -------
    ``(B, 2, S, S)`` pixels in [-limit·S, limit·S].
    """
    with full_precision(u):
        flow = torch.tanh(u.float()) * (limit * size)
        if sigma > 0:
            flow = smooth(flow, sigma)
        return F.interpolate(flow, size=(size, size), mode="bilinear", align_corners=True)


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Warp images: ``out(p) = x(p + flow(p))``.

    Parameters
    ----------
    x
        ``(B, C, H, W)``; the border is replicated outside.
    flow
        ``(B, 2, H, W)`` x, y in pixels.

    Returns
    -------
    ``(B, C, H, W)`` float32. The error of `grid_sample` with the identity grid, about 1e-6, is
    subtracted, so that a flow of zeros returns `x` bit for bit.
    """
    height, width = x.shape[2:]
    with full_precision(x):
        x, flow = x.float(), flow.float()
        # Sampling at NaN reads outside the image's memory; the result is NaN in either case.
        broken = (flow - flow).detach().sum(1, keepdim=True)
        flow = flow.nan_to_num(0.0, 0.0, 0.0)
        grid = identity_grid(height, width, x.device).expand(len(x), -1, -1, -1)
        pixel = torch.tensor([2 / (width - 1), 2 / (height - 1)], device=x.device)
        moved = _sample(x, grid + flow.permute(0, 2, 3, 1) * pixel)
        with torch.no_grad():
            still = _sample(x, grid)
        return x.detach() + (moved - still) + broken


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Disable autocast, except on device ``meta``, which has none."""
    off = torch.autocast("cpu" if x.is_meta else x.device.type, enabled=False)
    return cast(AbstractContextManager[None], off)


def _sample(x: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)


def composed_flow(first: Tensor, second: Tensor) -> Tensor:
    """Return the flow of ``warp(warp(x, first), second)``: second(p) + first(p + second(p)).

    ``(B, 2, H, W)`` each, in the images' range of 2; zero if the second undoes the first.
    """
    height, width = first.shape[2:]
    with full_precision(first):
        first, second = first.float(), second.float()
        grid = identity_grid(height, width, first.device) + second.permute(0, 2, 3, 1)
        return second + _sample(first, grid)


def folded_share(flow: Tensor) -> Tensor:
    """Return the share of cells where p + flow(p) folds (Jacobian determinant ≤ 0).

    `flow`: ``(B, 2, H, W)`` pixels. Returns a scalar in [0, 1]; 0 is an invertible deformation.
    """
    flow = flow.float()
    right = flow[:, :, :-1, 1:] - flow[:, :, :-1, :-1]
    down = flow[:, :, 1:, :-1] - flow[:, :, :-1, :-1]
    determinant = (1 + right[:, 0]) * (1 + down[:, 1]) - right[:, 1] * down[:, 0]
    return (determinant <= 0).float().mean()
