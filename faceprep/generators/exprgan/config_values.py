"""Allowed values of ExprGAN's configuration."""

import re
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Literal, get_args

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.layers import Initialisation

Preset = Literal["paper", "modern", "tiny"]
CodeInjection = Literal["maps", "bias", "film"]
Normalisation = Literal["batch", "spectral"]

SIZES = (32, 64, 128)

_NAME = re.compile(r"[A-Za-z0-9][\w .+-]{0,63}")

#: Smallest and largest value of every number, so that an untrusted file cannot exhaust memory.
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "identity": (2, 1024),
        "elements": (1, 64),
        "width": (4, 256),
        "d_width": (4, 256),
        "d_features": (8, 4096),
        "path_width": (4, 256),
        "code_repeats": (1, 64),
        "max_flow": (0.0, 0.5),
        "flow_sigma": (0.0, 8.0),
        "residual_scale": (0.0, 4.0),
        "residual_init": (0.0, 1.0),
        "residual_limit": (0.0, 2.0),
    }
)


_ALLOWED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "preset": get_args(Preset),
        "size": SIZES,
        "initialisation": get_args(Initialisation),
        "code_injection": get_args(CodeInjection),
        "d_norm": get_args(Normalisation),
    }
)


def check_values(config: Any) -> None:
    """Check every value of an `ExprGANConfig`.

    Raises `UsageError`: a value has the wrong type, or is outside its range.
    """
    for field in fields(config):
        value = getattr(config, field.name)
        if field.name in ("classes", "projected_channels"):
            _check_list(field.name, value)
        elif field.name in _ALLOWED:
            allowed = _ALLOWED[field.name]
            if not any(type(value) is type(one) and value == one for one in allowed):
                raise UsageError(
                    f"{field.name} is {_short(value)}",
                    hint=f"one of {', '.join(map(str, allowed))}",
                )
        elif field.name in _RANGES:
            _check_number(field.name, value, whole=field.type is not float)
        elif not isinstance(value, bool):
            raise UsageError(f"{field.name} is {_short(value)}, not true or false")


def _check_list(name: str, value: Any) -> None:
    if name == "classes":
        good = (
            isinstance(value, tuple)
            and 2 <= len(value) <= 64
            and all(isinstance(one, str) and _NAME.fullmatch(one) for one in value)
            and len(set(value)) == len(value)
        )
        wanted = "2 to 64 different names"
    else:
        good = (
            isinstance(value, tuple)
            and len(value) <= 16
            and all(type(one) is int and 1 <= one <= 8192 for one in value)
        )
        wanted = "at most 16 numbers from 1 to 8192"
    if not good:
        raise UsageError(f"{name} is {_short(value)}, not {wanted}")


def _check_number(name: str, value: Any, whole: bool) -> None:
    if name == "code_repeats" and value is None:
        return
    low, high = _RANGES[name]
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{name} is {_short(value)}, not {kind} from {low:g} to {high:g}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
