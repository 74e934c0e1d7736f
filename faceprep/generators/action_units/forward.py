"""The generated images of a training step, and their face features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from faceprep.generators.action_units.batch import Batch
from faceprep.generators.action_units.recipe import Recipe
from faceprep.generators.base import Edited
from faceprep.generators.blocks.frozen_features import EMBEDDING, FeatureMaps, FrozenFeatures
from faceprep.training.diffaugment import augment

#: Function: images, own and requested labels, whether to paint → edits.
EditImages = Callable[[Tensor, Tensor, Tensor, bool], Edited]


@dataclass(frozen=True)
class Images:
    """Edits of a step, and of the first faces edited back (None without a loss that needs them)."""

    edit: Edited
    back: Edited | None = None

    @property
    def passes(self) -> list[Edited]:
        """Edits forth and, if there are any, back."""
        return [self.edit] if self.back is None else [self.edit, self.back]


def make_images(
    edit: EditImages, batch: Batch, recipe: Recipe, paint: bool, train_generator: bool
) -> Images:
    """Edit the faces of a batch, and edit some of them back if a loss needs it."""
    with torch.set_grad_enabled(train_generator):
        forth = edit(batch.x, batch.own, batch.wanted, paint)
    if not (train_generator and (recipe.weights.cycle or recipe.weights.flow_cycle)):
        return Images(forth)
    n = max(round(len(batch.x) * recipe.share_cycle), 1)
    return Images(forth, edit(forth.images[:n], batch.wanted[:n], batch.own[:n], paint))


def feature_maps(
    images: Images, batch: Batch, recipe: Recipe, phi: FrozenFeatures | None
) -> FeatureMaps:
    """Return face features of real faces, edits, known results and deformed images."""
    weights = recipe.weights
    maps: dict[str, Mapping[str, Tensor]] = {}
    if phi is None:
        return maps
    head = phi.head.layers if phi.head is not None else ()
    compared = phi.compared if weights.known_features and batch.compared else ()
    identity = [EMBEDDING] if weights.embedding or weights.cosine_deformed else []
    with torch.no_grad():
        real = [*phi.projected, *identity]
        maps["real"] = phi.maps(augmented(batch.x, batch), real) if real else {}
        if compared:
            result = augmented(batch.result, batch)[: batch.compared]
            maps["result"] = phi.maps(result, compared)
    with torch.set_grad_enabled(images.edit.images.requires_grad):
        edited = augmented(images.edit.images, batch)
        maps["fake"] = phi.maps(edited, [*phi.projected, *head, *compared, *identity])
        if "deformed" in images.edit.parts and (weights.label_deformed or weights.cosine_deformed):
            deformed = augmented(images.edit.parts["deformed"], batch)
            maps["deformed"] = phi.maps(deformed, [*head, EMBEDDING])
    return maps


def augmented(x: Tensor, batch: Batch) -> Tensor:
    """Augment images, with random numbers that all images of a step share."""
    return x if batch.numbers is None else augment(x, batch.numbers)
