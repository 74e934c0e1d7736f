"""The interface: crops in, an embedding or the activations of layers out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

EMBEDDING = "embedding"
"""Name of the embedding among the layers that `FaceFeatures.activations` may be asked for."""


class Layer(NamedTuple):
    """One set of activations: its channels, and its step in pixels of the network's own input."""

    channels: int
    stride: int


class Step(NamedTuple):
    """A part of a network, which are run one after the other."""

    name: str
    module: nn.Module
    layer: Layer


@dataclass(frozen=True, slots=True)
class Source:
    """Where features come from, for reports and provenance.

    Attributes
    ----------
    name : str
        Of the network: ``dlib-resnet``, ``vgg-face``, ``vgg-16`` or ``vgg-19``.
    file : str
        Name of the weight file, without its folder.
    sha256 : str
        Of the weight file.
    """

    name: str
    file: str
    sha256: str


class FaceFeatures(nn.Module):
    """A frozen network over aligned crops.

    Its weights are buffers, not parameters, and not part of its state: no optimiser can move them,
    no checkpoint of a model that holds one carries them.

    Crops are ``(B, 3, H, W)`` floating point RGB in [-1, 1]. Under autocast the network runs in the
    lower precision; resizing, normalising and the embedding stay in float32.

    Parameters
    ----------
    source : Source
        Where the weights come from.
    prepare : nn.Module
        Crops → the network's own input.
    steps : sequence of Step
        The network up to its embedding.
    head : nn.Module
        The last step's activations → ``(B, D)``.
    embedding_size : int
        D.
    input_size : int or None
        Side of the network's own input, pixels; None where it is the crop's.
    perceptual_layers : iterable of str
        What a perceptual loss compares unless told otherwise.
    settings : mapping
        What else decides the values, for provenance.
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
        """Embedding ``(B, D)`` of crops, float32 (float64 for float64 crops).

        Raises
        ------
        ValueError
            When the crops are not ``(B, 3, H, W)`` floating point.
        """
        return self.activations(x, (EMBEDDING,))[EMBEDDING]

    def activations(self, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Activations ``(B, C, h, w)`` of layers; the network is run no further than needed.

        Parameters
        ----------
        x : Tensor
            Crops.
        layers : iterable of str, optional
            Names out of `layers`, or `EMBEDDING`. Default: `perceptual_layers`.

        Raises
        ------
        ValueError
            When there is no such layer, or the crops are not ``(B, 3, H, W)`` floating point.
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
        """What the network itself sees, ``(B, 3, h, w)`` in its own range and precision.

        Raises
        ------
        ValueError
            When the crops are not ``(B, 3, H, W)`` floating point.
        """
        if x.dim() != 4 or x.shape[1] != 3 or not x.is_floating_point():
            raise ValueError(
                "expected crops (B, 3, H, W), floating point in [-1, 1],"
                f" got {tuple(x.shape)} {x.dtype}"
            )
        return self._prepare(x).to(next(self._steps.buffers()).dtype)

    def forward(self, x: Tensor) -> Tensor:
        """The same as `embed`."""
        return self.embed(x)

    def train(self, mode: bool = True) -> "FaceFeatures":
        """Do nothing: these networks only ever evaluate."""
        return super().train(False)

    def provenance(self) -> dict[str, Any]:
        """What a report or a checkpoint says about these features."""
        return {
            "name": self.source.name,
            "file": self.source.file,
            "sha256": self.source.sha256,
            "input_size": self.input_size,
            **self._settings,
        }


class Convolution(nn.Module):
    """A convolution whose weights are fixed; channels last, which is faster everywhere.

    Parameters
    ----------
    weight : Tensor
        ``(out, in, h, w)``.
    bias : Tensor
        ``(out,)``.
    stride, padding : int
        In both directions.
    """

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
        """``(B, in, H, W)`` → ``(B, out, h, w)``."""
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class Mean(nn.Module):
    """Mean over the picture, ``(B, C, H, W)`` → ``(B, C)``, in float32 at least."""

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        return full_precision(x).mean((2, 3))


class Projection(nn.Module):
    """Mean over the picture, then a fixed linear map: ``(B, C, H, W)`` → ``(B, D)`` in float32.

    Parameters
    ----------
    weight : Tensor
        ``(D, C)``.
    """

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Average and project; autocast would round the embedding."""
        with torch.autocast(x.device.type, enabled=False):
            mean = full_precision(x).mean((2, 3))
            return functional.linear(mean, self.weight.to(mean.dtype))


def full_precision(x: Tensor) -> Tensor:
    """The same in float32, or float64 where it is."""
    return x if x.dtype == torch.float64 else x.float()
