"""Networks that tell expressions apart: ExprGAN's G_enc with one more layer, and a small one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.layers import channels_last

#: Side that a network sees where nothing else is said, pixels.
SIZES = {"small": 64, "paper": 128}

#: Channels of the small network; each layer halves the side.
_WIDTHS = (24, 48, 96, 128)
_CELLS = 4
_DROPOUT = 0.3

# Added to the contrast of an image before it is divided by it; images are in [-1, 1].
_LEAST_CONTRAST = 0.01


def build_classifier(name: str, classes: Sequence[str], size: int, seed: int) -> nn.Module:
    """Make a classifier of images ``(B, 3, S, S)`` in [-1, 1]; its output are logits ``(B, K)``.

    Parameters
    ----------
    name
        ``paper``: G_enc with a fully connected layer of K outputs (ExprGAN, section "Data
        augmentation"), 18.2 million weights at 128 pixels. ``small``: four 3×3 convolutions of
        stride 2 with BatchNorm, for a CPU.
    classes
        Expressions in the order of the outputs.
    size
        Side S.
    seed
        Of the weights; the global random state stays as it was.

    Raises
    ------
    UsageError
        There is no such network, or not for that size.
    """
    if name not in SIZES:
        raise UsageError(f"no network is called {name!r}", f"one of: {', '.join(SIZES)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _paper(classes, size) if name == "paper" else SmallNetwork(len(classes), size)
    return channels_last(network)


def _paper(classes: Sequence[str], size: int) -> nn.Module:
    from faceprep.generators.exprgan import PRESETS
    from faceprep.generators.exprgan.networks import Encoder

    config = PRESETS["paper"](tuple(classes), size=size)
    return nn.Sequential(Encoder(config), nn.Linear(config.identity, len(classes)))


class SmallNetwork(nn.Module):
    """Convolutions 3×3 of stride 2 with BatchNorm and ReLU, 4×4 cells, one linear layer.

    Every image gets mean 0 and deviation 1 first: how light a photograph is says nothing here.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(_CELLS)
        self.dropout = nn.Dropout(_DROPOUT)
        self.linear = nn.Linear(channels * _CELLS**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, 3, S, S)`` → logits ``(B, K)``."""
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + _LEAST_CONTRAST)
        return self.linear(self.dropout(self.pool(self.features(x)).flatten(1)))
