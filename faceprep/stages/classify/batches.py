"""Batches of real and synthetic faces for the training of a classifier."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from faceprep.config import ClassifyConfig
from faceprep.core.pixels import to_unit_range
from faceprep.training.crops import Order


@dataclass(frozen=True)
class Pool:
    """Faces on a device.

    Attributes
    ----------
    images : (M, S, S, 3) uint8
        RGB, possibly shared with other pools.
    rows : (N,) int64
        Rows of `images` in the pool, on the CPU.
    labels : (N,) int64
        Expression of each row.
    """

    images: Tensor
    rows: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor) -> Tensor:
        """Return faces as ``(B, 3, S, S) float32`` in [-1, 1], channels last."""
        images = self.images[self.rows[indices].to(self.images.device)]
        return to_unit_range(images.permute(0, 3, 1, 2))


class Batches:
    """Endless batches: every face once per epoch in random order, or expressions drawn evenly.

    Parameters
    ----------
    real, synthetic
        Pools; ``config.synthetic_share`` of every batch is synthetic, with at least one face of
        each pool.
    config
        Section ``[classify]``: ``batch``, ``synthetic_share`` and ``even``.
    seed
        Seed of the order.
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
