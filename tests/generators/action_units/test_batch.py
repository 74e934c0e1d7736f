"""Requests of a training step."""

import numpy as np
import pytest
import torch
from builders.action_units import measured_crops, network_config

from faceprep.generators.action_units.batch import Batch, batches, labels_of_crops
from faceprep.generators.action_units.recipe import Recipe, Weights
from faceprep.training.crops import Order


def draw(weights: Weights | None = None, step: int = 0, **settings: object) -> Batch:
    crops = measured_crops()
    settings = {"known_limit": 4.0, **settings}
    weights = weights or Weights(label_critic=1)
    recipe = Recipe(weights=weights, batch=8, even_classes=True, **settings)
    order = Order(crops.labels, np.random.default_rng(0), 0)
    noise = torch.Generator().manual_seed(0)
    return batches(crops, order, noise, network_config("ganimation"), recipe)(step)


def test_own_labels_have_the_source_as_result() -> None:
    batch = draw(share_own=1.0)
    assert torch.equal(batch.wanted, batch.own)
    assert torch.equal(batch.result, batch.x)
    assert bool(batch.known.all())


def test_labels_of_a_pair_have_another_face_of_the_person_as_result() -> None:
    batch = draw(share_pair=1.0)
    assert bool(batch.known.all())
    assert bool((batch.wanted != batch.own).any(1).all())
    # A person is a colour, which the corners show.
    corners = [images[:, :, :2, :2].mean((2, 3)) for images in (batch.x, batch.result)]
    assert float((corners[0] - corners[1]).abs().max()) < 0.1


def test_a_face_that_differs_too_much_is_no_known_result() -> None:
    batch = draw(share_pair=0.5, share_own=0.5, known_limit=0.001)
    assert batch.known.tolist() == [1.0] * 4 + [0.0] * 4


def test_steps_that_judge_no_labels_have_known_results_only() -> None:
    weights = Weights(known=1, label_frozen=1)
    settings = {"share_own": 0.25, "share_pair": 0.25, "features_every": 4}
    judged, others = (draw(weights, step, **settings) for step in (4, 5))
    assert int(judged.known.sum()) == 4
    assert bool(others.known.all())
    assert torch.equal(others.wanted[:2], others.own[:2])


def test_single_labels_change_some_and_keep_the_others() -> None:
    batch = draw(share_single=1.0)
    changed = (batch.wanted != batch.own).sum(1)
    assert int(changed.min()) >= 1
    assert float(changed.float().mean()) < 5
    assert not bool(batch.known.any())


@pytest.mark.parametrize("partial", [False, True])
def test_labels_of_others_stay_in_range(partial: bool) -> None:
    batch = draw(noise=0.5, partial=partial)
    assert float(batch.wanted.min()) >= 0
    assert float(batch.wanted.max()) <= 1


def test_labels_are_expressions_if_these_drive_the_networks() -> None:
    crops = measured_crops()
    names = crops.classes
    config = network_config("ganimation", labels=list(names), condition="target")
    assert torch.equal(labels_of_crops(crops, config).argmax(1), crops.labels)
