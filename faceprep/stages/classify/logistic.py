"""Logistic regression on frozen face features φ."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from faceprep.core.errors import UsageError
from faceprep.core.pixels import image_tensor
from faceprep.training.ridge import Features, pooled

#: Candidate inverse strengths of the L2 penalty, chosen on the held-out subjects.
STRENGTHS = (0.003, 0.03, 0.3, 3.0)

# Features are scaled to this squared length, about the number of independent features.
_LENGTH = 100.0

# Lower bound of log-probabilities, for an expression without training faces.
_LEAST_LOG = -20.0

_ITERATIONS = 300
_TOLERANCE = 1e-3
_BATCH = 32


@dataclass(frozen=True)
class DescribedFaces:
    """Face features φ of faces."""

    values: np.ndarray  # ``(N, 2, D)``; features of each face and of its mirror image
    labels: np.ndarray  # ``(N,) int64``; expressions


@dataclass(frozen=True)
class Logistic:
    """Result of `train_logistic`; `strength` was chosen on the held-out subjects."""

    classes: tuple[str, ...]
    strength: float
    _mean: np.ndarray = field(repr=False)
    _scale: float = field(repr=False)
    _model: Any = field(repr=False)

    def log_probabilities(self, faces: DescribedFaces) -> np.ndarray:
        """Return log-probabilities of the unmirrored faces, ``(N, K) float64``."""
        x = (faces.values[:, 0].astype(np.float32) - self._mean) / self._scale
        found = np.full((len(x), len(self.classes)), -np.inf)
        found[:, self._model.classes_] = self._model.predict_log_proba(x)
        return found


def describe(features: Features, images: np.ndarray, device: torch.device | str) -> np.ndarray:
    """Return coarse maps of the last three perceptual layers of φ, ``(N, 2, D) float16``.

    Parameters
    ----------
    images
        ``(N, S, S, 3) uint8`` RGB.
    """
    layers = features.perceptual_layers[-3:]
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            x = image_tensor(images[start : start + _BATCH], device)
            both = [pooled(features.activations(one, layers), layers) for one in (x, x.flip(3))]
            parts.append(torch.stack(both, dim=1).half().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 2, 0), np.float16)


def train_logistic(
    real: DescribedFaces,
    held_out: DescribedFaces,
    classes: Sequence[str],
    *,
    synthetic: DescribedFaces | None = None,
    synthetic_share: float = 0.5,
) -> Logistic:
    """Fit a logistic regression to faces and their mirror images.

    `real`: faces of the training subjects, without those of `held_out`.
    `held_out`: faces of training subjects on which the penalty is chosen by log-loss.
    `classes`: expressions in the order of the labels.
    `synthetic`, `synthetic_share`: further faces, and their share of the loss.
    Raises `UsageError`: the training faces show one expression only.
    """
    from sklearn.linear_model import LogisticRegression

    parts = [real] if synthetic is None else [real, synthetic]
    shares = [1.0] if synthetic is None else [1 - synthetic_share, synthetic_share]
    x = np.concatenate([part.values.reshape(-1, part.values.shape[-1]) for part in parts])
    x = x.astype(np.float32)
    y = np.concatenate([np.repeat(part.labels, 2) for part in parts])
    if len(np.unique(y)) < 2:
        words = "select faces of other expressions, or name them in classify.classes"
        raise UsageError("the training faces show one expression only", words)
    # Weights sum to the number of real faces, so that strengths are comparable between rows.
    weights = [
        np.full(2 * len(part.labels), share * len(real.labels) / max(2 * len(part.labels), 1))
        for part, share in zip(parts, shares, strict=True)
    ]
    mean = x.mean(axis=0)
    x -= mean
    scale = float(np.sqrt((x * x).sum(axis=1).mean()))  # mean squared length 1
    x /= scale
    model = LogisticRegression(max_iter=_ITERATIONS, tol=_TOLERANCE, warm_start=True)
    best: Logistic | None = None
    least = np.inf
    for strength in STRENGTHS:
        model.set_params(C=strength * _LENGTH)
        model.fit(x, y, sample_weight=np.concatenate(weights))
        found = Logistic(tuple(classes), strength, mean, scale, copy.deepcopy(model))
        scores = found.log_probabilities(held_out)[np.arange(len(held_out.labels)), held_out.labels]
        loss = float(-np.maximum(scores, _LEAST_LOG).mean())
        if loss < least:
            best, least = found, loss
    assert best is not None
    return best
