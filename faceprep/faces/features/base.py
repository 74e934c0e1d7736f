"""Define the interface of face features: embeddings and activations of crops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

EMBEDDING = "embedding"
"""Name of the embedding among the layers of `FaceFeatures.activations`."""


class Layer(NamedTuple):
    """Describe activations: number of channels, and stride in pixels of the network input."""

    channels: int
    stride: int


class Step(NamedTuple):
    """Hold one of the successive parts of a network."""

    name: str
    module: nn.Module
    layer: Layer


@dataclass(frozen=True, slots=True)
class Source:
    """Identify the weights of a network, for reports and provenance."""

    name: str  # name of the network: ``dlib-resnet``, ``vgg-face``, ``vgg-16`` or ``vgg-19``
    file: str  # name of the weight file without its folder
    sha256: str  # SHA-256 of the weight file


class FaceFeatures(nn.Module):
    """Apply a frozen network to aligned crops.

    The weights are non-persistent buffers: optimizers do not change them and checkpoints do not
    contain them.

    Crops are ``(B, 3, H, W)`` floating point RGB in [-1, 1]; `prepare` converts them to the input
    of the network, of side `input_size` in pixels, or None if it equals the crop. The last of the
    `steps` gives the activations that `head` converts to the embedding ``(B, D)``. Under autocast
    the network runs in the lower precision; resizing, normalization and the embedding remain in
    float32. `perceptual_layers` are the default layers of a perceptual loss; `settings` are others
    that affect the values, for provenance.
    """

    def __init__(
        self,
        source: Source,
        prepare: nn.Module,
        steps: Sequence[Step],
        head: nn.Module,
        *,
        embedding_size: int,
        input_size: int | None,
        perceptual_layers: Iterable[str],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.name = source.name
        self.sha256 = source.sha256
        self.layers: dict[str, Layer] = {step.name: step.layer for step in steps}
        self.embedding_size = embedding_size
        self.input_size = input_size
        self.perceptual_layers = tuple(perceptual_layers)
        self._settings = dict(settings or {})
        self._prepare = prepare
        self._steps = nn.ModuleDict({step.name: step.module for step in steps})
        self._head = head
        self.eval()

    def embed(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, D)`` of crops, float32 (float64 for float64 crops)."""
        return self.activations(x, (EMBEDDING,))[EMBEDDING]

    def activations(self, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return activations ``(B, C, h, w)`` of layers; later layers are not evaluated.

        The names are from `layers`, or `EMBEDDING`; by default `perceptual_layers`.

        Raises
        ------
        ValueError
            If there is no such layer, or the crops are not ``(B, 3, H, W)`` floating point.
        """
        wanted = self.perceptual_layers if layers is None else tuple(layers)
        for name in wanted:
            if name not in self.layers and name != EMBEDDING:
                raise ValueError(f"{self.name} has no layer {name!r}; known: {[*self.layers]}")
        found: dict[str, Tensor] = {}
        image = self.prepare(x)
        for name, step in self._steps.items():
            if all(layer in found for layer in wanted):
                break
            image = step(image)
            if name in wanted:
                found[name] = image
        if EMBEDDING in wanted:
            found[EMBEDDING] = self._head(image)
        return {name: found[name] for name in wanted}

    def prepare(self, x: Tensor) -> Tensor:
        """Return the network input ``(B, 3, h, w)`` in its range and precision.

        Raises ValueError if the crops are not ``(B, 3, H, W)`` floating point.
        """
        if x.dim() != 4 or x.shape[1] != 3 or not x.is_floating_point():
            raise ValueError(
                "expected crops (B, 3, H, W), floating point in [-1, 1],"
                f" got {tuple(x.shape)} {x.dtype}"
            )
        return self._prepare(x).to(next(self._steps.buffers()).dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding, as `embed` does."""
        return self.embed(x)

    def train(self, mode: bool = True) -> "FaceFeatures":
        """Keep evaluation mode."""
        return super().train(False)

    def provenance(self) -> dict[str, Any]:
        """Return a description for reports and checkpoints."""
        return {
            "name": self.source.name,
            "file": self.source.file,
            "sha256": self.source.sha256,
            "input_size": self.input_size,
            **self._settings,
        }


class Convolution(nn.Module):
    """Apply fixed filters ``(out, in, h, w)`` and biases ``(out,)``, channels-last for speed."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        weight = weight.contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias.contiguous(), persistent=False)
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Convert ``(B, in, H, W)`` to ``(B, out, h, w)``."""
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class Mean(nn.Module):
    """Average over pixels, ``(B, C, H, W)`` → ``(B, C)``, in float32 or float64."""

    def forward(self, x: Tensor) -> Tensor:
        """Average over pixels."""
        return full_precision(x).mean((2, 3))


class Projection(nn.Module):
    """Average over pixels, then apply a fixed map ``(D, C)``: ``(B, C, H, W)`` → ``(B, D)``."""

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Average and project without autocast, which would round the embedding."""
        with torch.autocast(x.device.type, enabled=False):
            mean = full_precision(x).mean((2, 3))
            return functional.linear(mean, self.weight.to(mean.dtype))


def full_precision(x: Tensor) -> Tensor:
    """Convert to float32, unless the tensor is float64."""
    return x if x.dtype == torch.float64 else x.float()
