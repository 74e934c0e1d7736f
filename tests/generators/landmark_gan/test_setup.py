"""Resolved settings of a training."""

import pytest

from faceprep.config import TrainConfig
from faceprep.core.errors import UsageError
from faceprep.generators.registry import spec_of


def resolved(**settings: object) -> object:
    config = TrainConfig(generator="landmark-gan", **settings)
    return spec_of("landmark-gan").setup(config, ("anger", "happiness"), lambda device="cpu": None)


def test_the_paper_has_the_published_weights() -> None:
    made = resolved(preset="paper")
    weights = made.recipe.weights
    assert (weights.adversarial, weights.perceptual, weights.pixel) == (5, 10, 10)
    assert (made.recipe.batch, made.recipe.learning_rate) == (16, 2e-4)
    assert made.needs_features
    assert not resolved(preset="tiny").needs_features


def test_settings_replace_those_of_the_preset() -> None:
    made = resolved(
        preset="paper", size=64, steps=7, weights={"pixel": 3},
        networks={"initialize": False, "label": False}, recipe={"decay": 0.1},
    )  # fmt: skip
    assert (made.size, made.networks.initialize, made.networks.label) == (64, False, False)
    assert (made.recipe.weights.pixel, made.recipe.decay, made.phases(10)[0].steps) == (3, 0.1, 7)
    assert made.driven_by == {"landmarks"}


@pytest.mark.parametrize(
    "wrong", [{"weights": {"pixels": 1}}, {"recipe": {"decays": 1}}, {"networks": {"widths": 1}}]
)
def test_unknown_names_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        resolved(preset="paper", **wrong)


def test_the_memory_grows_with_the_batch_and_the_discriminators() -> None:
    one, two = (resolved(preset="tiny", batch=batch).activations() for batch in (8, 16))
    assert two == 2 * one > 0
    assert resolved(preset="tiny", batch=8, weights={"adversarial": 1}).activations() > one
