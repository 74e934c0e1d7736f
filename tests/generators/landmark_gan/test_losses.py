"""Losses of the generator and of its discriminators."""

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


def test_edges_ignore_a_constant_difference() -> None:
    x = torch.rand(2, 3, 32, 32)
    assert float(edge_loss(x + 0.5, x)) < 1e-10
    ramp = torch.arange(32.0).expand(2, 3, 32, 32)
    assert float(edge_loss(ramp, torch.zeros_like(ramp))) == pytest.approx(1 + 4 + 16)


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
