"""What every part of the configuration has in common."""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from faceprep.core.vocabulary import Expression

# Where a file lies and how many workers read it do not change what comes out of it.
LOCATION: dict[str, Any] = {"changes_output": False}


class Section(BaseModel):
    """A part of the configuration; unknown keys are errors, values are final once loaded."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

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


_S = TypeVar("_S", bound=Section)


def absolute(section: _S) -> _S:
    """Return a configuration that means the same in every folder of every machine."""
    changed: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            changed[name] = absolute(value)
        elif isinstance(value, Path):
            changed[name] = value.expanduser().absolute()
    return section.model_copy(update=changed)


#: Kind of the errors that `impossible` makes, among pydantic's.
IMPOSSIBLE = "impossible"


def impossible(key: str, message: str, hint: str | None = None) -> PydanticCustomError:
    """Return the error for values that are each valid, and not together.

    Parameters
    ----------
    key
        Of the section, the one that is to blame.
    hint
        What to type; all keys are listed without.
    """
    context = {"key": key, "message": message, "hint": hint}
    return PydanticCustomError(IMPOSSIBLE, "{message}", context)


def number(value: Any) -> Any:
    """Text of a flag as the whole number that it spells."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def plain(value: Any) -> Any:
    """Text of a flag as the number, truth value or list that it spells."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value.lower() if value.lower() in ("true", "false") else value)
    except ValueError:
        return value


def spelled(value: Any) -> str:
    """A value as a flag takes it; the reverse of `plain`, and lists with commas."""
    if isinstance(value, list | tuple):
        return ",".join(map(spelled, value))
    return value if isinstance(value, str) else json.dumps(value)


def _words(value: Any) -> Any:
    """Text of a flag as the words between its commas."""
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


#: Some of them, in their order; on the command line also ``fear,anger``.
Expressions = Annotated[tuple[Expression, ...], BeforeValidator(_words)]
