"""The inputs of one training step: pairs of faces of one person, and all random numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from faceprep.generators.landmark_gan.geometry import mirrored
from faceprep.generators.landmark_gan.networks import Request
from faceprep.generators.landmark_gan.recipe import Recipe
from faceprep.training.crops import Crops, ExpressionPairs, Order
from faceprep.training.diffaugment import ALL, Draw, draw


@dataclass(frozen=True)
class Batch:
    """Pairs of a step, and random numbers."""

    request: Request  # sources, landmarks and labels of the true targets
    result: Tensor  # ``(B, 3, S, S)`` true targets
    numbers: Draw | None  # random numbers of the augmentation; None without augmentation


def batches(
    crops: Crops, order: Order, noise: torch.Generator, recipe: Recipe
) -> Callable[[int], Batch]:
    """Return a function that draws the batch of a step; see `Recipe.share_sequence`."""
    classes = len(crops.classes)
    pairs = ExpressionPairs(crops)
    size = recipe.batch
    own = round(size * recipe.share_own)
    ends = own, own + round(size * recipe.share_sequence)
    place = torch.arange(size)

    def next_batch(step: int) -> Batch:
        indices, flips = order.even(size) if recipe.even_classes else order.epoch(size, step, 0)
        wanted = torch.randint(classes, (size,), generator=noise)
        found, _ = pairs.people.take(indices, wanted, order.random)
        near, same = pairs.in_sequence(indices, order.random)
        found = torch.where(same & (place < ends[1]), near, found)
        found = torch.where(place < ends[0], indices, found)
        numbers = draw(size, ALL, noise, crops.images.device) if recipe.augment else None
        return Batch(pair_request(crops, indices, found, flips), crops.batch(found, flips), numbers)

    return next_batch


def pair_request(
    crops: Crops, sources: Tensor, targets: Tensor, flips: Tensor | None = None
) -> Request:
    """Return the request that turns faces into others, by their indices, mirrored if `flips`."""
    assert crops.landmarks is not None
    device = crops.images.device
    own, wanted = (crops.landmarks[chosen.to(device)] for chosen in (sources, targets))
    if flips is not None:
        flipped = flips.to(device)[:, None, None]
        own, wanted = (torch.where(flipped, mirrored(one), one) for one in (own, wanted))
    return Request(crops.batch(sources, flips), own, wanted, crops.one_hot(targets))
