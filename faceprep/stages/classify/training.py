"""Training an expression classifier on real and synthetic faces, for a row of the accuracy table.

Every row gets the same number of updates with the same number of faces each, and the same people
left out to stop on; only what is in the batches differs. On the CPU the seed decides the rest.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.core.errors import FaceprepError
from faceprep.core.pixels import to_unit_range
from faceprep.stages.classify.augmentation import classic, flipped, mixup
from faceprep.stages.classify.networks import build_classifier
from faceprep.training.crops import Order

_AT_ONCE = 256

#: Ways to train on the same faces; what each does to a batch.
ARMS = ("plain", "flips", "classic", "mixup", "reweighting")

#: Rates and decays where none is set. `paper` names neither optimizer nor length.
RATES = {"small": 2e-3, "paper": 1e-4}
DECAYS = {"small": 1e-2, "paper": 1e-4}


@dataclass(frozen=True)
class Pool:
    """Faces on a device.

    Attributes
    ----------
    images
        ``(M, S, S, 3) uint8`` RGB; those of other pools may be among them.
    rows
        ``(N,) int64``: which of them, on the CPU.
    labels
        ``(N,) int64``: what these show.
    """

    images: Tensor
    rows: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor) -> Tensor:
        """``(B, 3, S, S) float32`` in [-1, 1], channels last."""
        images = self.images[self.rows[indices].to(self.images.device)]
        return to_unit_range(images.permute(0, 3, 1, 2))


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained.

    Attributes
    ----------
    network
        A name in `classifier_network.SIZES`.
    updates, batch
        How many, and of how many faces.
    synthetic_share
        Of a batch, where there are synthetic faces: above 0, below 1; one face of either at least.
    even
        Draw expressions evenly, else faces as often as they are.
    learning_rate, weight_decay
        The network's own when None.
    smoothing
        Of labels.
    classic_strength
        Of the changes of the arm ``classic``, 0 to 1.
    look_every
        Updates between two looks at the people left out.
    bf16
        Compute in bfloat16, on a GPU.
    """

    network: str = "small"
    updates: int = 800
    batch: int = 32
    synthetic_share: float = 0.5
    even: bool = False
    learning_rate: float | None = None
    weight_decay: float | None = None
    smoothing: float = 0.1
    classic_strength: float = 1.0
    look_every: int = 50
    bf16: bool = False


@dataclass(frozen=True)
class Look:
    """What a look at the people left out found: after how many updates, loss and accuracy."""

    update: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Classifier:
    """A trained classifier, as it was at its best look.

    Attributes
    ----------
    classes
        Expressions in the order of the columns.
    stopped_at
        Updates of that look; all of them were done in any case.
    looks
        All of them.
    """

    classes: tuple[str, ...]
    stopped_at: int
    looks: list[Look]
    _network: nn.Module = field(repr=False)

    def log_probabilities(self, pool: Pool) -> np.ndarray:
        """``(N, K) float64`` of faces as they are, not mirrored."""
        return _read(self._network, pool).double().cpu().numpy()


