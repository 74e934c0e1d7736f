"""Registry of the kinds of generators, and of what each can do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from torch import nn

from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import choice_hint
from faceprep.generators.base import Generator, build_network
from faceprep.generators.kinds import KINDS
from faceprep.training.trainer import SetupFactory


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Specification of a kind of generator."""

    kind: str  # name in `KINDS`
    #: Class of the networks, a `Generator`; further protocols that it implements are capabilities.
    network: type[nn.Module]
    presets: tuple[str, ...]  # names of the presets
    driven_by: frozenset[str]  # fields of `faceprep.generators.base.Target` that it reads
    #: Function: plain values of a file → configuration; raises UsageError for invalid values.
    parse: Callable[[Mapping[str, Any]], Any]
    setup: SetupFactory  # function that resolves the settings of a training
    #: ``attach(network, extra)`` restores the kind's data in the ``extra`` of its file.
    attach: Callable[[Any, Mapping[str, Any]], None] = lambda network, extra: None
    #: Title of a panel of ``losses.png`` → columns of the history in it.
    panels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Presets that leave neutral out of the classes unless ``train.neutral`` is set.
    without_neutral: frozenset[str] = frozenset()

    def build(self, config: Any, device: str = "cpu", seed: int | None = None) -> nn.Module:
        """Build networks with fresh weights, see `base.build_network`."""
        return build_network(self.network, config, device, seed)


#: Registered and imported specifications by kind.
_SPECS: dict[str, Spec] = {}


def register(spec: Spec) -> None:
    """Add a kind that is not in `KINDS`, or replace one."""
    _SPECS[spec.kind] = spec


def unregister(kind: str) -> None:
    """Remove a kind added by `register`."""
    _SPECS.pop(kind, None)


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds, sorted."""
    return tuple(sorted({*KINDS, *_SPECS}))


def spec_of(kind: str) -> Spec:
    """Return the specification of a kind.

    Raises
    ------
    UsageError
        There is no such kind.
    """
    if kind not in _SPECS:
        if kind not in KINDS:
            hint = choice_hint("train.generator", kind, kinds())
            raise UsageError(f"no generator is called '{kind}'", hint)
        _SPECS[kind] = import_module(KINDS[kind]).SPEC
    return _SPECS[kind]


def kinds_that(capability: type) -> tuple[str, ...]:
    """Return the kinds that implement a protocol, e.g. `base.MakesNewFaces`, sorted."""
    public = [name for name in dir(capability) if not name.startswith("_")]
    names = [name for name in public if callable(getattr(capability, name))]
    return tuple(
        kind for kind in kinds() if all(hasattr(spec_of(kind).network, name) for name in names)
    )


def kinds_driven_by(name: str) -> tuple[str, ...]:
    """Return the kinds that read a field of `base.Target`, e.g. ``action_units``, sorted."""
    return tuple(kind for kind in kinds() if name in spec_of(kind).driven_by)


def require(generator: Generator, capability: Any, what: str) -> Any:
    """Return the generator if it implements a protocol.

    Parameters
    ----------
    capability
        `faceprep.generators.base.MakesNewFaces` or `HasExpressionCode`.
    what
        Verb phrase for the message, e.g. ``read expression codes``.

    Raises
    ------
    UsageError
        It does not; the hint lists the kinds that implement it.
    """
    if not isinstance(generator, capability):
        raise refusal(generator.kind, kinds_that(capability), what)
    return generator


def require_kind(kind: str, capability: Any, what: str) -> None:
    """Check a kind without building its networks; parameters and errors as for `require`."""
    if kind not in kinds_that(capability):
        raise refusal(kind, kinds_that(capability), what)


def refusal(kind: str, able: Iterable[str], what: str) -> UsageError:
    """Return the error for a kind that cannot do something, with the kinds that are able to.

    `what` is a verb phrase, as for `require`.
    """
    names = ", ".join(sorted(able)) or "none"
    return UsageError(
        f"the generator is of kind {kind}, which cannot {what}", f"kinds that can: {names}"
    )
