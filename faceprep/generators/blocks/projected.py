"""A discriminator on the feature maps of a frozen network (projected GAN, Sauer et al. 2021).

Each level of the feature maps has its own small head behind a fixed random projection of the
channels.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.layers import LEAK, with_spectral_norm
from faceprep.training.crops import Crops


class ProjectedOutput(NamedTuple):
    """Output of the discriminator on one batch."""

    logits: tuple[Tensor, ...]  # one ``(B, 1, h_l, w_l)`` per level, positive for real
    classes: Tensor  # ``(B, K)`` logits of the shown expression


class _Level(nn.Module):
    """Random projection, two convolutions, a logit at every position."""

    projection: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("deviation", torch.ones(channels, 1, 1))
        # Fixed: a trained projection would concentrate on few features.
        self.register_buffer("projection", torch.empty(width, channels, 1, 1))
        if not self.projection.is_meta:
            nn.init.normal_(self.projection, std=channels**-0.5)
        self.convs = nn.ModuleList(
            with_spectral_norm(nn.Conv2d(width, width, 3, padding=1), True) for _ in range(2)
        )
        self.logit = with_spectral_norm(nn.Conv2d(width, 1, 1), True)
        self.label = with_spectral_norm(nn.Linear(classes, width, bias=False), True)

    def forward(self, features: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        h = F.conv2d((scaled(features) - self.mean) / self.deviation, self.projection)
        for conv in self.convs:
            h = F.leaky_relu(conv(h), LEAK)
        match = (h * self.label(y)[:, :, None, None]).sum(1, keepdim=True)
        return self.logit(h) + match, h.mean(dim=(2, 3))

    @torch.no_grad()
    def calibrate(self, features: Tensor) -> None:
        known = scaled(features)
        self.mean.copy_(known.mean(dim=(0, 2, 3))[:, None, None])
        deviation = known.std(dim=(0, 2, 3))[:, None, None]
        # A channel that is constant on real faces must not dominate on generated ones.
        self.deviation.copy_(deviation.clamp_min(0.1 * float(deviation.mean()) + 1e-6))


def scaled(features: Tensor) -> Tensor:
    """Divide every face's maps ``(B, C, h, w)`` by their root mean square, in float32.

    Layers of a frozen network differ in scale by orders of magnitude.
    """
    features = features.float()
    return features / features.square().mean(dim=(1, 2, 3), keepdim=True).add(1e-8).sqrt()


#: Number of faces that standardise the channels.
_STANDARDISED = 128


class ProjectedDiscriminator(nn.Module):
    """Discriminate real from generated faces, and classify the expression, by feature maps.

    Parameters
    ----------
    channels
        Channels of every level, in the order of the maps.
    width
        Channels of the heads.
    """

    def __init__(self, channels: Sequence[int], classes: int, width: int = 64) -> None:
        super().__init__()
        self.levels = nn.ModuleList(_Level(count, classes, width) for count in channels)
        self.classes = nn.Linear(width * len(channels), classes)

    def calibrate(self, features: Sequence[Tensor]) -> None:
        """Standardise every channel with its statistics on real faces, before the first step.

        After a ReLU, a channel consists mostly of its mean, which is similar for all faces and
        would dominate a random projection. A few hundred faces suffice.
        """
        for level, maps in zip(self.levels, features, strict=True):
            cast(_Level, level).calibrate(maps)

    def forward(self, features: Sequence[Tensor], y: Tensor) -> ProjectedOutput:
        """Discriminate feature maps.

        Parameters
        ----------
        features
            ``(B, C_l, h_l, w_l)`` per level, of images that went through `training.diffaugment`.
        y
            ``(B, K)`` one-hot labels of the images.
        """
        answers = [
            level(maps, y.float()) for level, maps in zip(self.levels, features, strict=True)
        ]
        pooled = torch.cat([summary for _, summary in answers], dim=1)
        return ProjectedOutput(tuple(logit for logit, _ in answers), self.classes(pooled))


@torch.no_grad()
def standardise(
    discriminator: ProjectedDiscriminator | None, phi: FrozenFeatures | None, crops: Crops
) -> None:
    """Standardise the channels on training faces, if there is a projected discriminator."""
    if discriminator is None or phi is None or not phi.projected:
        return
    maps = phi.maps(crops.batch(crops.spaced(_STANDARDISED)), phi.projected)
    discriminator.calibrate([maps[name] for name in phi.projected])
