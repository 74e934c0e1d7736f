"""Batches of real and synthetic faces for the training of a classifier, and their augmentation."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.config import ClassifyConfig
from faceprep.core.pixels import to_unit_range
from faceprep.training.crops import Order
from faceprep.training.diffaugment import change_colours


@dataclass(frozen=True)
class Pool:
    """Faces on a device."""

    images: Tensor  # ``(M, S, S, 3) uint8``; RGB, possibly shared with other pools
    rows: Tensor  # ``(N,) int64``; rows of `images` in the pool, on the CPU
    labels: Tensor  # ``(N,) int64``; expression of each row

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor) -> Tensor:
        """Return faces as ``(B, 3, S, S) float32`` in [-1, 1], channels last."""
        images = self.images[self.rows[indices].to(self.images.device)]
        return to_unit_range(images.permute(0, 3, 1, 2))


class Batches:
    """Endless batches: every face once per epoch in random order, or expressions drawn evenly.

    `real`, `synthetic`: pools; ``config.synthetic_share`` of every batch is synthetic, with at
        least one face of each pool.
    `config`: section ``[classify]``: ``batch``, ``synthetic_share`` and ``even``.
    `seed`: seed of the order.
    """

    def __init__(
        self, real: Pool, synthetic: Pool | None, config: ClassifyConfig, seed: int
    ) -> None:
        self._parts = [(real, config.batch)]
        if synthetic is not None:
            count = min(max(round(config.synthetic_share * config.batch), 1), config.batch - 1)
            self._parts = [(real, config.batch - count), (synthetic, count)]
        self._draws = [
            _Draw(pool.labels, config.even, seed, number)
            for number, (pool, _) in enumerate(self._parts)
        ]

    def next(self) -> tuple[Tensor, Tensor]:
        """Return images ``(B, 3, S, S)`` and labels ``(B,)``."""
        x, y = [], []
        for (pool, count), draw in zip(self._parts, self._draws, strict=True):
            indices = draw.next(count)
            x.append(pool.batch(indices))
            y.append(pool.labels[indices.to(pool.labels.device)])
        return (x[0], y[0]) if len(x) == 1 else (torch.cat(x), torch.cat(y))


class _Draw:
    """Endless indices into one pool."""

    def __init__(self, labels: Tensor, even: bool, seed: int, number: int) -> None:
        self._random = np.random.default_rng([seed, number])
        self._order = Order(labels, self._random, seed) if even else None
        self._total = len(labels)
        self._left = np.zeros(0, np.int64)

    def next(self, count: int) -> Tensor:
        if self._order is not None:
            return self._order.even(count)[0]
        while len(self._left) < count:
            self._left = np.concatenate([self._left, self._random.permutation(self._total)])
        taken, self._left = self._left[:count], self._left[count:]
        return torch.from_numpy(taken)


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return weights ``(K,)`` that give every class the same share of the loss, 1 on average."""
    counts = torch.bincount(labels, minlength=classes).float()
    weights = torch.where(counts > 0, len(labels) / counts.clamp_min(1), torch.zeros_like(counts))
    return weights / (counts > 0).sum()


#: Number of changes per face: RandAugment's N (Cubuk et al., "RandAugment", 2020).
CHANGES = 2

#: Largest change of each kind: degrees, shares of the side, factors. Smaller than RandAugment's,
#: because these faces are aligned.
LARGEST = {
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
    """Mirror half of the images, chosen at random."""
    mirrored = (torch.rand(len(x), generator=random) < 0.5).to(x.device)
    return torch.where(mirrored[:, None, None, None], x.flip(3), x)


def classic(x: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """Apply `CHANGES` random kinds of change from `LARGEST` to every image.

    `x`: ``(B, 3, S, S)`` in [-1, 1].
    `random`: generator on the CPU, so that all devices draw equal numbers.
    `strength`: share of the largest changes, 0 to 1.
    """
    count = len(x)
    chosen = torch.rand(count, len(LARGEST), generator=random).topk(CHANGES, dim=1).indices
    amounts = torch.rand(count, len(LARGEST), generator=random) * 2 - 1
    amounts = amounts * torch.zeros_like(amounts).scatter_(1, chosen, 1.0)
    amounts = (amounts * strength * torch.tensor(list(LARGEST.values()))).to(x.device)
    changes = dict(zip(LARGEST, amounts.unbind(1), strict=True))
    centres = (torch.rand(count, 2, generator=random) * 2 - 1).to(x.device)
    brightness, saturation, contrast = (
        changes[name] for name in ("brightness", "saturation", "contrast")
    )
    x = change_colours(_warped(x, changes), brightness, 1 + saturation, 1 + contrast).clamp(-1, 1)
    return x * _hole_mask(x, centres, changes["hole"].abs())


def _warped(x: Tensor, changes: dict[str, Tensor]) -> Tensor:
    angle, scale = changes["turn"] * (math.pi / 180), torch.exp(changes["scale"])
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = [
        torch.stack([cosine, -sine + changes["shear_x"], 2 * changes["move_x"]], dim=1),
        torch.stack([sine + changes["shear_y"], cosine, 2 * changes["move_y"]], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _hole_mask(x: Tensor, centres: Tensor, side: Tensor) -> Tensor:
    """Return 0 in a square hole of the given side, 1 elsewhere, ``(B, 1, S, S)``."""
    places = torch.linspace(-1, 1, x.shape[-1], device=x.device)
    near = (places - centres[:, :, None]).abs() < side[:, None, None]
    return (~(near[:, 1, :, None] & near[:, 0, None, :])[:, None]).to(x.dtype)


@dataclass(frozen=True)
class Mixed:
    """A batch in which every image is a weighted mean of itself and another image."""

    x: Tensor  # ``(B, 3, S, S)``; images
    other: Tensor  # ``(B,)``; position of the other image
    weight: Tensor  # ``(B,)``; weight of the own image and label


def mixup(x: Tensor, random: torch.Generator) -> Mixed:
    """Blend images in pairs; the caller blends the labels with the same weights."""
    count = len(x)
    other = torch.randperm(count, generator=random).to(x.device)
    # Beta(a, a) by Jöhnk's method (1964), because torch's Beta takes no generator.
    u = torch.rand(2, count, 32, generator=random) ** (1 / MIXUP_ALPHA)
    sums = u.sum(0)
    accepted = (sums <= 1).float().argmax(dim=1, keepdim=True)
    weight = (u[0] / sums.clamp_min(1e-30)).gather(1, accepted)[:, 0].to(x.device)
    share = weight[:, None, None, None]
    return Mixed(share * x + (1 - share) * x[other], other, weight)
