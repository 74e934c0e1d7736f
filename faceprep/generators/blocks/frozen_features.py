"""Frozen face features φ of a training, with the heads on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from faceprep.training.ridge import Features, LinearHead

#: Name of the layer with the embedding of the face.
EMBEDDING = "embedding"

#: Face features by image (``real``, ``fake``, ``own`` reconstruction, ``new``, ``pair``) and layer.
FeatureMaps = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class FrozenFeatures:
    """Frozen feature extractor and its auxiliary heads."""

    features: Features  # the frozen network
    head: LinearHead | None = None  # frozen linear map of its features; None if its weight is 0
    projected: tuple[str, ...] = ()  # layers read by the projected discriminator

    @property
    def compared(self) -> tuple[str, ...]:
        """Layers in which reconstructions are compared."""
        return tuple(self.features.perceptual_layers)

    def maps(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Return activations by name, without repeated layers."""
        return self.features.activations(x, tuple(dict.fromkeys(layers)))
