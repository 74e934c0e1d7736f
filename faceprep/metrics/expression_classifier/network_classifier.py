"""A small convolutional network on gray pixels, trained from random weights.

It is independent of the classifier on landmarks and HOG, with lower accuracy for a few hundred
training faces; agreement of both is stronger evidence.
"""

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import TrainedClassifier

#: Training steps of `_BATCH` faces each.
STEPS = 600

_SIDE = 48
_WIDTHS = (16, 32, 64, 64)
_BATCH = 64
_RATE = 2e-3
_SHIFT = 0.06  # of the side, in training
_SMOOTHING = 0.1
_AT_ONCE = 256


class NetworkClassifier(TrainedClassifier):
    """Convolutional network on the CPU. The global random state is unchanged."""

    name: ClassVar[str] = "network"

    @classmethod
    def _fit_model(
        cls, faces: LabelledFaces, labels: np.ndarray, classes: int, seed: int
    ) -> nn.Module:
        x, y = _gray(faces.images), torch.tensor(labels)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = _network(classes)
            optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-2)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=STEPS)
            for _ in range(STEPS):
                chosen = torch.randint(len(x), (_BATCH,))
                scores = network(_augment(x[chosen]))
                loss = F.cross_entropy(scores, y[chosen], label_smoothing=_SMOOTHING)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        return network.eval().requires_grad_(False)

    @torch.no_grad()
    def _scores(self, faces: AlignedFaces) -> np.ndarray:
        parts = []
        for start in range(0, len(faces), _AT_ONCE):
            x = _gray(faces.images[start : start + _AT_ONCE])
            both = [F.log_softmax(self.model(image), dim=1) for image in (x, x.flip(3))]
            parts.append(torch.stack(both).mean(0).double().numpy())
        return np.concatenate(parts)


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
    """Return gray crops ``(N, 1, 48, 48)``, each with mean 0 and deviation 1."""
    x = torch.from_numpy(np.ascontiguousarray(images)).float().mean(dim=3)[:, None]
    x = F.interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", antialias=True)
    return (x - x.mean(dim=(2, 3), keepdim=True)) / (x.std(dim=(2, 3), keepdim=True) + 1.0)


def _augment(x: Tensor) -> Tensor:
    """Mirror half of the faces; shift, rotate and scale each slightly."""
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
