"""Settings of ``[train]`` that every kind resolves alike."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from faceprep.core.errors import Again, UsageError

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
