"""Landmarks as the networks read them: pixels, heatmaps, mirrored, and as a warp."""

import torch
from torch import Tensor

from faceprep.core.heatmaps import REFERENCE_SIZE, gaussian_planes
from faceprep.core.landmarks import FLIP_68
from faceprep.generators.blocks.warp import full_precision
from faceprep.generators.landmark_gan.config import Heatmaps

#: Standard deviation of the Gaussians that interpolate displacements, in sides, and weight of the
#: ridge penalty, which lets close points with different displacements be missed. Chosen on the
#: pairs of rendered people by the similarity to the true target; a factor of 2 hardly matters.
_REACH, _RIDGE = 0.12, 0.1


def to_pixels(points: Tensor, size: int) -> Tensor:
    """Convert points ``(B, 68, 2)`` in sides of the crop to pixels of an image of side `size`.

    Crops of 128 pixels are assumed: the centre of their pixel 0 is not that of the smaller image.
    """
    return points * size + (size / REFERENCE_SIZE - 1) / 2


def mirrored(points: Tensor) -> Tensor:
    """Mirror points ``(B, 68, 2)`` in sides of the crop, and restore their order."""
    flipped = points[:, torch.from_numpy(FLIP_68.copy()).to(points.device)]
    return torch.stack([1 - 1 / REFERENCE_SIZE - flipped[..., 0], flipped[..., 1]], dim=-1)


def heatmaps(points: Tensor, size: int, kind: Heatmaps, sigma: float) -> Tensor:
    """Render points ``(B, 68, 2)`` in sides of the crop, on their device.

    Returns
    -------
    ``(B, 68, S, S)``, or ``(B, 1, S, S)`` with the maximum over the points, in [0, 1].
    """
    planes = gaussian_planes(to_pixels(points, size), size, sigma)
    return planes if kind == "points" else planes.amax(1, keepdim=True)


def landmark_flow(source: Tensor, target: Tensor, size: int) -> Tensor:
    """Interpolate the displacements of the landmarks over the image.

    Gaussian radial basis functions at the target's points with a ridge penalty. They fall to 0
    outside the face, so that hair and background stay.

    Parameters
    ----------
    source, target
        ``(B, 68, 2)`` in sides of the crop.

    Returns
    -------
    ``(B, 2, S, S)`` x and y in pixels, for `blocks.warp.warp`: the target's points get the pixels
    of the source's points. Zero if the points are equal.
    """
    with full_precision(source):
        wanted = to_pixels(target.float(), size)
        moves = to_pixels(source.float(), size) - wanted
        pixels = torch.arange(size, dtype=torch.float32, device=wanted.device)
        spread = _REACH * size
        distances = (wanted[:, :, None] - wanted[:, None]).square().sum(-1) / spread**2
        kernel = torch.exp(-0.5 * distances)
        kernel = kernel + _RIDGE * torch.eye(kernel.shape[1], device=wanted.device)
        weights = torch.linalg.solve(kernel, moves)
        # The Gaussians are products of a function of x and one of y.
        profiles = torch.exp(-0.5 * ((pixels - wanted[..., None]) / spread).square())
        across, down = profiles[:, :, 0], profiles[:, :, 1]
        return torch.einsum("bnc,bny,bnx->bcyx", weights, down, across)
