"""Spell the command line of a `Remedy`."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, overload

from faceprep.core.errors import Hint, Remedy

#: Stands for what the user fills in; written without quotes.
_BLANK = "…"


@overload
def spell(hint: None) -> None: ...
@overload
def spell(hint: Hint) -> str: ...
def spell(hint: Hint | None) -> str | None:
    """Return the line to print below an error, or None where there is no hint.

    Parameters
    ----------
    hint
        Words, which are returned as they are, a remedy, or a tuple of both, which is joined.
    """
    if hint is None or isinstance(hint, str):
        return hint
    if isinstance(hint, tuple):
        return "".join(spell(part) for part in hint)
    line = _resumed(hint) if hint.resume else join(_plain(hint))
    return f"{line}   {hint.note}" if hint.note else line


def join(words: Iterable[str]) -> str:
    """Quote words for a shell, except the blank that the user fills in."""
    return " ".join(word if word == _BLANK else shlex.quote(word) for word in words)


def flags(overrides: Mapping[str, Any]) -> list[str]:
    """Return the words of flags and settings by name."""
    return [word for name, value in overrides.items() for word in _flag(name, value)]


def _plain(remedy: Remedy) -> list[str]:
    words = ["faceprep", *remedy.verb.split(), *map(str, remedy.arguments)]
    if remedy.workspace is not None:
        words += ["--workspace", str(remedy.workspace)]
    return words + flags(remedy.overrides)


def _resumed(remedy: Remedy) -> str:
    """Spell a command that repeats the settings of a workspace."""
    from faceprep.cli.commands import augment, classify, train, workspace

    spellers = {"augment": augment.spell, "classify": classify.spell, "train": train.spell}
    return spellers.get(remedy.verb, workspace.spell)(remedy)


def _flag(name: str, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if "." in name:
        from faceprep.config.section import spelled

        return ["--set", f"{name}={value if isinstance(value, Path) else spelled(value)}"]
    flag = name if name.startswith("-") else f"--{name.replace('_', '-')}"
    return [flag] if value is True else [flag, str(value)]
