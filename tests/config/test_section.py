"""Values that sections read from text."""

import pytest

from faceprep.config.sources import parse_assignment, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("select.limit=none", None),
        ("select.limit=NULL", None),
        ("train.features=none", None),
        ("augment.filter=none", "none"),  # a choice of that name
        ("select.naming=none", "none"),
    ],
)
def test_none_is_no_value_where_a_setting_may_have_none(text: str, value: str | None) -> None:
    key, given = parse_assignment(text)
    config = resolve(flags={key: (given, "--set")}, environment={}).config
    section, name = key.split(".")
    assert getattr(getattr(config, section), name) == value
