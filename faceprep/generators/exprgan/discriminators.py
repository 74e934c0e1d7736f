"""D_img and Q of ExprGAN: a shared trunk with heads for logit, expression code and class."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.blocks.layers import (
    LEAK,
    BatchNorm,
    SameConv2d,
    append_maps,
    initialise,
    with_spectral_norm,
)
from faceprep.generators.exprgan.config import ExprGANConfig

#: Number of halvings of D_img's trunk at any size; channels double at each.
_LEVELS = 4

#: Q's shared layer, and the first layer of each of its branches.
_Q_SHARED, _Q_BRANCH = 128, 64


class ImageOutput(NamedTuple):
    """Output of D_img and Q on one batch."""

    logit: Tensor  # ``(B,)``, positive for real images that match the label
    code: Tensor  # ``(B, K·d)`` in [-1, 1], the output of Q, float32
    classes: Tensor | None  # ``(B, K)`` logits of the shown expression; None without a class head
    features: Tensor  # ``(B, 128)`` of Q's shared layer (or D's own layer), for feature matching


class _Full(nn.Module):
    """Fully connected layer, norm, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, norm: nn.Module) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.fc(x)), LEAK)


class ImageDiscriminator(nn.Module):
    """D_img(x, y) and Q(x, y).

    With `q_sees_label`, the label is appended as K constant maps before the first and after every
    convolution, and to the input of the fully connected layer. Otherwise it enters only the logit
    of D_img, by projection (Miyato & Koyama 2018).
    """

    def __init__(self, config: ExprGANConfig) -> None:
        super().__init__()
        self.sees_label = config.q_sees_label
        self.slope = LEAK if config.d_leaky else 0.0
        labels = len(config.classes)
        extra = labels if self.sees_label else 0
        channels = [3] + [config.d_width * 2**level for level in range(_LEVELS)]
        self.convs = nn.ModuleList(
            SameConv2d(before + extra, after, 5, stride=2) for before, after in pairwise(channels)
        )
        self.norms = nn.ModuleList(_norm(config, count) for count in channels[1:])
        cells = (config.size // 2**_LEVELS) ** 2
        self.fc = nn.Linear((channels[-1] + extra) * cells, config.d_features)
        self.fc_norm = _norm(config, config.d_features)
        features = config.d_features + extra
        self.logit = nn.Linear(features, 1)
        self.match = None if self.sees_label else nn.Linear(labels, features, bias=False)
        shared = _Q_SHARED if config.q_shared_layer else features
        self.q_shared = (
            _Full(features, shared, _norm(config, shared)) if config.q_shared_layer else None
        )
        self.q_hidden = nn.ModuleList(
            _Full(shared, _Q_BRANCH, _norm(config, _Q_BRANCH)) for _ in range(labels)
        )
        self.q_codes = nn.ModuleList(nn.Linear(_Q_BRANCH, config.elements) for _ in range(labels))
        self.class_head = nn.Linear(features, labels) if config.class_head else None
        self._start(config)

    def _start(self, config: ExprGANConfig) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                initialise(layer, config.initialisation)
        # D's own layers only: Q and the class head need no Lipschitz bound.
        spectral = config.d_norm == "spectral"
        for layer in (*self.convs, self.fc, self.logit):
            with_spectral_norm(layer, spectral)
        if self.match is not None:
            with_spectral_norm(self.match, spectral)

    def forward(self, x: Tensor, y: Tensor) -> ImageOutput:
        """Discriminate images ``(B, 3, S, S)`` with labels ``(B, K)``."""
        h = append_maps(x, y) if self.sees_label else x
        for conv, norm in zip(self.convs, self.norms, strict=True):
            h = F.leaky_relu(norm(conv(h)), self.slope)
            h = append_maps(h, y) if self.sees_label else h
        h = F.leaky_relu(self.fc_norm(self.fc(h.flatten(1))), LEAK)
        h = torch.cat([h, y.to(h.dtype)], dim=1) if self.sees_label else h
        logit = self.logit(h)[:, 0]
        if self.match is not None:
            logit = logit + (self.match(y) * h).sum(1)
        shared = self.q_shared(h) if self.q_shared is not None else h
        codes = [
            code(hidden(shared)) for hidden, code in zip(self.q_hidden, self.q_codes, strict=True)
        ]
        return ImageOutput(
            logit,
            torch.tanh(torch.cat(codes, dim=1).float()),
            self.class_head(h) if self.class_head is not None else None,
            shared,
        )


def _norm(config: ExprGANConfig, features: int) -> nn.Module:
    if config.d_norm == "spectral":
        return nn.Identity()
    return BatchNorm(features, scale=config.bn_scale, track=config.bn_track)
