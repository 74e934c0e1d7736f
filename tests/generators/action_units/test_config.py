"""Settings of the networks."""

import pytest
from builders.action_units import network_config

from faceprep.core.errors import UsageError
from faceprep.generators.action_units.config import ActionUnitConfig, resolve


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 10**6},
        {"labels": ["AU99"]},
        {"labels": []},
        {"condition": "source"},
        {"blocks": 1.5},
        {"colour": 3},
        {"unheard_of": 1},
    ],
)
def test_bad_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        network_config("ganimation", **wrong)


def test_expressions_as_labels_are_conditioned_on_the_target_alone() -> None:
    classes = ("anger", "happiness")
    given = {"preset": "tiny", "size": 32, "condition": "both"}
    config = resolve(ActionUnitConfig, given, classes, {"labels": "expressions"})
    assert config.by_expression
    assert config.condition == "target"
    with pytest.raises(UsageError, match="expression of a source"):
        resolve(ActionUnitConfig, given, classes, {"labels": "expressions", "condition": "both"})
