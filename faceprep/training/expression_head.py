"""A frozen expression classifier on face features: ridge regression on the training faces.

It supervises edits without being influenced by the generator. It is fitted once, before the
training, on plain and augmented faces (`diffaugment`); its temperature is chosen on left-out
subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.training.crops import Crops
from faceprep.training.ridge import (
    Features,
    LinearHead,
    choose_penalty,
    evenly,
    feature_rows,
    ridge,
    subject_folds,
)

#: Largest numbers of faces for the fit and for the choice of its settings.
MOST_FACES, MOST_CHOSEN = 4000, 1500

_TEMPERATURES = tuple(float(t) for t in np.geomspace(0.02, 2, 25))


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


@torch.no_grad()
def fit_expression_head(
    features: Features, crops: Crops, layers: Sequence[str], seed: int, augmented: bool
) -> tuple[LinearHead, Fit]:
    """Fit the classifier on training faces.

    Parameters
    ----------
    seed
        Seed of the choice of faces and of the augmentation.
    augmented
        Add faces augmented as for the discriminators.
    """
    random = np.random.default_rng(seed)
    chosen = evenly(crops.labels.cpu().numpy(), MOST_FACES // (4 if augmented else 2), random)
    x, rows = feature_rows(features, crops, layers, chosen, seed, augmented)
    labels = crops.labels.cpu().numpy()[rows]
    groups = subject_folds(crops, rows)
    y = F.one_hot(torch.from_numpy(labels), len(crops.classes)).double()
    few = np.sort(random.permutation(len(rows))[:MOST_CHOSEN])
    penalty, logits = choose_penalty(x[few], y[few], groups[few], _equal_classes)
    fold_labels = torch.from_numpy(labels[few])
    temperature = min(_TEMPERATURES, key=lambda t: float(F.cross_entropy(logits / t, fold_labels)))
    weight, bias = ridge(x, y, penalty, _equal_classes)
    right = logits.argmax(1) == fold_labels
    shares = [float(right[fold_labels == k].double().mean()) for k in fold_labels.unique()]
    device = crops.images.device
    head = LinearHead(
        layers, (weight / temperature).float().to(device), (bias / temperature).float().to(device)
    )
    fit = Fit(float(right.double().mean()), float(np.mean(shares)), penalty, temperature, len(rows))
    return head, fit


def _equal_classes(y: Tensor) -> Tensor:
    """Return weights of one-hot rows ``(R, K)`` with which all classes count equally."""
    return (y / y.sum(0).clamp_min(1)).sum(1)
