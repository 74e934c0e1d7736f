"""Words of a command line: flags, settings, quoting."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

#: Placeholder that the user fills in; written without quotes.
BLANK = "…"


def join(words: Iterable[str]) -> str:
    """Quote words for a shell, except the placeholder."""
    return " ".join(word if word == BLANK else shlex.quote(word) for word in words)


def flags(overrides: Mapping[str, Any]) -> list[str]:
    """Convert flags and settings to command-line words; see `faceprep.core.errors.Remedy`."""
    return [word for name, value in overrides.items() for word in _flag(name, value)]


def _flag(name: str, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if "." in name:
        from faceprep.config.section import spelled

        return ["--set", f"{name}={value if isinstance(value, Path) else spelled(value)}"]
    flag = name if name.startswith("-") else f"--{name.replace('_', '-')}"
    return [flag] if value is True else [flag, str(value)]
