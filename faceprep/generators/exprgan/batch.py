"""The inputs of one training step: faces and all random numbers of the step."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.generators.exprgan import codes
from faceprep.generators.exprgan.config import ExprGANConfig
from faceprep.generators.exprgan.phase import PhaseRecipe
from faceprep.training.crops import Crops, Order, SamePersonPairs
from faceprep.training.diffaugment import WITHOUT_CUTOUT, Draw, draw

#: Strength above which an edit is compared with the same person's peak face.
_PEAK = 0.7


@dataclass(frozen=True)
class Batch:
    """Faces and random numbers of a step: B faces, K classes, d elements, identity length G."""

    #: Faces ``(B, 3, S, S)`` and their labels ``(B, K)``.
    x: Tensor
    y: Tensor
    #: ``(B, K)`` another label of each face, used as target of its edit and as wrong label.
    other: Tensor
    #: ``(B, d)`` magnitudes of the codes of the own and of the other label.
    own: Tensor
    edit: Tensor
    strength: Tensor  # ``(B,)`` strength of the edit, in [0, 1]
    #: ``(B, G)`` identities from the prior, for D_z and for new faces.
    prior: Tensor
    noise: Tensor
    numbers: Draw | None  # random numbers of the augmentation; None without augmentation
    #: ``(B, 3, S, S)`` faces of the same people with the label `other`, and weights ``(B,)`` in [0,
    #: 1], 0 for missing faces and weak edits. None if no loss needs them.
    pair: Tensor | None = None
    paired: Tensor | None = None


def batches(
    crops: Crops, order: Order, noise: torch.Generator, config: ExprGANConfig
) -> Callable[[PhaseRecipe, int, int], Batch]:
    """Return a function that draws a batch for a phase, its number, and the step in it.

    Every step draws the same amount from `noise` in every phase.
    """
    device = crops.images.device
    partners = SamePersonPairs(crops.subjects, crops.labels, len(config.classes))
    has_pairs = bool(partners)

    def next_batch(phase: PhaseRecipe, number: int, step: int) -> Batch:
        if phase.even_classes:
            indices, flips = order.even(phase.batch)
        else:
            indices, flips = order.epoch(phase.batch, step, number)
        size, d = phase.batch, config.elements
        y = crops.one_hot(indices)
        shift = torch.randint(1, len(config.classes), (size,), generator=noise).to(device)
        own = codes.uniform_noise(size, d, noise, device)
        alike = codes.edit_magnitudes(size, d, noise, device)[0]
        edit, strength = codes.edit_magnitudes(size, d, noise, device)
        numbers = draw(size, WITHOUT_CUTOUT, noise, device)
        wanted = (y.argmax(1) + shift) % y.shape[1]
        pair, paired = None, None
        if phase.weights.compares_pairs and has_pairs:
            faces, known = partners.take(indices, wanted, order.random)
            pair = crops.batch(faces, flips)
            paired = known.to(device) * ((strength - _PEAK) / (1 - _PEAK)).clamp(0, 1)
        return Batch(
            x=crops.batch(indices, flips),
            y=y,
            other=F.one_hot(wanted, y.shape[1]).to(y.dtype),
            # Equal distribution of strengths, so that a strong code does not imply the own label.
            own=alike if phase.name == "joint" else own,
            edit=edit,
            strength=strength,
            prior=codes.uniform_noise(size, config.identity, noise, device),
            noise=codes.uniform_noise(size, config.identity, noise, device),
            numbers=numbers if phase.augment else None,
            pair=pair,
            paired=paired,
        )

    return next_batch
