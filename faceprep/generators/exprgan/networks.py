"""G_enc, G_dec and D_z of ExprGAN.

At 128 pixels, channels are those of the official code: 64 … 1024 down to 4×4 in G_enc, 512 … 32,
16, 3 in G_dec. Smaller images have fewer levels with the same first channels.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.generators.blocks.layers import (
    LEAK,
    BatchNorm,
    BoundedCode,
    FilmNorm,
    SameConv2d,
    append_maps,
    initialise,
    upsample,
)
from faceprep.generators.exprgan.config import ExprGANConfig

#: Side of the smallest feature maps.
SEED = 4

#: Fewest channels of a decoder layer (the paper has at least 64 / 4), and of a layer with norm.
_FEWEST, _FEWEST_NORMED = 8, 24

#: Length of the condition of a `FilmNorm`.
_CONDITION = 128

#: σ of the official decoder's convolutions.
_DECODER_STD = 0.02

#: Fully connected layers of D_z (ExprGAN, implementation details).
_LATENT_LAYERS = (64, 32, 16)


class Encoder(nn.Module):
    """G_enc: 5×5 convolutions of stride 2 with ReLU down to 4×4, one fully connected layer."""

    def __init__(self, config: ExprGANConfig) -> None:
        super().__init__()
        channels = [3] + [config.width * 2**level for level in range(config.depth)]
        self.convs = nn.ModuleList(
            SameConv2d(before, after, 5, stride=2) for before, after in pairwise(channels)
        )
        self.fc = nn.Linear(channels[-1] * SEED * SEED, config.identity)
        tanh = config.encoder_tanh
        self.code: nn.Module = (
            BoundedCode(config.identity, norm=config.code_norm) if tanh else nn.Identity()
        )
        for layer in (*self.convs, self.fc):
            initialise(layer, config.initialisation)

    def forward(self, x: Tensor) -> Tensor:
        """Return identities ``(B, G) float32`` in [-1, 1] of images ``(B, 3, S, S)`` in [-1, 1]."""
        for conv in self.convs:
            x = F.relu(conv(x))
        return self.code(self.fc(x.flatten(1))).float()


class Decoder(nn.Module):
    """G_dec: a fully connected layer, then nearest-neighbour upsamplings and 3×3 convolutions.

    Attributes
    ----------
    channels
        Channels of each map returned by `features`.
    """

    def __init__(self, config: ExprGANConfig) -> None:
        super().__init__()
        self.repeats = config.repeats
        self.everywhere = config.code_everywhere
        self.maps = config.code_injection == "maps" and self.everywhere
        normed = config.code_injection == "film" and self.everywhere
        fewest = _FEWEST_NORMED if normed else _FEWEST
        seed = config.width * 2 ** (config.depth - 1)
        first = config.identity + config.repeats * config.code
        self.fc = nn.Linear(first, seed * SEED * SEED)
        halves = [seed // 2**level for level in range(1, config.depth + 2)]
        self.channels = [seed, *(max(count, fewest) for count in halves)]
        extra = config.code if self.maps else 0
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs + extra, outputs, 3, padding=1, bias=False)
            for inputs, outputs in pairwise([*self.channels, 3])
        )
        biased = config.code_injection == "bias" and self.everywhere
        self.biases = nn.ModuleList(
            nn.Linear(config.code, outputs) for outputs in (self.channels[1:] if biased else [])
        )
        known = config.identity + config.code
        self.condition = nn.Linear(known, _CONDITION) if normed else None
        self.norms = nn.ModuleList(
            FilmNorm(outputs, _CONDITION) for outputs in (self.channels[1:] if normed else [])
        )
        initialise(self.fc, config.initialisation)
        if self.condition is not None:
            initialise(self.condition, config.initialisation)
        for conv in self.convs:
            initialise(conv, config.initialisation, _DECODER_STD)
        for bias in self.biases:
            initialise(bias, config.initialisation)

    def features(self, g: Tensor, c: Tensor) -> list[Tensor]:
        """Return feature maps ``(B, channels_l, h, h)`` at sides 4, 8, … S, S."""
        h = self.fc(torch.cat([g, c.repeat(1, self.repeats)], dim=1))
        h = F.relu(h).unflatten(1, (self.channels[0], SEED, SEED))
        levels = [h]
        known = None
        if self.condition is not None:
            known = F.silu(self.condition(torch.cat([g, c], dim=1)))
        for index, conv in enumerate(self.convs[:-1]):
            h = append_maps(h, c) if self.maps else h
            h = upsample(h) if index < len(self.convs) - 2 else h
            h = conv(h)
            if self.biases:
                h = h + self.biases[index](c)[:, :, None, None]
            h = F.relu(h) if known is None else F.silu(self.norms[index](h, known))
            levels.append(h)
        return levels

    def image(self, features: Tensor, c: Tensor) -> Tensor:
        """Return images ``(B, 3, S, S) float32`` in [-1, 1] from the last features."""
        h = append_maps(features, c) if self.maps else features
        return torch.tanh(self.convs[-1](h).float())

    def forward(self, g: Tensor, c: Tensor) -> Tensor:
        """Return images of identities ``(B, G)`` and codes ``(B, K·d)``."""
        return self.image(self.features(g, c)[-1], c)


class LatentDiscriminator(nn.Module):
    """D_z: discriminate identities from the prior U(-1, 1); fully connected 64, 32, 16, 1."""

    def __init__(self, config: ExprGANConfig) -> None:
        super().__init__()
        sizes = (config.identity, *_LATENT_LAYERS)
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        batch = config.d_norm == "batch"
        self.norms = nn.ModuleList(
            BatchNorm(size, scale=config.bn_scale, track=config.bn_track)
            if batch
            else nn.Identity()
            for size in _LATENT_LAYERS
        )
        self.logit = nn.Linear(_LATENT_LAYERS[-1], 1)
        self.slope = LEAK if config.d_leaky else 0.0
        for layer in (*self.layers, self.logit):
            initialise(layer, config.initialisation)

    def forward(self, g: Tensor) -> Tensor:
        """Return logits ``(B,)`` of identities ``(B, G)``, positive for the prior."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            g = F.leaky_relu(norm(layer(g)), self.slope)
        return self.logit(g)[:, 0]
