"""Render 68 landmarks as Gaussians exp(−d² / 2σ²), which are 1 at the points.

There is a torch implementation for training (differentiable planes) and a NumPy implementation for
files (8 bits). They agree up to rounding (`tests/core/test_heatmaps.py`). Neither dlib nor OpenCV
is imported; torch is imported only by the torch function.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

POINTS = 68

#: Side of the crop to which σ refers, pixels; σ is proportional to the side.
REFERENCE_SIZE = 128

# Distance beyond which a Gaussian rounds to 0 of 255: exp(−r² / 2) < 0.5 / 255.
_REACH = math.sqrt(2 * math.log(510))


def sigma_pixels(sigma: float, size: int) -> float:
    """Return σ in pixels of a crop of side `size`, from σ at side 128."""
    return sigma * size / REFERENCE_SIZE


def gaussian_planes(landmarks: "Tensor", size: int, sigma: float = 2.0) -> "Tensor":
    """Compute one plane per point in torch, differentiable in the points.

    Parameters
    ----------
    landmarks
        ``(B, n, 2)`` x, y in pixels of the crop, on any device. A point that is not finite gives a
        plane of zeros. Points may be outside the crop.
    size
        Side of the planes, pixels.
    sigma
        Standard deviation at a size of 128, pixels.

    Returns
    -------
    ``(B, n, size, size)`` in [0, 1], float32 (float64 for float64 landmarks).
    """
    import torch

    points = landmarks if landmarks.dtype == torch.float64 else landmarks.float()
    known = points.isfinite().all(dim=-1, keepdim=True)
    points = torch.where(known, points, torch.zeros_like(points))
    pixels = torch.arange(size, dtype=points.dtype, device=points.device)
    distances = (pixels - points[..., None]) / sigma_pixels(sigma, size)  # (B, n, 2, size)
    profiles = torch.exp(-0.5 * distances.square()) * known[..., None]
    return profiles[:, :, 1, :, None] * profiles[:, :, 0, None, :]


def combined_heatmap(landmarks: np.ndarray, size: int, sigma: float = 2.0) -> np.ndarray:
    """Compute the maximum over the planes of all points, ``(size, size) uint8``, 255 = 1.

    `landmarks` are ``(n, 2)`` x, y in pixels of the crop; points that are not finite are ignored.
    `sigma` is in pixels at a size of 128.
    """
    heatmap = np.zeros((size, size), np.uint8)
    for _, rows, columns, patch in _patches(landmarks, size, sigma):
        place = heatmap[rows, columns]
        np.maximum(place, patch, out=place)
    return heatmap


def stacked_planes(landmarks: np.ndarray, size: int, sigma: float = 2.0) -> np.ndarray:
    """Compute the planes of all points, stacked vertically for a gray PNG; see `combined_heatmap`.

    The result is ``(n · size, size) uint8``, 255 = 1; `split_planes` divides it.
    """
    planes = np.zeros((len(landmarks), size, size), np.uint8)
    for index, rows, columns, patch in _patches(landmarks, size, sigma):
        planes[index, rows, columns] = patch
    return planes.reshape(-1, size)


def split_planes(stack: np.ndarray) -> np.ndarray:
    """Split stacked planes ``(n · size, size)`` into ``(n, size, size)``."""
    size = stack.shape[1]
    if stack.ndim != 2 or stack.shape[0] % size:
        raise ValueError(f"expected square planes below each other, got {stack.shape}")
    return stack.reshape(-1, size, size)


def _patches(
    landmarks: np.ndarray, size: int, sigma: float
) -> list[tuple[int, slice, slice, np.ndarray]]:
    """Return the non-zero parts of the Gaussians: index of the point, rows, columns, values."""
    width = sigma_pixels(sigma, size)
    reach = math.ceil(_REACH * width)
    points = np.asarray(landmarks, np.float64)
    near = np.isfinite(points) & (points > -reach - 1) & (points < size + reach)
    chosen = np.flatnonzero(near.all(axis=1))
    firsts = np.floor(points[chosen]).astype(np.int64) - reach  # (n, 2)
    pixels = firsts[..., None] + np.arange(2 * reach + 2)
    profiles = np.exp(-0.5 * ((pixels - points[chosen, :, None]) / width) ** 2)
    values = profiles[:, 1, :, None] * profiles[:, 0, None, :]
    patches = np.rint(values * 255).astype(np.uint8)
    found = []
    for index, (x, y), patch in zip(chosen.tolist(), firsts.tolist(), patches, strict=True):
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + patch.shape[1], size), min(y + patch.shape[0], size)
        if left < right and top < bottom:
            inside = patch[top - y : bottom - y, left - x : right - x]
            found.append((index, slice(top, bottom), slice(left, right), inside))
    return found
