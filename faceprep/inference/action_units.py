"""Action Units that a user names: intensities to set, and units to sweep."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.targets import MOST_INTENSE

_NAME = re.compile(r"(?:au)?0*(\d{1,2})(?:_r)?", re.IGNORECASE)

#: Word for all Action Units.
ALL = "all"


def parse_assignments(words: Sequence[str]) -> dict[str, float]:
    """Read ``AU12=3.5 …`` as Action Unit → intensity in [0, 5].

    ``au12``, ``AU1`` and ``12`` are understood as names.

    Raises
    ------
    UsageError
        A unit is unknown or named twice, or an intensity is missing or outside 0 to 5.
    """
    found: dict[str, float] = {}
    for number, word in enumerate(words):
        name, _, text = word.partition("=")
        unit = _unit(name, f"--au {word}")
        try:
            value = float(text)
        except ValueError:
            message = f"--au {word}: an intensity from 0 to {MOST_INTENSE:g} is missing"
            if text:
                message = f"--au {word}: {text!r} is no number"
            raise UsageError(message, _instead(words, number, unit, MOST_INTENSE)) from None
        if not 0 <= value <= MOST_INTENSE:
            nearest = 0.0 if value < 0 else MOST_INTENSE
            raise UsageError(
                f"--au {word}: the intensity lies outside 0 … {MOST_INTENSE:g}",
                _instead(words, number, unit, nearest),
            )
        if unit in found:
            rest = [other for other in words if _is(other, unit)]
            raise UsageError(
                f"{unit} has more than one intensity: {', '.join(rest)}",
                _with([*(other for other in words if not _is(other, unit)), rest[-1]]),
            )
        found[unit] = value
    return found


def parse_units(words: Sequence[str]) -> list[str]:
    """Read the names of Action Units, or ``all``, in the order given and each once.

    UsageError if one is unknown.
    """
    found: list[str] = []
    for word in words:
        if word.casefold() == ALL:
            found += INTENSITY_AUS
        else:
            found.append(_unit(word, f"--sweep {word}"))
    return list(dict.fromkeys(found))


def _unit(name: str, typed: str) -> str:
    match = _NAME.fullmatch(name.strip())
    unit = f"AU{int(match[1]):02d}" if match else name
    if unit not in INTENSITY_AUS:
        known = ", ".join(INTENSITY_AUS)
        raise UsageError(f"{typed}: there is no Action Unit {name!r}", f"one of: {known}")
    return unit


def _is(word: str, unit: str) -> bool:
    match = _NAME.fullmatch(word.partition("=")[0].strip())
    return match is not None and f"AU{int(match[1]):02d}" == unit


def _instead(words: Sequence[str], number: int, unit: str, value: float) -> Again:
    return _with([*words[:number], f"{unit}={value:g}", *words[number + 1 :]])


def _with(words: Sequence[str]) -> Again:
    return Again({"au": tuple(words)}, note=f"from 0 to {MOST_INTENSE:g}")


def with_changes(units: np.ndarray, changes: Mapping[str, float]) -> np.ndarray:
    """Return intensities ``(N, 17)`` with some units set."""
    changed = np.array(units, np.float32)
    for name, value in changes.items():
        changed[:, INTENSITY_AUS.index(name)] = value
    return changed


def as_text(units: Mapping[str, float]) -> str:
    """Format units as they are typed: ``AU12=3.5 AU06=2``."""
    return " ".join(f"{name}={value:g}" for name, value in units.items())


def as_dict(units: np.ndarray) -> dict[str, float]:
    """Return intensities ``(17,)`` by unit, JSON-ready."""
    return {name: round(float(value), 3) for name, value in zip(INTENSITY_AUS, units, strict=True)}
