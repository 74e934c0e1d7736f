"""The forward pass of a training step: networks, generated images, and face features."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe, Weights
from faceprep.generators.exprgan.source_path import EditParts
from faceprep.training.diffaugment import augment

#: Weights of the losses that compare face features.
ON_FEATURES = (
    "identity",
    "embedding",
    "embedding_edit",
    "adversarial_projected",
    "class_frozen",
    "class_projected",
    "paired_identity",
)


@dataclass(frozen=True)
class Images:
    """Images of one step."""

    #: Generated images for the discriminators, their requested expressions and codes.
    fake: Tensor
    label: Tensor
    code: Tensor
    #: Reconstruction with the own label, through the source path and from the identity alone; None
    #: in a phase whose identities are noise. With a path, `reconstruction` has only the first half
    #: of the faces, because it is learned fast and is as expensive as an edit.
    reconstruction: Tensor | None = None
    bottleneck: Tensor | None = None
    identity: Tensor | None = None  # identities of the faces; None if they are noise
    parts: EditParts | None = None  # parts of the edit; None without a path or an edit
    #: Faces of new identities, with `label` and `code`; None if no loss needs them.
    new: Tensor | None = None


class GeneratorNetworks:
    """Encoder, decoder and path of a generator, optionally compiled.

    Attributes
    ----------
    encode
        Function: images → identities.
    """

    def __init__(self, model: ExprGAN, compiled: bool = False) -> None:
        self.model = model
        self.encode: Callable[[Tensor], Tensor] = model.encoder
        self._features: Callable[[Tensor, Tensor], list[Tensor]] = model.decoder.features
        self._path: Callable[..., EditParts] | None = model.path
        if compiled:
            self.encode = torch.compile(model.encoder, dynamic=False)
            self._features = torch.compile(model.decoder.features, dynamic=False)
            self._path = torch.compile(model.path, dynamic=False) if model.path else None

    @property
    def has_path(self) -> bool:
        """Whether edits are made from the source's pixels."""
        return self._path is not None

    def face(self, g: Tensor, code: Tensor) -> Tensor:
        """Decode faces from identities alone."""
        return self.model.decoder.image(self._features(g, code)[-1], code)

    def both(self, x: Tensor, g: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruct through the source path (the first `half`), and from the identity alone.

        Without a path, both are reconstructed from the identity alone.
        """
        known = self._features(g, code)
        alone = self.model.decoder.image(known[-1], code)
        if self._path is None:
            return alone, alone
        n = half(len(x))
        return self._path(x[:n], g[:n], code[:n], [level[:n] for level in known]).image, alone

    def edit(self, x: Tensor, g: Tensor, code: Tensor) -> tuple[Tensor, EditParts | None]:
        """Return edited faces, and their parts if there is a path."""
        if self._path is None:
            return self.face(g, code), None
        parts = self._path(x, g, code, self._features(g, code))
        return parts.image, parts


def half(faces: int) -> int:
    """Return half of a batch, at least one face."""
    return max(faces // 2, 1)


def augmented(x: Tensor, batch: Batch) -> Tensor:
    """Augment images for the discriminators, with shared random numbers in a step."""
    return x if batch.numbers is None else augment(x, batch.numbers)


def augmented_for_image(x: Tensor, batch: Batch, phase: PhaseRecipe) -> Tensor:
    """Augment images for D_img with Q, if the phase does."""
    return augmented(x, batch) if phase.augment_image else x


def projects(model: ExprGAN, phase: PhaseRecipe, phi: FrozenFeatures | None) -> bool:
    """Return whether the projected discriminator is used."""
    joint = phase.name == "joint" and "d_projected" in phase.judges
    return joint and model.d_projected is not None and phi is not None and bool(phi.projected)


def needs_features(weights: Weights) -> bool:
    """Return whether any loss compares face features."""
    return any(getattr(weights, name) for name in ON_FEATURES)
