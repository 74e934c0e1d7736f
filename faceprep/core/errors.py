"""Errors that reach the user, each with an exit code and the next command to type.

FaceprepError          1   the work failed (disk full, a shard that crashed …)
├── UsageError         2   wrong flag, config, path or dataset
├── ManifestError      1   a manifest that cannot be trusted
└── MissingToolError   5   a weight file, package or program is not there
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Remedy:
    """The command that mends an error, as data. `faceprep.cli.remedies` spells it.

    Attributes
    ----------
    verb
        Verb of the command line, e.g. ``align`` or ``evaluate aus``.
    workspace
        Workspace that the command works on; None leaves the flag out.
    overrides
        Flags by name (``{"overwrite": True, "n": 3000}``) and settings by dotted name
        (``{"align.detector": "dlib"}``).
    arguments
        Positional arguments.
    resume
        Repeat the settings that the workspace was made with.
    note
        Words after the command, e.g. what it shows.
    """

    verb: str
    workspace: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    resume: bool = False
    note: str = ""


class FaceprepError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    message
        What went wrong, and where.
    hint
        A `Remedy`, or words on what to change; the command line prints it on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | Remedy | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (→ {self.hint})" if isinstance(self.hint, str) else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process boundaries: the hint has to survive pickling.
        return type(self), (self.message, self.hint)


class UsageError(FaceprepError):
    """The command line, the configuration or the dataset's root is wrong."""

    exit_code = 2


class ManifestError(FaceprepError):
    """A manifest breaks its schema, or points outside its root."""


class MissingToolError(FaceprepError):
    """A package, a weight file or a program is needed and not installed."""

    exit_code = 5
