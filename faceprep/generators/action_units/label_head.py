"""A frozen linear map from face features to the labels: ridge regression on training faces.

It supervises edits without being influenced by the generator. Every label counts by how well it is
read from faces of left-out subjects, so that edits do not chase what the features do not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from faceprep.training.crops import Crops
from faceprep.training.expression_head import MOST_CHOSEN, MOST_FACES
from faceprep.training.ridge import (
    Features,
    LinearHead,
    choose_penalty,
    evenly,
    feature_rows,
    ridge,
    subject_folds,
)


@dataclass(frozen=True)
class LabelFit:
    """Accuracy of the labels read from left-out training subjects.

    `explained`: share of the variance of every label, at most 1; `penalty`: chosen ridge penalty.
    """

    explained: dict[str, float]
    penalty: float
    faces: int  # number of rows of the fit, with mirrored and augmented copies

    @property
    def mean(self) -> float:
        """Mean share of the variance."""
        return float(np.mean(list(self.explained.values())))


@torch.no_grad()
def fit_label_head(
    features: Features,
    crops: Crops,
    labels: Tensor,
    names: Sequence[str],
    layers: Sequence[str],
    seed: int,
    augmented: bool,
) -> tuple[LinearHead, Tensor, LabelFit]:
    """Fit the map on training faces.

    Parameters
    ----------
    labels, names
        ``(N, L)`` labels of the faces in [0, 1], and their names.
    layers
        Layers of the face features that are read.
    seed, augmented
        Seed of the choice of faces; whether to add faces augmented as for the discriminators.

    Returns
    -------
    The map, weights of the labels ``(L,)`` of mean 1, and the fit.
    """
    random = np.random.default_rng(seed)
    chosen = evenly(crops.labels.cpu().numpy(), MOST_FACES // (4 if augmented else 2), random)
    x, rows = feature_rows(features, crops, layers, chosen, seed, augmented)
    y = labels.double().cpu()[torch.from_numpy(rows)]
    few = np.sort(random.permutation(len(rows))[:MOST_CHOSEN])
    penalty, predicted = choose_penalty(x[few], y[few], subject_folds(crops, rows)[few], _equal)
    weight, bias = ridge(x, y, penalty, _equal)
    explained = _explained(predicted, y[few])
    trusted = explained.clamp(0, 1)
    trusted = trusted / trusted.mean() if bool(trusted.any()) else torch.ones_like(trusted)
    device = crops.images.device
    head = LinearHead(layers, weight.float().to(device), bias.float().to(device))
    shares = dict(zip(names, explained.tolist(), strict=True))
    return head, trusted.float().to(device), LabelFit(shares, penalty, len(rows))


def _equal(y: Tensor) -> Tensor:
    return torch.ones(len(y), dtype=y.dtype)


def _explained(predicted: Tensor, y: Tensor) -> Tensor:
    """Return 1 − squared error / variance of every label; 0 for a constant label."""
    error = (predicted - y).square().mean(0)
    variance = (y - y.mean(0)).square().mean(0)
    return torch.where(variance > 1e-8, 1 - error / variance.clamp_min(1e-8), 0.0)
