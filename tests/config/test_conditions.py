"""Conditions of settings name settings, and their changes fulfil them."""

import pytest

from faceprep.config import Config
from faceprep.config.conditions import CONDITIONS, Condition
from faceprep.config.sources import known_keys, resolve


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.keys[0])
def test_conditions_name_settings(condition: Condition) -> None:
    known = known_keys()
    for key in condition.keys:
        assert any(name == key or name.startswith(f"{key}.") for name in known), key


@pytest.mark.parametrize(
    "condition", [one for one in CONDITIONS if one.change], ids=lambda one: one.keys[0]
)
def test_changes_fulfil_the_condition(condition: Condition) -> None:
    flags = {key: (value, "--set") for key, value in condition.change.items() if value is not None}
    flags.setdefault("select.dataset", ("celeba", "--dataset"))
    if condition.change.get("augment.mode") == "other":
        flags["augment.sources"] = ("others", "--set")
    config: Config = resolve(flags=flags, environment={}).config
    assert condition.holds(config)
