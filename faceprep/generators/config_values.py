"""Check the values of a configuration of networks, which may come from an untrusted file."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from faceprep.core.errors import UsageError

#: Sides of the images, pixels.
SIZES = (32, 64, 128)

_NAME = re.compile(r"[A-Za-z0-9][\w .+-]{0,63}")

#: Fields that are lists: names of classes and labels, and channels.
_NAMES = ("classes", "labels")
_CHANNELS = ("projected_channels",)


def check_values(
    config: Any,
    allowed: Mapping[str, tuple[Any, ...]],
    ranges: Mapping[str, tuple[float, float]],
) -> None:
    """Check every value of a configuration; fields without an entry are true or false.

    Parameters
    ----------
    config
        Instance of a subclass of `faceprep.generators.base.NetworkConfig`.
    allowed
        Field → allowed values.
    ranges
        Field → smallest and largest value. None is allowed if it is the default.

    Raises
    ------
    UsageError
        A value has the wrong type, or is outside its range.
    """
    for field in fields(config):
        value = getattr(config, field.name)
        if field.name in (*_NAMES, *_CHANNELS):
            _check_list(field.name, value)
        elif field.name in allowed:
            values = allowed[field.name]
            if not any(type(value) is type(one) and value == one for one in values):
                words = ["none" if one is None else str(one) for one in values]
                raise UsageError(
                    f"{field.name} is {_short(value)}", hint=f"one of {', '.join(words)}"
                )
        elif field.name in ranges:
            if value is not None or field.default is not None:
                _check_number(field.name, value, ranges[field.name], field.type is not float)
        elif not isinstance(value, bool):
            raise UsageError(f"{field.name} is {_short(value)}, not true or false")


def _check_list(name: str, value: Any) -> None:
    if name in _NAMES:
        least = 2 if name == "classes" else 1
        good = (
            isinstance(value, tuple)
            and least <= len(value) <= 64
            and all(isinstance(one, str) and _NAME.fullmatch(one) for one in value)
            and len(set(value)) == len(value)
        )
        wanted = f"{least} to 64 different names"
    else:
        good = (
            isinstance(value, tuple)
            and len(value) <= 16
            and all(type(one) is int and 1 <= one <= 8192 for one in value)
        )
        wanted = "at most 16 numbers from 1 to 8192"
    if not good:
        raise UsageError(f"{name} is {_short(value)}, not {wanted}")


def _check_number(name: str, value: Any, bounds: tuple[float, float], whole: bool) -> None:
    low, high = bounds
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{name} is {_short(value)}, not {kind} from {low:g} to {high:g}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
