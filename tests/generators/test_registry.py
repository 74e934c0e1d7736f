import pytest
from builders.exprgan import smallest
from builders.toy_generators import registered

from faceprep.core.errors import UsageError
from faceprep.generators.base import Generator, HasExpressionCode, MakesNewFaces
from faceprep.generators.kinds import KINDS
from faceprep.generators.registry import kinds, kinds_that, spec_of


def test_a_kind_is_built_from_plain_values() -> None:
    spec = spec_of("exprgan")
    model = spec.build(spec.parse(smallest().to_json()), device="meta")
    assert isinstance(model, spec.network)
    assert isinstance(model, Generator)
    assert (model.kind, model.preset in spec.presets) == ("exprgan", True)


def test_an_unknown_kind_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match="stargan") as caught:
        spec_of("stargan")
    assert caught.value.hint == f"one of: {', '.join(sorted(KINDS))}"


def test_a_registered_kind_is_one_of_the_kinds_until_it_is_removed() -> None:
    with registered():
        assert kinds() == (*sorted(KINDS), "toy-aus", "toy-landmarks")
        assert spec_of("toy-aus").driven_by == {"action_units"}
        with pytest.raises(UsageError, match="stargan") as caught:
            spec_of("stargan")
        assert caught.value.hint == f"one of: {', '.join(kinds())}"
    assert kinds() == tuple(sorted(KINDS))
    with pytest.raises(UsageError, match="toy-aus"):
        spec_of("toy-aus")


def test_a_capability_gives_the_kinds_that_have_it() -> None:
    with registered():
        assert kinds_that(MakesNewFaces) == ("exprgan",)
        assert kinds_that(HasExpressionCode) == ("exprgan",)
