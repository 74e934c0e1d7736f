"""Errors that are shown to the user, each with an exit code and a hint.

FaceprepError          1   the work failed (disk full, a shard that crashed …)
├── UsageError         2   wrong flag, config, path or dataset
├── ManifestError      1   a manifest that cannot be trusted
└── MissingToolError   5   a weight file, package or program is missing
"""

import shlex
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

#: Words of the command line after the program's name; empty where none was typed.
TYPED: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())


@dataclass(frozen=True)
class Again:
    """The command that was typed, with changes. `faceprep.cli.remedies` spells it.

    Attributes
    ----------
    overrides
        Flags by name (``{"overwrite": True, "-o": "codes.png"}``) and settings by dotted name
        (``{"align.detector": "dlib"}``). They replace what was typed, a setting also where it was
        typed as its flag. True writes the bare flag; False and None remove it; a tuple repeats the
        flag. ``workspace`` is written as the verb takes it, as a flag or as its argument.
    arguments
        Positional arguments instead of the typed ones, or, as a mapping, words instead of words,
        which may also be values of flags; None keeps them.
    note
        Text behind the command, e.g. its purpose.

    Examples
    --------
    >>> Again({"select.split": "random"}, note="divides whole subjects")
    >>> Again(note="when there is space: resumes where it stopped")
    """

    overrides: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] | Mapping[str, str] | None = None
    note: str = ""


@dataclass(frozen=True)
class Shell:
    """A command of another program, e.g. ``Shell(("ls", str(folder)))``."""

    words: tuple[str, ...]
    note: str = ""

    def __str__(self) -> str:
        return commented(shlex.join(self.words), self.note)


def commented(command: str, note: str) -> str:
    """Return a command with its note, if any, behind it as a shell comment."""
    return f"{command}   # {note}" if note else command


@dataclass(frozen=True)
class Remedy:
    """Another command that mends an error, as data. `faceprep.cli.remedies` spells it.

    Attributes
    ----------
    verb
        Verb of the command line, e.g. ``align`` or ``evaluate aus``.
    workspace
        Workspace of the command, written as the verb takes it: as ``--workspace`` or as its
        argument. None omits it.
    overrides
        Flags by name (``{"retry_failed": True, "n": 3000, "-o": "codes.png"}``) and settings by
        dotted name (``{"align.detector": "dlib"}``), in the order in which they are written, after
        the workspace. True writes the bare flag, False and None write nothing.
    arguments
        Positional arguments, written after the verb.
    resume
        Repeat the settings recorded in `workspace`, so that the command continues that work.
    then
        Command to type when this one has succeeded.
    note
        Text behind the command, e.g. its purpose.

    Notes
    -----
    With `resume`, the settings come first and other overrides follow. These overrides are read
    by the verb itself:

    ``select``, ``align``, ``heatmaps``, ``aus``, ``run``
        None; the settings are those recorded in the workspace.
    ``train``
        ``generator``: kind, or name with a fold such as ``<kind>-fold03``; ``fold``: fold excluded
        from the training.
    ``augment``
        ``n``: total number of faces; ``generator``: kind, or name with a fold; ``fold`` and
        ``folds`` (a sequence, empty for the split): fold whose faces are missing and all folds of
        the table. If ``folds`` is given and the generator is missing, the command trains it.
    ``classify``
        Settings of ``[classify]`` without the section's name; others are those that the workspace
        remembers. The command uses the existing crops (``--only``).

    Examples
    --------
    >>> Remedy("show", workspace, note="counts them")
    >>> Remedy("align", workspace, {"select.folds": 5, "overwrite": True}, resume=True)
    >>> Remedy("augment", workspace, {"n": 3000}, resume=True)
    """

    verb: str
    workspace: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    resume: bool = False
    then: "Remedy | None" = None
    note: str = ""


#: A command as data.
Command: TypeAlias = Remedy | Again | Shell

#: Hint of an error: advice in words, a command, or several of both, one line each.
Hint: TypeAlias = str | Command | tuple[str | Command, ...]


class FaceprepError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    hint
        Advice or commands, one line each.
    """

    exit_code = 1

    def __init__(self, message: str, hint: Hint | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (→ {self.hint})" if isinstance(self.hint, str) else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process boundaries, so the hint must be picklable.
        return type(self), (self.message, self.hint)


class UsageError(FaceprepError):
    """The command line, the configuration or the dataset's root is wrong."""

    exit_code = 2


class ManifestError(FaceprepError):
    """A manifest breaks its schema, or points outside its root."""


class MissingToolError(FaceprepError):
    """A package, a weight file or a program is needed and not installed."""

    exit_code = 5
