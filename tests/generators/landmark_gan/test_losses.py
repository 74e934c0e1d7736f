"""Losses of the generator and of its discriminators."""

from dataclasses import replace

import pytest
import torch
from builders.landmarks import networks, request
from builders.training import ToyFeatures

from faceprep.generators.base import Edited
from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.landmark_gan.batch import Batch
from faceprep.generators.landmark_gan.losses import LandmarkLosses, edge_loss
from faceprep.generators.landmark_gan.recipe import Recipe, Weights
from faceprep.training.diffaugment import ALL, draw


def losses(phi: bool = False, **weights: float) -> LandmarkLosses:
    features = FrozenFeatures(ToyFeatures()) if phi else None
    recipe = Recipe(weights=Weights(**weights), feature_layers=1, share_features=0.5)
    return LandmarkLosses(networks("paper"), recipe, features)


def batch(numbers: bool = False) -> Batch:
    asked = request()
    return Batch(asked, asked.x.flip(0), draw(2, ALL) if numbers else None)


def test_a_result_that_is_reached_costs_nothing() -> None:
    given, made = batch(), losses(phi=True, pixel=1, squared=1, edges=1, perceptual=1)
    reached = made.generator(Edited(given.result), given)
    copied = made.generator(Edited(given.request.x), given)
    assert set(reached) == {"pixel", "squared", "edges", "perceptual"}
    assert max(float(value) for value in reached.values()) == 0
    assert min(float(value) for value in copied.values()) > 0


def test_the_embedding_is_compared_with_the_source() -> None:
    given, made = batch(), losses(phi=True, embedding=1, embedding_margin=0)
    assert float(made.generator(Edited(given.request.x), given)["embedding"]) < 1e-5
    assert float(made.generator(Edited(given.result), given)["embedding"]) > 1e-4


def test_pixels_near_the_landmarks_count_more() -> None:
    given, made = batch(), losses(squared=1)
    made.recipe = replace(made.recipe, focus=9)
    middle = torch.full((2, 68, 2), 0.5)
    given = replace(given, request=given.request._replace(target=middle))
    errors = []
    for row in (16, 0):
        image = given.result.clone()
        image[:, :, row, 16] += 1
        errors.append(float(made.generator(Edited(image), given)["squared"]))
    assert errors[0] == pytest.approx(9 * errors[1], rel=0.05)


def test_edges_ignore_a_constant_difference() -> None:
    assert float(edge_loss(torch.full((2, 3, 32, 32), 0.5))) == 0
    ramp = torch.arange(32.0).expand(2, 3, 32, 32)
    assert float(edge_loss(ramp)) == pytest.approx(1 + 4 + 16)


@pytest.mark.parametrize("numbers", [False, True])
def test_discriminators_learn_without_the_generator(numbers: bool) -> None:
    made, given = losses(adversarial=1), batch(numbers)
    image = given.request.x.clone().requires_grad_()
    terms = made.discriminators(image, given)
    assert set(terms) == {"d_image", "d_geometry"}
    torch.stack([*terms.values()]).sum().backward()
    assert image.grad is None
    assert made.model.d_image.convs[0].weight.grad is not None
    assert float(made.penalty(given)) >= 0
    assert set(made.generator(Edited(image), given)) == {"adversarial"}
