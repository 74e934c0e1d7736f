"""What every part of the configuration has in common."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

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
