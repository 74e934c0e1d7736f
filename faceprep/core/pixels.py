"""Convert images between levels 0 to 255 and floats in [-1, 1], as torch tensors."""

import numpy as np
import torch
from torch import Tensor


def to_unit_range(images: Tensor) -> Tensor:
    """Convert ``uint8`` levels of any shape to ``float32`` in [-1, 1]."""
    return images.float() / 127.5 - 1


def to_levels(x: Tensor) -> Tensor:
    """Convert floats in [-1, 1] to levels 0 to 255, neither rounded nor clipped."""
    return (x + 1) * 127.5


def to_uint8(x: Tensor) -> Tensor:
    """Convert floats of any shape, clipped to [-1, 1], to ``uint8`` levels."""
    return to_levels(x.float().clamp(-1, 1)).round().to(torch.uint8)


def image_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Convert images ``(N, H, W, 3) uint8`` to ``(N, 3, H, W) float32`` in [-1, 1].

    The memory layout stays that of `images` (channels last).
    """
    x = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return to_unit_range(x.permute(0, 3, 1, 2))
