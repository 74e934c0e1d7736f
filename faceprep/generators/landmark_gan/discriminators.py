"""PatchGAN discriminators of pairs of images (Table 3 of the paper)."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.blocks.layers import LEAK
from faceprep.generators.landmark_gan.config import LandmarkConfig
from faceprep.generators.landmark_gan.layers import initialised, norm_of

#: Strides of the convolutions of 4×4. Every logit sees 70×70 pixels.
_STRIDES = (2, 2, 2, 1, 1)


class PatchDiscriminator(nn.Module):
    """Judge whether a pair, appended by channels, has a real image.

    `inputs`: channels of the pair: source and target image, or target image and its heatmaps.
    """

    def __init__(self, config: LandmarkConfig, inputs: int) -> None:
        super().__init__()
        width = config.d_width
        counts = [inputs, width, 2 * width, 4 * width, 8 * width, 1]
        last = len(_STRIDES) - 1
        self.convs = nn.ModuleList(
            initialised(nn.Conv2d(*shape, 4, stride=stride, padding=1, bias=n in (0, last)))
            for n, (shape, stride) in enumerate(zip(pairwise(counts), _STRIDES, strict=True))
        )
        self.norms = nn.ModuleList(norm_of(config, count) for count in counts[2:-1])
        self.output_norm = nn.BatchNorm2d(1) if config.d_output_norm else nn.Identity()

    def forward(self, pair: Tensor) -> Tensor:
        """Return logits, ``(B, 1, 14, 14)`` at 128 pixels, larger for real images."""
        h = F.leaky_relu(self.convs[0](pair), LEAK)
        for conv, norm in zip(list(self.convs)[1:-1], self.norms, strict=True):
            h = F.leaky_relu(norm(conv(h)), LEAK)
        return self.output_norm(self.convs[-1](h))
