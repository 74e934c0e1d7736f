"""Settings of ``[train]`` that every kind resolves alike."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from faceprep.core.errors import Again, UsageError

_R = TypeVar("_R")

#: Fields of a recipe with a setting of their own.
_OWN = {"name", "weights", "epochs", "steps"}


def refuse_unknown(what: str, given: Mapping[str, Any], where: type) -> None:
    """Refuse names that are not fields of a dataclass `where`, with a UsageError."""
    known = {field.name for field in fields(where)} - _OWN
    unknown = sorted(set(given) - known)
    if unknown:
        raise UsageError(
            f"no {what} is called '{unknown[0]}'", f"one of {', '.join(sorted(known))}"
        )


def batches_per_epoch(faces: int, batch: int) -> int:
    """Return the number of whole batches in an epoch.

    Raises
    ------
    UsageError
        The faces do not fill a batch.
    """
    if faces < batch:
        raise UsageError(
            f"{faces} training faces do not fill a batch of {batch}",
            Again({"train.batch": max(faces // 2, 2)}),
        )
    return faces // batch


def changed(
    recipe: _R,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    weights: Mapping[str, float] | None = None,
    switches: Mapping[str, Any] | None = None,
) -> _R:
    """Return the recipe of a preset with one phase, with the given values in place of its own.

    Raises
    ------
    UsageError
        There is no such weight or switch.
    """
    own: Any = recipe
    refuse_unknown("loss", weights or {}, type(own.weights))
    refuse_unknown("switch of the training", switches or {}, type(own))
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in (switches or {}).items()
    }
    values |= {"batch": batch} if batch else {}
    values |= {"learning_rate": learning_rate} if learning_rate else {}
    values |= {"steps": steps, "epochs": None} if steps else {}
    values |= {"epochs": epochs, "steps": None} if epochs else {}
    return replace(own, **values, weights=replace(own.weights, **(weights or {})))
