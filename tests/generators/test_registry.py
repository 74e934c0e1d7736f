import pytest
from builders.exprgan import smallest

from faceprep.core.errors import UsageError
from faceprep.generators import registry
from faceprep.generators.base import Generator, HasExpressionCode, MakesNewFaces
from faceprep.generators.registry import kinds_that, register, spec_of


def test_a_kind_is_built_from_plain_values() -> None:
    spec = spec_of("exprgan")
    model = spec.build(spec.parse(smallest().to_json()), device="meta")
    assert isinstance(model, spec.network)
    assert isinstance(model, Generator)
    assert (model.kind, model.preset in spec.presets) == ("exprgan", True)


def test_an_unknown_kind_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match="stargan") as caught:
        spec_of("stargan")
    assert caught.value.hint == "one of exprgan"


def test_a_capability_gives_the_kinds_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "KINDS", dict(registry.KINDS))
    register("another", "faceprep.generators.exprgan")
    assert kinds_that(MakesNewFaces) == ("another", "exprgan")
    assert kinds_that(HasExpressionCode) == ("another", "exprgan")
