"""68 landmarks as Gaussians: exp(−d² / 2σ²), 1 at the point itself.

The same function twice: in torch for training, where all planes are needed and differentiable, and
in NumPy for files, as the maximum over the points in 8 bits. They agree to the rounding
(`tests/faces/test_heatmaps.py`). Neither dlib nor OpenCV is imported, torch only by the torch
function.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

POINTS = 68

#: σ is given for a crop of this side, in pixels, and grows with the crop.
REFERENCE_SIZE = 128

# Farther away a Gaussian rounds to 0 of 255: exp(−r² / 2) < 0.5 / 255.
_REACH = math.sqrt(2 * math.log(510))


def sigma_pixels(sigma: float, size: int) -> float:
    """σ in the pixels of a crop of side `size`, given σ at 128."""
    return sigma * size / REFERENCE_SIZE


def gaussian_planes(landmarks: "Tensor", size: int, sigma: float = 2.0) -> "Tensor":
    """One plane a point, in torch, differentiable in the points.

    Parameters
    ----------
    landmarks
        ``(B, n, 2)`` x, y in pixels of the crop, any device; a point that is not finite gives a
        plane of zeros, one outside the crop only what reaches in.
    size
        Side of the planes, pixels.
    sigma
        Pixels at a size of 128; scales with it.

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
    """Maximum over the points' planes, in 8 bits.

    Parameters
    ----------
    landmarks
        ``(n, 2)`` x, y in pixels of the crop; points that are not finite are left out.
    size
        Side, pixels.
    sigma
        Pixels at a size of 128; scales with it.

    Returns
    -------
    ``(size, size) uint8``, 255 = 1.
    """
    heatmap = np.zeros((size, size), np.uint8)
    for _, rows, columns, patch in _patches(landmarks, size, sigma):
        place = heatmap[rows, columns]
        np.maximum(place, patch, out=place)
    return heatmap


def stacked_planes(landmarks: np.ndarray, size: int, sigma: float = 2.0) -> np.ndarray:
    """The planes of all points in 8 bits, one below the other, as they go into a gray PNG.

    Parameters
    ----------
    landmarks, size, sigma
        As for `combined_heatmap`.

    Returns
    -------
    ``(n · size, size) uint8``, 255 = 1; `split_planes` takes it apart.
    """
    planes = np.zeros((len(landmarks), size, size), np.uint8)
    for index, rows, columns, patch in _patches(landmarks, size, sigma):
        planes[index, rows, columns] = patch
    return planes.reshape(-1, size)


def split_planes(stack: np.ndarray) -> np.ndarray:
    """Take ``(n · size, size)`` apart into ``(n, size, size)``."""
    size = stack.shape[1]
    if stack.ndim != 2 or stack.shape[0] % size:
        raise ValueError(f"expected square planes below each other, got {stack.shape}")
    return stack.reshape(-1, size, size)


def _patches(
    landmarks: np.ndarray, size: int, sigma: float
) -> list[tuple[int, slice, slice, np.ndarray]]:
    """Where the Gaussians are not zero: index of the point, rows, columns, 8-bit values."""
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
