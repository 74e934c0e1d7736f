"""The kinds of generators: one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import nn

from faceprep.core.errors import UsageError
from faceprep.training.trainer import SetupFactory

#: Package of every kind, imported on demand; it exports ``SPEC``, a `Spec`.
KINDS: dict[str, str] = {"exprgan": "faceprep.generators.exprgan"}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What the rest of the package needs to know about a kind.

    Attributes
    ----------
    kind
        Its name in `KINDS`.
    network
        Class of its networks, a `Generator`; its further protocols are its capabilities.
    presets
        Names of its presets.
    driven_by
        Names of the fields of `faceprep.generators.base.Target` that it reads.
    parse
        Plain values of a file → configuration; raises UsageError for values that are not allowed.
    build
        ``build(config, device, seed)`` → networks with fresh weights; device ``meta`` gives names
        and shapes without memory.
    setup
        Resolves the settings of a training.
    attach
        ``attach(network, extra)`` restores what the kind put into the ``extra`` of its file.
    without_neutral
        Presets that leave neutral out of the classes unless ``train.neutral`` is set.
    """

    kind: str
    network: type[nn.Module]
    presets: tuple[str, ...]
    driven_by: frozenset[str]
    parse: Callable[[Mapping[str, Any]], Any]
    build: Callable[..., nn.Module]
    setup: SetupFactory
    attach: Callable[[Any, Mapping[str, Any]], None] = lambda network, extra: None
    without_neutral: frozenset[str] = frozenset()


#: Specifications that were registered or imported, by kind.
_SPECS: dict[str, Spec] = {}


def register(spec: Spec) -> None:
    """Add a kind that is not in `KINDS`, or replace one."""
    _SPECS[spec.kind] = spec


def unregister(kind: str) -> None:
    """Forget what `register` added."""
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
            raise UsageError(
                f"no generator is called '{kind}'", hint=f"one of {', '.join(kinds())}"
            )
        _SPECS[kind] = import_module(KINDS[kind]).SPEC
    return _SPECS[kind]


def kinds_that(capability: type) -> tuple[str, ...]:
    """Return the kinds whose networks follow a protocol, e.g. `base.MakesNewFaces`, sorted."""
    names = set(getattr(capability, "__protocol_attrs__", ())) or {
        name for name in vars(capability) if not name.startswith("_")
    }
    return tuple(
        kind for kind in kinds() if all(hasattr(spec_of(kind).network, name) for name in names)
    )
