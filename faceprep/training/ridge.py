"""Ridge regression on frozen face features, with settings chosen on left-out subjects."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.training.crops import Crops
from faceprep.training.diffaugment import WITHOUT_CUTOUT, augment, draw

#: Grid of cells over which a feature map is averaged.
CELLS = 4

_PENALTIES = (0.001, 0.01, 0.1, 1.0)
_FOLDS = 4
_BATCH = 32

#: Function: targets ``(R, K)`` → weight of every row ``(R,)``.
Weigh = Callable[[Tensor], Tensor]


class Features(Protocol):
    """Frozen face features, see `faceprep.faces.features`."""

    @property
    def perceptual_layers(self) -> tuple[str, ...]:
        """Layers that a perceptual loss compares."""
        ...

    @property
    def layers(self) -> Mapping[str, Any]:
        """Every layer by name, with its channels."""
        ...

    def activations(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Return activations of images ``(B, 3, S, S)`` in [-1, 1] by name of the layer."""
        ...


class Chosen(NamedTuple):
    """Result of `choose_penalty`."""

    penalty: float  # relative to the mean eigenvalue
    predicted: Tensor  # ``(R, K)`` predictions for rows of left-out subjects


class LinearHead(nn.Module):
    """Linear map from feature maps to K numbers; buffers only, not trainable."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layers: Sequence[str], weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, maps: Mapping[str, Tensor]) -> Tensor:
        """Return ``(B, K) float32`` of maps ``(B, C, h, w)`` of `layers`."""
        with torch.autocast(self.weight.device.type, enabled=False):
            return F.linear(pooled(maps, self.layers), self.weight, self.bias)


def pooled(maps: Mapping[str, Tensor], layers: Sequence[str]) -> Tensor:
    """Average the cells of every map, normalise each layer; return ``(B, D) float32``."""
    parts = []
    for name in layers:
        cells = F.adaptive_avg_pool2d(maps[name].float(), CELLS).flatten(1)
        parts.append(cells / cells.square().mean(1, keepdim=True).add(1e-8).sqrt())
    return torch.cat(parts, dim=1)


def evenly(labels: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    """Return up to `most` indices, about equally many of every class."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = random.permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        rank[own] = np.arange(len(own))
    return np.sort(np.argsort(rank, kind="stable")[:most])


def feature_rows(
    features: Features,
    crops: Crops,
    layers: Sequence[str],
    chosen: np.ndarray,
    seed: int,
    augmented: bool,
) -> tuple[Tensor, np.ndarray]:
    """Return pooled features ``(R, D) float64`` on the CPU, and the face of every row.

    Every chosen face has a plain and a mirrored row and, if `augmented`, an augmented copy of each.
    """
    generator = torch.Generator().manual_seed(seed)
    parts, rows = [], []
    for at in range(0, len(chosen), _BATCH):
        indices = torch.from_numpy(chosen[at : at + _BATCH])
        for flipped in (False, True):
            x = crops.batch(indices, torch.full((len(indices),), flipped))
            views = [x]
            if augmented:
                numbers = draw(len(x), WITHOUT_CUTOUT, generator, x.device)
                views.append(augment(x, numbers))
            for view in views:
                parts.append(pooled(features.activations(view, layers), layers).double().cpu())
                rows.append(indices.numpy())
    return torch.cat(parts), np.concatenate(rows)


def subject_folds(crops: Crops, rows: np.ndarray) -> np.ndarray:
    """Return the fold of every row; the rows of a subject are in one fold."""
    return np.unique(np.array(crops.subjects)[rows], return_inverse=True)[1] % _FOLDS


def choose_penalty(x: Tensor, y: Tensor, groups: np.ndarray, weigh: Weigh) -> Chosen:
    """Choose the penalty with the least squared error on left-out subjects."""
    best, found, least = _PENALTIES[0], torch.zeros_like(y), float("inf")
    if len(np.unique(groups)) < 2:
        groups = np.arange(len(x)) % _FOLDS
    for penalty in _PENALTIES:
        predicted = torch.zeros_like(y)
        for group in np.unique(groups):
            out = torch.from_numpy(groups == group)
            weight, bias = ridge(x[~out], y[~out], penalty, weigh)
            predicted[out] = x[out] @ weight.T + bias
        error = float((predicted - y).square().mean())
        if error < least:
            best, found, least = penalty, predicted, error
    return Chosen(best, found)


def ridge(x: Tensor, y: Tensor, penalty: float, weigh: Weigh) -> tuple[Tensor, Tensor]:
    """Fit a ridge regression with weighted rows: ``(K, D)`` weights, ``(K,)`` biases."""
    weight = weigh(y)
    root = (weight / weight.sum()).sqrt()[:, None]
    mean_x, mean_y = (root**2 * x).sum(0), (root**2 * y).sum(0)
    a, b = root * (x - mean_x), root * (y - mean_y)
    gram = a @ a.T
    shift = penalty * gram.diagonal().sum() / len(gram)
    alpha = torch.linalg.solve(gram + shift * torch.eye(len(gram), dtype=gram.dtype), b)
    weights = (a.T @ alpha).T
    return weights, mean_y - weights @ mean_x
