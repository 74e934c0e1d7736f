"""Pairs of a training step."""

import numpy as np
import torch
from builders.landmarks import faces_with_landmarks

from faceprep.generators.landmark_gan.batch import Batch, batches, pair_request
from faceprep.generators.landmark_gan.geometry import mirrored
from faceprep.generators.landmark_gan.recipe import Recipe, Weights
from faceprep.training.crops import Order


def drawn(**settings: object) -> Batch:
    crops = faces_with_landmarks()
    recipe = Recipe(weights=Weights(), batch=8, even_classes=True, **settings)
    order = Order(crops.labels, np.random.default_rng(0), 0)
    return batches(crops, order, torch.Generator().manual_seed(0), recipe)(0)


def person(images: torch.Tensor) -> torch.Tensor:
    """Return the colour of the corners, which is that of a person."""
    return images[:, :, :2, :2].mean((2, 3))


def test_both_faces_show_one_person() -> None:
    for batch in (drawn(), drawn(share_sequence=1.0)):
        assert float((person(batch.request.x) - person(batch.result)).abs().max()) < 0.1


def test_targets_of_the_sequence_show_another_expression() -> None:
    batch = drawn(share_sequence=1.0)
    moved = (batch.request.target - batch.request.source)[:, :, 1].abs().amin(1)
    assert float(moved.min()) > 0.02


def test_own_targets_are_the_source() -> None:
    batch = drawn(share_own=1.0)
    assert torch.equal(batch.result, batch.request.x)
    assert torch.equal(batch.request.target, batch.request.source)


def test_a_flip_mirrors_images_and_landmarks() -> None:
    crops = faces_with_landmarks()
    sources, targets = torch.tensor([0, 1]), torch.tensor([2, 3])
    plain = pair_request(crops, sources, targets)
    one = pair_request(crops, sources, targets, torch.tensor([True, False]))
    assert torch.equal(one.x[0], plain.x[0].flip(2))
    assert torch.equal(one.x[1], plain.x[1])
    assert torch.equal(one.target[0], mirrored(plain.target)[0])
    assert torch.equal(one.source[1], plain.source[1])
