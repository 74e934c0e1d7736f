"""Resolved settings of a training."""

import pytest
from builders.action_units import KINDS, setup

from faceprep.config import TrainConfig
from faceprep.core.errors import UsageError
from faceprep.generators.registry import spec_of


def resolved(kind: str, **settings: object) -> object:
    config = TrainConfig(generator=kind, **settings)
    return spec_of(kind).setup(config, ("anger", "happiness"), lambda device="cpu": None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_paper_has_the_published_schedule(kind: str) -> None:
    made = resolved(kind, preset="paper")
    epochs, critic_steps = {"ganimation": (30, 5), "defgan": (40, 10)}[kind]
    assert made.phases(1000)[0].steps == epochs * (1000 // 25)
    assert made.recipe.critic_steps == critic_steps


def test_settings_replace_those_of_the_preset() -> None:
    made = resolved(
        "ganimation", preset="paper", size=64, steps=7, weights={"cycle": 3},
        networks={"width": 8}, recipe={"critic_steps": 2},
    )  # fmt: skip
    assert (made.size, made.networks.width, made.recipe.critic_steps) == (64, 8, 2)
    assert (made.recipe.weights.cycle, made.phases(10)[0].steps) == (3, 7)


@pytest.mark.parametrize(
    "wrong", [{"weights": {"cycles": 1}}, {"recipe": {"critics": 1}}, {"networks": {"widths": 1}}]
)
def test_unknown_names_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        resolved("ganimation", preset="paper", **wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_the_memory_grows_with_the_batch(kind: str) -> None:
    assert setup(kind, batch=8).activations() == 2 * setup(kind, batch=4).activations() > 0


def test_expressions_as_labels_need_no_action_units() -> None:
    made = resolved("ganimation", preset="paper", networks={"labels": "expressions"})
    assert made.driven_by == {"expression", "intensity"}
    assert made.networks.labels == ("anger", "happiness")
