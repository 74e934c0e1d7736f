"""Base class, types and errors that the sections of the configuration share."""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from faceprep.core.errors import Hint
from faceprep.core.vocabulary import Expression, expression_of

#: Marks fields that do not change the output: paths, workers, limits of time.
LOCATION: dict[str, Any] = {"changes_output": False}


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors, and values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _words_for_nothing(cls, values: Any) -> Any:
        """Read ``none`` and ``null`` as no value, where the field may have none."""
        if not isinstance(values, dict):
            return values
        return {
            name: None if _is_nothing(value, cls.model_fields.get(name)) else value
            for name, value in values.items()
        }

    def settings(self) -> dict[str, Any]:
        """Return the values that determine the output, JSON-ready (no locations)."""
        plain = self.model_dump(mode="json")
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.json_schema_extra == LOCATION:
                del plain[name]
            elif isinstance(value, Section):
                plain[name] = value.settings()
        return plain


def _is_nothing(value: Any, field: FieldInfo | None) -> bool:
    if not isinstance(value, str) or value.lower() not in ("none", "null") or field is None:
        return False
    return type(None) in get_args(field.annotation)


def locations(section: Section, prefix: str) -> dict[str, Any]:
    """Return dotted key → value of the locations that are set, JSON-ready, with absolute paths."""
    found = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if field.json_schema_extra == LOCATION and value != field.default:
            path = isinstance(value, Path)
            found[f"{prefix}.{name}"] = str(value.expanduser().absolute()) if path else value
    return found


#: A name that is also the name of a folder.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

_S = TypeVar("_S", bound=Section)


def absolute(section: _S) -> _S:
    """Return the same configuration with absolute paths."""
    changed: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            changed[name] = absolute(value)
        elif isinstance(value, Path):
            changed[name] = value.expanduser().absolute()
    return section.model_copy(update=changed)


#: Type of the errors of `impossible`, among those of pydantic.
IMPOSSIBLE = "impossible"


def impossible(key: str, message: str, hint: Hint | None = None) -> PydanticCustomError:
    """Return the error for values that are valid alone but not together.

    `key`: key of the section that is at fault.
    `hint`: hint of the error; None refers to the list of all keys.
    """
    context = {"key": key, "message": message, "hint": hint}
    return PydanticCustomError(IMPOSSIBLE, "{message}", context)


def number(value: Any) -> Any:
    """Convert the text of a flag to a whole number, if it is one."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def plain(value: Any) -> Any:
    """Convert the text of a flag to a number, truth value or list, if it is one."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value.lower() if value.lower() in ("true", "false") else value)
    except ValueError:
        return value


def spelled(value: Any) -> str:
    """Format a value for a flag: the inverse of `plain`, with lists separated by commas."""
    if isinstance(value, list | tuple):
        return ",".join(map(spelled, value))
    return value if isinstance(value, str) else json.dumps(value)


def _words(value: Any) -> Any:
    """Split the text of a flag at its commas."""
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _expressions(value: Any) -> Any:
    words = _words(value)
    if words is value:
        return value
    return tuple(expression_of(word) or word for word in words)


#: Some words; on the command line also ``encoder,decoder``.
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]

#: Some expressions in their order; on the command line also ``fear,anger``.
Expressions = Annotated[tuple[Expression, ...], BeforeValidator(_expressions)]