def train_classifier(
    real: Pool,
    held_out: Pool,
    classes: Sequence[str],
    recipe: Recipe,
    *,
    arm: str = "flips",
    synthetic: Pool | None = None,
    seed: int = 0,
) -> Classifier:
    """Train on real faces, with or without synthetic ones, and keep the best look.

    Parameters
    ----------
    real
        Of the training people, without those of `held_out`.
    held_out
        Training people on whom the best of the looks is chosen, by loss.
    classes
        Expressions in the order of the labels.
    recipe
        How.
    arm
        One of `ARMS`: nothing; mirrored at random; RandAugment-like; mixup; every expression with
        the same weight in the loss. All but the first mirror.
    synthetic
        Makes up `Recipe.synthetic_share` of every batch.
    seed
        Of weights, order and augmentation; the global random state stays as it was.

    Raises
    ------
    FaceprepError
        The loss became NaN.
    """
    network = build_classifier(recipe.network, classes, real.images.shape[1], seed)
    network = network.to(real.images.device)
    rate = recipe.learning_rate or RATES[recipe.network]
    decay = DECAYS[recipe.network] if recipe.weight_decay is None else recipe.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=recipe.updates, cycle_momentum=False
    )
    batches = _Batches(real, synthetic, recipe, seed)
    random = torch.Generator().manual_seed(seed)
    weights = class_weights(real.labels, len(classes)) if arm == "reweighting" else None
    looks: list[Look] = []
    best: dict[str, Tensor] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the dropout
        for update in range(1, recipe.updates + 1):
            network.train()
            loss = _loss(network, *batches.next(), arm, random, recipe, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if update % recipe.look_every == 0 or update == recipe.updates:
                looks.append(_look(network, held_out, update))
                if looks[-1].loss <= min(look.loss for look in looks):
                    best = copy.deepcopy(network.state_dict())
    network.load_state_dict(best)
    stopped = min(looks, key=lambda look: (look.loss, -look.update)).update
    return Classifier(tuple(classes), stopped, looks, network.eval().requires_grad_(False))


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Weights ``(K,)`` with which every class has the same part in the loss, 1 on average."""
    counts = torch.bincount(labels, minlength=classes).float()
    weights = torch.where(counts > 0, len(labels) / counts.clamp_min(1), torch.zeros_like(counts))
    return weights / (counts > 0).sum()


class _Batches:
    """Faces of every update: all real ones in a new order again and again, or evenly drawn."""

    def __init__(self, real: Pool, synthetic: Pool | None, recipe: Recipe, seed: int) -> None:
        self.parts = [(real, recipe.batch)]
        if synthetic is not None:
            made = min(max(round(recipe.synthetic_share * recipe.batch), 1), recipe.batch - 1)
            self.parts = [(real, recipe.batch - made), (synthetic, made)]
        self.draws = [
            _Draw(pool.labels, recipe.even, seed, number)
            for number, (pool, _) in enumerate(self.parts)
        ]

    def next(self) -> tuple[Tensor, Tensor]:
        """Images and labels."""
        x, y = [], []
        for (pool, count), draw in zip(self.parts, self.draws, strict=True):
            indices = draw.next(count)
            x.append(pool.batch(indices))
            y.append(pool.labels[indices.to(pool.labels.device)])
        return (x[0], y[0]) if len(x) == 1 else (torch.cat(x), torch.cat(y))


class _Draw:
    """Indices into one pool."""

    def __init__(self, labels: Tensor, even: bool, seed: int, number: int) -> None:
        self.random = np.random.default_rng([seed, number])
        self.order = Order(labels, self.random, seed) if even else None
        self.total = len(labels)
        self.left = np.zeros(0, np.int64)

    def next(self, count: int) -> Tensor:
        if self.order is not None:
            return self.order.even(count)[0]
        while len(self.left) < count:
            self.left = np.concatenate([self.left, self.random.permutation(self.total)])
        taken, self.left = self.left[:count], self.left[count:]
        return torch.from_numpy(taken)


def _loss(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    arm: str,
    random: torch.Generator,
    recipe: Recipe,
    weights: Tensor | None,
) -> Tensor:
    """Cross-entropy of a batch after what the arm does to it."""
    x = x if arm == "plain" else flipped(x, random)
    if arm == "classic":
        x = classic(x, random, recipe.classic_strength)
    mixed = mixup(x, random) if arm == "mixup" else None
    x = (x if mixed is None else mixed.x).contiguous(memory_format=torch.channels_last)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=recipe.bf16):
        scores = network(x)
    options: dict[str, Any] = {"weight": weights, "label_smoothing": recipe.smoothing}
    scores = scores.float()
    if mixed is None:
        return F.cross_entropy(scores, y, **options)
    own = F.cross_entropy(scores, y, reduction="none", **options)
    others = F.cross_entropy(scores, y[mixed.other], reduction="none", **options)
    return (mixed.weight * own + (1 - mixed.weight) * others).mean()


def _look(network: nn.Module, pool: Pool, update: int) -> Look:
    network.eval()
    scores = _read(network, pool)
    loss = float(F.nll_loss(scores, pool.labels))
    if not np.isfinite(loss):
        raise FaceprepError(
            f"the classifier's loss is {loss} after {update} updates",
            "a lower rate: --set classify.learning_rate=0.0001",
        )
    return Look(update, loss, float((scores.argmax(1) == pool.labels).float().mean()))


@torch.no_grad()
def _read(network: nn.Module, pool: Pool) -> Tensor:
    """Log-probabilities ``(N, K) float32``."""
    parts = []
    for start in range(0, len(pool), _AT_ONCE):
        x = pool.batch(torch.arange(start, min(start + _AT_ONCE, len(pool))))
        parts.append(F.log_softmax(network(x).float(), dim=1))
    return torch.cat(parts)
