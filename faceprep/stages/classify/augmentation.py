"""What a batch goes through before a classifier sees it: flips, classic augmentation, mixup."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

#: Changes of one face at a time: RandAugment's N (Cubuk et al., "RandAugment", 2020).
CHANGES = 2

#: Largest change of each kind. Degrees, shares of the side, factors; milder than RandAugment's for
#: photographs of things, as these faces are aligned.
MOST = {
    "turn": 25.0,
    "shear_x": 0.2,
    "shear_y": 0.2,
    "move_x": 0.12,
    "move_y": 0.12,
    "scale": 0.2,
    "brightness": 0.4,
    "contrast": 0.5,
    "saturation": 0.8,
    "hole": 0.4,
}

#: Beta(α, α) of mixup (Zhang et al., "mixup: beyond empirical risk minimization", 2018).
MIXUP_ALPHA = 0.2


def flipped(x: Tensor, random: torch.Generator) -> Tensor:
    """Mirror every second image, at random."""
    mirrored = (torch.rand(len(x), generator=random) < 0.5).to(x.device)
    return torch.where(mirrored[:, None, None, None], x.flip(3), x)


def classic(x: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """Change every image in `CHANGES` ways out of `MOST`, each by up to its largest.

    Parameters
    ----------
    x
        ``(B, 3, S, S)`` in [-1, 1].
    random
        On the CPU: the same numbers on every device.
    strength
        Share of the largest changes, 0 to 1.
    """
    count = len(x)
    chosen = torch.rand(count, len(MOST), generator=random).topk(CHANGES, dim=1).indices
    amounts = torch.rand(count, len(MOST), generator=random) * 2 - 1
    amounts = amounts * torch.zeros_like(amounts).scatter_(1, chosen, 1.0)
    amounts = (amounts * strength * torch.tensor(list(MOST.values()))).to(x.device)
    by = dict(zip(MOST, amounts.unbind(1), strict=True))
    centres = (torch.rand(count, 2, generator=random) * 2 - 1).to(x.device)
    x = _colours(_moved(x, by), by).clamp(-1, 1)
    return x * _outside(x, centres, by["hole"].abs())


def _moved(x: Tensor, by: dict[str, Tensor]) -> Tensor:
    angle, scale = by["turn"] * (math.pi / 180), torch.exp(by["scale"])
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = [
        torch.stack([cosine, -sine + by["shear_x"], 2 * by["move_x"]], dim=1),
        torch.stack([sine + by["shear_y"], cosine, 2 * by["move_y"]], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _colours(x: Tensor, by: dict[str, Tensor]) -> Tensor:
    brightness, contrast, saturation = (
        by[name][:, None, None, None] for name in ("brightness", "contrast", "saturation")
    )
    x = x + brightness
    gray = x.mean(dim=1, keepdim=True)
    x = gray + (x - gray) * (1 + saturation)
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    return level + (x - level) * (1 + contrast)


def _outside(x: Tensor, centres: Tensor, side: Tensor) -> Tensor:
    """0 in a square hole of a side, 1 elsewhere, ``(B, 1, S, S)``."""
    places = torch.linspace(-1, 1, x.shape[-1], device=x.device)
    near = (places - centres[:, :, None]).abs() < side[:, None, None]
    return (~(near[:, 1, :, None] & near[:, 0, None, :])[:, None]).to(x.dtype)


@dataclass(frozen=True)
class Mixed:
    """A batch in which every image is ``weight`` of its own and the rest of another's.

    Attributes
    ----------
    x
        ``(B, 3, S, S)``.
    other
        ``(B,)`` whose.
    weight
        ``(B,)`` of the own label.
    """

    x: Tensor
    other: Tensor
    weight: Tensor


def mixup(x: Tensor, random: torch.Generator) -> Mixed:
    """Blend images in pairs; the labels blend alike."""
    count = len(x)
    other = torch.randperm(count, generator=random).to(x.device)
    # A Beta(a, a) draw out of uniform ones (Jöhnk 1964), which have a generator of their own.
    u = torch.rand(2, count, 32, generator=random) ** (1 / MIXUP_ALPHA)
    sums = u.sum(0)
    accepted = (sums <= 1).float().argmax(dim=1, keepdim=True)
    weight = (u[0] / sums.clamp_min(1e-30)).gather(1, accepted)[:, 0].to(x.device)
    share = weight[:, None, None, None]
    return Mixed(share * x + (1 - share) * x[other], other, weight)
