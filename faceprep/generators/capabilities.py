"""Refuse a generator that lacks a capability, and name the kinds that have it."""

from typing import Any

from faceprep.core.errors import UsageError
from faceprep.generators.base import Generator
from faceprep.generators.registry import kinds_that


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
        raise _refusal(generator.kind, capability, what)
    return generator


def require_kind(kind: str, capability: Any, what: str) -> None:
    """Check a kind without building its networks; parameters and errors as for `require`."""
    if kind not in kinds_that(capability):
        raise _refusal(kind, capability, what)


def _refusal(kind: str, capability: Any, what: str) -> UsageError:
    able = ", ".join(kinds_that(capability)) or "none"
    return UsageError(
        f"the generator is of kind {kind}, which cannot {what}", f"kinds that can: {able}"
    )
