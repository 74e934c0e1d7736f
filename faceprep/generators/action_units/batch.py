"""The inputs of one training step: faces, requested labels and all random numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.action_units.labels import MOST, columns_of
from faceprep.generators.action_units.pairs import Pairs
from faceprep.generators.action_units.recipe import Recipe
from faceprep.training.crops import Crops, Order
from faceprep.training.diffaugment import WITHOUT_CUTOUT, Draw, draw
from faceprep.training.variation import draw_variation, vary

#: Quantile of a label over the training faces up to which single labels are drawn.
_HIGHEST = 0.99

#: Smallest end of that range, so that a rare label is learned at all.
_SMALLEST_RANGE = 0.4

#: Mean number of labels that are changed in a request of single labels.
_CHANGED = 2.0


@dataclass(frozen=True)
class Batch:
    """Faces and random numbers of a step: B faces, L labels."""

    x: Tensor  # ``(B, 3, S, S)`` faces
    #: ``(B, L)`` labels of the faces, and requested labels, in [0, 1].
    own: Tensor
    wanted: Tensor
    #: ``(B, 3, S, S)`` known results, and ``(B,)`` 1 where there is one, else 0.
    result: Tensor
    known: Tensor
    compared: int  # number of first faces of which a result may be known
    mix: Tensor  # ``(B,)`` shares of the real image for the gradient penalty
    numbers: Draw | None  # random numbers of the augmentation; None without augmentation


def labels_of_crops(crops: Crops, config: ActionUnitConfig) -> Tensor:
    """Return the labels of training faces, ``(N, L)`` in [0, 1]."""
    if config.by_expression:
        return crops.one_hot(torch.arange(len(crops)))
    assert crops.action_units is not None
    return crops.action_units[:, columns_of(config)] / MOST


def batches(
    crops: Crops, order: Order, noise: torch.Generator, config: ActionUnitConfig, recipe: Recipe
) -> Callable[[int], Batch]:
    """Return a function that draws the batch of a step.

    Requests are assigned by the place in the batch, in the order of the shares: the face's own
    labels; the labels of another face of the person (`Pairs`); own labels of which some are changed
    at random; labels of another training face, which are also used without another face of the
    person.
    """
    device, size = crops.images.device, recipe.batch
    labels = labels_of_crops(crops, config)
    pairs = Pairs(crops)
    highest = torch.quantile(labels, _HIGHEST, dim=0).clamp_min(_SMALLEST_RANGE)
    shares = _shares(recipe)

    def next_batch(step: int) -> Batch:
        indices, flips = order.even(size) if recipe.even_classes else order.epoch(size, step, 0)
        own = labels[indices]
        own_rows, pair_rows, single_rows = shares[recipe.reads_labels(step)]
        partners, found = pairs.take(indices, order.random, noise)
        found &= pair_rows
        others = torch.randint(len(crops), (size,), generator=noise)
        wanted = _towards(own, labels[others], noise, recipe)
        single = _single(own, highest, noise)
        wanted = torch.where(single_rows.to(device)[:, None], single, wanted)
        wanted = torch.where(found.to(device)[:, None], labels[partners], wanted)
        wanted = torch.where(own_rows.to(device)[:, None], own, wanted)
        shown = torch.where(found, partners, indices)
        result, close = pairs.results(indices, shown, flips, recipe.known_limit)
        x = crops.batch(indices, flips)
        if recipe.vary:
            variation = draw_variation(size, noise)
            x, result = vary(x, variation), vary(result, variation)
        numbers = draw(size, WITHOUT_CUTOUT, noise, device)
        return Batch(
            x=x,
            own=own,
            wanted=wanted,
            result=result,
            known=((found | own_rows).to(device) & close).float(),
            compared=int((own_rows | pair_rows).sum()),
            mix=torch.rand(size, generator=noise).to(device),
            numbers=numbers if recipe.augment else None,
        )

    return next_batch


def _shares(recipe: Recipe) -> dict[bool, list[Tensor]]:
    """Return the rows ``(B,)`` of the first three requests, by whether others are judged."""
    place = torch.arange(recipe.batch)
    own, pair, single = recipe.share_own, recipe.share_pair, recipe.share_single
    rows = {}
    for judged, parts in ((True, (own, pair, single)), (False, (own, 1 - own, 0.0))):
        ends = [round(recipe.batch * sum(parts[: n + 1])) for n in range(len(parts))]
        starts = [0, *ends[:-1]]
        rows[judged] = [(a <= place) & (place < b) for a, b in zip(starts, ends, strict=True)]
    return rows


def _towards(own: Tensor, other: Tensor, noise: torch.Generator, recipe: Recipe) -> Tensor:
    """Return the labels of other faces with noise, or labels on the way to them."""
    added = (torch.rand(own.shape, generator=noise) * 2 - 1).to(own.device) * recipe.noise
    part = torch.rand(len(own), 1, generator=noise).to(own.device)
    wanted = other + added
    return (torch.lerp(own, wanted, part) if recipe.partial else wanted).clamp(0, 1)


def _single(own: Tensor, highest: Tensor, noise: torch.Generator) -> Tensor:
    """Return labels of which about two are redrawn, uniformly up to the highest that occurs."""
    count = own.shape[1]
    drawn = torch.rand(own.shape, generator=noise).to(own.device) * highest
    chance = torch.rand(own.shape, generator=noise)
    changed = chance < min(_CHANGED / count, 1)
    changed[torch.arange(len(own)), chance.argmin(1)] = True
    return torch.where(changed.to(own.device), drawn, own)
