"""Labels of a target."""

import torch
from builders.action_units import network_config

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.action_units.labels import condition_of, requested_labels
from faceprep.generators.base import Target

UNITS = torch.arange(17.0)[None] / 4


def test_action_units_are_a_fifth_in_the_order_of_the_labels() -> None:
    config = network_config("ganimation", labels=["AU12", "AU01"])
    target = Target(action_units=UNITS, source_action_units=UNITS * 0)
    own, wanted = requested_labels(target, config)
    assert own.tolist() == [[0, 0]]
    assert wanted[0, 0] == UNITS[0, INTENSITY_AUS.index("AU12")] / 5
    assert condition_of(own, wanted, config).shape == (1, 4)


def test_expressions_are_scaled_by_the_intensity() -> None:
    config = network_config(
        "ganimation", labels=["anger", "happiness"], classes=("anger", "happiness"),
        condition="target",
    )  # fmt: skip
    target = Target(expression=torch.eye(2), intensity=torch.tensor([1.0, 0.5]))
    assert requested_labels(target, config)[1].tolist() == [[1, 0], [0, 0.5]]
