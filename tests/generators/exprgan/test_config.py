import json
from typing import Any

import pytest
from builders.exprgan import SIX
from hypothesis import given
from hypothesis import strategies as st

from faceprep.core.errors import UsageError
from faceprep.generators.exprgan import PRESETS, ExprGANConfig, build, paper


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", [32, 64, 128])
def test_presets_survive_json(preset: str, size: int) -> None:
    config = PRESETS[preset](SIX, size, projected_channels=(32, 64))
    assert config.preset == preset
    assert ExprGANConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", 100),
        ("size", "128"),
        ("size", True),
        ("preset", "cheap"),
        ("preset", ["paper"]),
        ("classes", []),
        ("classes", ["one"]),
        ("classes", ["a", "a"]),
        ("classes", ["a", "../../b"]),
        ("classes", ["a", 3]),
        ("width", 10**9),
        ("width", 64.0),
        ("width", -1),
        ("max_flow", float("nan")),
        ("q_sees_label", 1),
        ("projected_channels", [0]),
        ("projected_channels", [1] * 17),
        ("code_repeats", 0),
        ("colour", "red"),
    ],
)
def test_values_from_a_stranger_are_refused(key: str, value: Any) -> None:
    values = {**paper(SIX).to_json(), key: value}
    with pytest.raises(UsageError):
        ExprGANConfig.from_json(values)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(paper(SIX).to_json())), _json)
def test_any_value_is_refused_or_gives_networks(key: str, value: Any) -> None:
    try:
        config = ExprGANConfig.from_json({**paper(SIX).to_json(), key: value})
    except UsageError:
        return
    assert isinstance(config, ExprGANConfig)
    assert build(config, device="meta").size == config.size


def test_repeats_and_depth_of_the_official_code() -> None:
    assert paper(SIX).repeats == 8
    assert paper(SIX).depth == 5
    assert paper(SIX, code_repeats=1).repeats == 1
    assert paper(("a", "b"), 32).depth == 3
