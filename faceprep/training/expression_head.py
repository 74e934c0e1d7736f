"""A frozen expression classifier on face features: ridge regression on the training faces.

It supervises edits without being influenced by the generator. It is fitted once, before the
training, on plain and augmented faces (`diffaugment`); its temperature is chosen on left-out
subjects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.training.crops import Crops
from faceprep.training.diffaugment import WITHOUT_CUTOUT, augment, draw

#: Grid of cells over which a feature map is averaged.
CELLS = 4

#: Largest numbers of faces for the fit and for the choice of its settings.
MOST_FACES, MOST_CHOSEN = 4000, 1500

_PENALTIES = (0.001, 0.01, 0.1, 1.0)
_TEMPERATURES = tuple(float(t) for t in np.geomspace(0.02, 2, 25))
_FOLDS = 4
_BATCH = 32


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


@dataclass(frozen=True)
class Fit:
    """Accuracy of the classifier on left-out training subjects."""

    #: Share of correct faces, and mean share over the expressions, with and without augmentation.
    accuracy: float
    balanced: float
    #: Chosen ridge penalty (relative to the mean eigenvalue), and divisor of the logits.
    penalty: float
    temperature: float
    faces: int  # number of rows of the fit, with mirrored and augmented copies


class ExpressionHead(nn.Module):
    """Linear classifier of K expressions on feature maps; buffers only, not trainable."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layers: Sequence[str], weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, maps: Mapping[str, Tensor]) -> Tensor:
        """Return logits ``(B, K) float32`` of maps ``(B, C, h, w)`` of `layers`."""
        with torch.autocast(self.weight.device.type, enabled=False):
            return F.linear(pooled(maps, self.layers), self.weight, self.bias)


def pooled(maps: Mapping[str, Tensor], layers: Sequence[str]) -> Tensor:
    """Average the cells of every map, normalise each layer; return ``(B, D) float32``."""
    parts = []
    for name in layers:
        cells = F.adaptive_avg_pool2d(maps[name].float(), CELLS).flatten(1)
        parts.append(cells / cells.square().mean(1, keepdim=True).add(1e-8).sqrt())
    return torch.cat(parts, dim=1)


@torch.no_grad()
def fit_expression_head(
    features: Features, crops: Crops, layers: Sequence[str], seed: int, augmented: bool
) -> tuple[ExpressionHead, Fit]:
    """Fit the classifier on training faces.

    Parameters
    ----------
    seed
        Seed of the choice of faces and of the augmentation.
    augmented
        Add faces augmented as for the discriminators.
    """
    random = np.random.default_rng(seed)
    chosen = _evenly(crops.labels.cpu().numpy(), MOST_FACES // (4 if augmented else 2), random)
    x, rows = _rows(features, crops, layers, chosen, seed, augmented)
    labels = crops.labels.cpu().numpy()[rows]
    groups = np.unique(np.array(crops.subjects)[rows], return_inverse=True)[1] % _FOLDS
    y = F.one_hot(torch.from_numpy(labels), len(crops.classes)).double()
    few = np.sort(random.permutation(len(rows))[:MOST_CHOSEN])
    penalty, logits = _choose(x[few], y[few], groups[few])
    fold_labels = torch.from_numpy(labels[few])
    temperature = min(_TEMPERATURES, key=lambda t: float(F.cross_entropy(logits / t, fold_labels)))
    weight, bias = _ridge(x, y, penalty)
    right = logits.argmax(1) == fold_labels
    shares = [float(right[fold_labels == k].double().mean()) for k in fold_labels.unique()]
    device = crops.images.device
    head = ExpressionHead(
        layers, (weight / temperature).float().to(device), (bias / temperature).float().to(device)
    )
    fit = Fit(float(right.double().mean()), float(np.mean(shares)), penalty, temperature, len(rows))
    return head, fit


def _evenly(labels: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    """Return up to `most` indices, about equally many of every class."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = random.permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        rank[own] = np.arange(len(own))
    return np.sort(np.argsort(rank, kind="stable")[:most])


def _rows(
    features: Features,
    crops: Crops,
    layers: Sequence[str],
    chosen: np.ndarray,
    seed: int,
    augmented: bool,
) -> tuple[Tensor, np.ndarray]:
    """Return pooled features ``(R, D) float64`` on the CPU, and the face of every row."""
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


def _choose(x: Tensor, y: Tensor, groups: np.ndarray) -> tuple[float, Tensor]:
    """Return the penalty with the least squared error on left-out subjects, and their logits."""
    best, found, least = _PENALTIES[0], torch.zeros_like(y), float("inf")
    if len(np.unique(groups)) < 2:
        groups = np.arange(len(x)) % _FOLDS
    for penalty in _PENALTIES:
        logits = torch.zeros_like(y)
        for group in np.unique(groups):
            out = torch.from_numpy(groups == group)
            weight, bias = _ridge(x[~out], y[~out], penalty)
            logits[out] = x[out] @ weight.T + bias
        error = float((logits - y).square().mean())
        if error < least:
            best, found, least = penalty, logits, error
    return best, found


def _ridge(x: Tensor, y: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Fit a ridge regression in which all classes have equal weight: ``(K, D)`` and biases."""
    weight = (y / y.sum(0).clamp_min(1)).sum(1)
    root = (weight / weight.sum()).sqrt()[:, None]
    mean_x, mean_y = (root**2 * x).sum(0), (root**2 * y).sum(0)
    a, b = root * (x - mean_x), root * (y - mean_y)
    gram = a @ a.T
    ridge = penalty * gram.diagonal().sum() / len(gram)
    alpha = torch.linalg.solve(gram + ridge * torch.eye(len(gram), dtype=gram.dtype), b)
    weights = (a.T @ alpha).T
    return weights, mean_y - weights @ mean_x
