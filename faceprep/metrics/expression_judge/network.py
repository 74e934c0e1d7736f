"""A second expression judge that shares nothing with the first: a small convolutional network.

It sees gray pixels only and starts from random weights. With a few hundred faces it reads less well
than landmarks and HOG; where both agree, an edit has fooled two different readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.metrics.expression_judge.face_set import FaceSet, LabelledFaces
from faceprep.metrics.expression_judge.judge import normalised, refuse_missing

_SIDE = 48
_WIDTHS = (16, 32, 64, 64)
_BATCH = 64
_STEPS = 600
_RATE = 2e-3
_SHIFT = 0.06  # of the side, in training
_SMOOTHING = 0.1
_AT_ONCE = 256


@dataclass(frozen=True)
class NetworkJudge:
    """`train_network_judge`'s result.

    Attributes
    ----------
    classes, subjects
        What it tells apart, and whom it was trained on.
    """

    classes: tuple[str, ...]
    subjects: frozenset[str]
    _network: nn.Module = field(repr=False)
    _prior: np.ndarray = field(repr=False)
    name: str = "network"

    def log_probabilities(self, faces: FaceSet) -> np.ndarray:
        """Return ``(N, K)`` log-probabilities, every expression equally likely beforehand."""
        found = [np.zeros((0, len(self.classes)))]
        with torch.no_grad():
            for start in range(0, len(faces), _AT_ONCE):
                x = _gray(faces.images[start : start + _AT_ONCE])
                scores = [F.log_softmax(self._network(one), dim=1) for one in (x, x.flip(3))]
                found.append(torch.stack(scores).mean(0).double().numpy())
        return normalised(np.concatenate(found) - np.log(self._prior))


def train_network_judge(
    faces: LabelledFaces, classes: Sequence[str], *, steps: int = _STEPS, seed: int = 0
) -> NetworkJudge:
    """Fit the judge on real faces, on the CPU.

    Parameters
    ----------
    faces
        Of the training subjects; those of other expressions are left out.
    classes
        Expressions to tell apart.
    steps
        Of 64 faces each.
    seed
        Of weights and order; the global random state stays as it was.

    Raises
    ------
    UsageError
        There are fewer than two expressions, or one of them has no face.
    """
    known = tuple(dict.fromkeys(classes))
    faces = faces.take(np.isin(faces.expressions, known))
    refuse_missing(faces, known)
    labels = torch.tensor([known.index(name) for name in faces.expressions])
    x = _gray(faces.images)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(len(known))
        optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
        for _ in range(steps):
            chosen = torch.randint(len(x), (_BATCH,))
            scores = network(_varied(x[chosen]))
            loss = F.cross_entropy(scores, labels[chosen], label_smoothing=_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    prior = np.bincount(labels.numpy(), minlength=len(known)) / len(labels)
    subjects = frozenset(faces.subjects.tolist())
    return NetworkJudge(known, subjects, network.eval().requires_grad_(False), prior)


def _network(classes: int) -> nn.Module:
    layers: list[nn.Module] = []
    channels = 1
    for width in _WIDTHS:
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = width
    side = _SIDE >> len(_WIDTHS)
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels * side * side, classes)
    )


def _gray(images: np.ndarray) -> Tensor:
    """``(N, 1, 48, 48)`` gray crops, each with mean 0 and deviation 1."""
    x = torch.from_numpy(np.ascontiguousarray(images)).float().mean(dim=3)[:, None]
    x = F.interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", antialias=True)
    return (x - x.mean(dim=(2, 3), keepdim=True)) / (x.std(dim=(2, 3), keepdim=True) + 1.0)


def _varied(x: Tensor) -> Tensor:
    """Mirrored or not, moved, turned and scaled a little."""
    count = len(x)
    side = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    angle, scale = 0.1 * torch.randn(count), torch.exp(0.06 * torch.randn(count))
    shift = 2 * _SHIFT * (2 * torch.rand(count, 2) - 1)
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = [
        torch.stack([side * cosine, -sine, shift[:, 0]], dim=1),
        torch.stack([side * sine, cosine, shift[:, 1]], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
