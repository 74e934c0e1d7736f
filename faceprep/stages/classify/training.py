"""Training of an expression classifier on real and synthetic faces.

All rows of the table have the same number of updates, batch size and held-out subjects; only the
content of the batches differs. On the CPU the seed determines the result.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.config import ClassifyConfig
from faceprep.core.errors import Again, FaceprepError
from faceprep.stages.classify.batches import Batches, Pool, class_weights, classic, flipped, mixup
from faceprep.stages.classify.networks import build_classifier

_FORWARD_BATCH = 256

#: Default learning rates and weight decays; the paper states neither.
RATES = {"small": 2e-3, "paper": 1e-4}
DECAYS = {"small": 1e-2, "paper": 1e-4}


@dataclass(frozen=True)
class Evaluation:
    """Loss and accuracy on the held-out subjects after a number of updates."""

    update: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Classifier:
    """A trained classifier, with the weights of its best evaluation."""

    classes: tuple[str, ...]  # expressions in the order of the columns
    best_update: int  # updates before the best evaluation; the training always runs to its end
    evaluations: list[Evaluation]  # all evaluations
    _network: nn.Module = field(repr=False)

    def log_probabilities(self, pool: Pool) -> np.ndarray:
        """Return log-probabilities of the unmirrored faces, ``(N, K) float64``."""
        return _log_probabilities(self._network, pool).double().cpu().numpy()


def train_classifier(
    real: Pool,
    held_out: Pool,
    classes: Sequence[str],
    config: ClassifyConfig,
    *,
    arm: str = "flips",
    synthetic: Pool | None = None,
    seed: int = 0,
) -> Classifier:
    """Train on real faces, with or without synthetic ones, and keep the best evaluation.

    `real`: faces of the training subjects, without those of `held_out`.
    `held_out`: faces of training subjects on which the best update is chosen by loss.
    `classes`: expressions in the order of the labels.
    `config`: section ``[classify]``.
    `arm`: ``plain``: no augmentation; ``flips``: random mirroring, as in all following arms;
        ``classic``: similar to RandAugment; ``mixup``; ``reweighting``: equal weight of all
        expressions in the loss.
    `synthetic`: synthetic faces, ``config.synthetic_share`` of every batch.
    `seed`: seed of weights, order and augmentation; the global random state is unchanged.
    Raises `FaceprepError`: the loss became NaN.
    """
    network = build_classifier(config.network, classes, real.images.shape[1], seed)
    network = network.to(real.images.device)
    rate = config.learning_rate or RATES[config.network]
    decay = DECAYS[config.network] if config.weight_decay is None else config.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=config.updates, cycle_momentum=False
    )
    batches = Batches(real, synthetic, config, seed)
    random = torch.Generator().manual_seed(seed)
    weights = class_weights(real.labels, len(classes)) if arm == "reweighting" else None
    evaluations: list[Evaluation] = []
    best: dict[str, Tensor] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # for dropout
        for update in range(1, config.updates + 1):
            network.train()
            loss = _loss(network, *batches.next(), arm, random, config, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if update % config.look_every == 0 or update == config.updates:
                evaluations.append(_evaluate(network, held_out, update))
                if evaluations[-1].loss <= min(one.loss for one in evaluations):
                    best = copy.deepcopy(network.state_dict())
    network.load_state_dict(best)
    best_update = min(evaluations, key=lambda one: (one.loss, -one.update)).update
    network.eval().requires_grad_(False)
    return Classifier(tuple(classes), best_update, evaluations, network)


def _loss(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    arm: str,
    random: torch.Generator,
    config: ClassifyConfig,
    weights: Tensor | None,
) -> Tensor:
    """Return the cross-entropy of a batch after the augmentation of the arm."""
    x = x if arm == "plain" else flipped(x, random)
    if arm == "classic":
        x = classic(x, random, config.classic_strength)
    mixed = mixup(x, random) if arm == "mixup" else None
    x = (x if mixed is None else mixed.x).contiguous(memory_format=torch.channels_last)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=config.bf16):
        scores = network(x)
    options: dict[str, Any] = {"weight": weights, "label_smoothing": config.smoothing}
    scores = scores.float()
    if mixed is None:
        return F.cross_entropy(scores, y, **options)
    own = F.cross_entropy(scores, y, reduction="none", **options)
    others = F.cross_entropy(scores, y[mixed.other], reduction="none", **options)
    return (mixed.weight * own + (1 - mixed.weight) * others).mean()


def _evaluate(network: nn.Module, pool: Pool, update: int) -> Evaluation:
    network.eval()
    scores = _log_probabilities(network, pool)
    loss = float(F.nll_loss(scores, pool.labels))
    if not np.isfinite(loss):
        raise FaceprepError(
            f"the classifier's loss is {loss} after {update} updates",
            Again({"classify.learning_rate": 0.0001}, note="a lower rate"),
        )
    return Evaluation(update, loss, float((scores.argmax(1) == pool.labels).float().mean()))


@torch.no_grad()
def _log_probabilities(network: nn.Module, pool: Pool) -> Tensor:
    """Return log-probabilities ``(N, K) float32``."""
    parts = []
    for start in range(0, len(pool), _FORWARD_BATCH):
        x = pool.batch(torch.arange(start, min(start + _FORWARD_BATCH, len(pool))))
        parts.append(F.log_softmax(network(x).float(), dim=1))
    return torch.cat(parts)
