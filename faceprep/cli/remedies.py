"""Spell the command line of a `Remedy`."""

import shlex
from typing import Any

from faceprep.core.errors import Remedy

#: Flags are spelled with dashes; a name with a dot is a setting.
_SETTING = "."


def spell(hint: str | Remedy | None) -> str | None:
    """Return the line to print below an error, or None where there is no hint.

    Parameters
    ----------
    hint
        Words, which are returned as they are, or a remedy.
    """
    if not isinstance(hint, Remedy):
        return hint
    words = ["faceprep", *hint.verb.split(), *hint.arguments]
    if hint.workspace is not None:
        words += ["--workspace", str(hint.workspace)]
    for name, value in hint.overrides.items():
        words += _words(name, value)
    line = shlex.join(words)
    return f"{line}   {hint.note}" if hint.note else line


def _words(name: str, value: Any) -> list[str]:
    """Return the flag of one override; a false switch has none."""
    if _SETTING in name:
        return ["--set", f"{name}={value}"]
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag] if value else []
    return [flag, str(value)]
