"""Keys of the configuration: their meaning, choices, limits and defaults."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from faceprep.config.pipeline import Config

#: Start of the variables of the environment.
PREFIX = "FACEPREP_"


@dataclass(frozen=True)
class Key:
    """One key of the configuration."""

    name: str  # dotted name, ``align.detector``
    meaning: str
    #: Possible values, or empty; and limits of a number, or pattern of a text.
    choices: tuple[str, ...]
    limits: str
    default: Any

    @property
    def variable(self) -> str:
        """Variable of the environment that sets it."""
        return PREFIX + self.name.replace(".", "_").upper()


@cache
def keys() -> dict[str, Key]:
    """Return every key by its dotted name, in the order of the sections."""
    return {name: _key(name, field) for name, field in _fields(Config, "")}


def known_keys() -> list[str]:
    """Return the dotted name of every key."""
    return list(keys())


def keys_of(name: str) -> list[Key]:
    """Return the key of a name, ``train.weights`` of ``train.weights.q``, or those of a section."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        key = keys().get(".".join(parts[:end]))
        if key is not None and (end == len(parts) or isinstance(key.default, dict)):
            return [key]
    return [key for other, key in keys().items() if other.startswith(f"{name}.")]


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            yield from _fields(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _section(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _key(name: str, field: FieldInfo) -> Key:
    limits = []
    for one in field.metadata:
        for sign, bound in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            value = getattr(one, sign, None)
            if value is not None:
                limits.append(f"{bound} {value:,}")
        if getattr(one, "pattern", None):
            limits.append(f"matches {one.pattern}")
    default = None if field.default is PydanticUndefined else field.default
    choices = tuple(_choices(field.annotation))
    return Key(name, field.description or "", choices, ", ".join(limits), default)


def _choices(annotation: Any) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    elif get_origin(annotation) is not dict:
        for part in get_args(annotation):
            yield from _choices(part)
        if type(None) in get_args(annotation):
            yield "none"
