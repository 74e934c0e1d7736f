"""Errors that are shown to the user, each with an exit code and a hint.

FaceprepError          1   the work failed (disk full, a shard that crashed …)
├── UsageError         2   wrong flag, config, path or dataset
├── ManifestError      1   a manifest that cannot be trusted
└── MissingToolError   5   a weight file, package or program is missing
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Remedy:
    """The command that mends an error, as data. `faceprep.cli.remedies` spells it.

    Attributes
    ----------
    verb
        Verb of the command line, e.g. ``align`` or ``evaluate aus``.
    workspace
        Workspace of the command, written as ``--workspace``; None omits the flag. Verbs that take
        the workspace as an argument (``show``, ``evaluate …``) have it in `arguments`.
    overrides
        Flags by name (``{"retry_failed": True, "n": 3000, "-o": "codes.png"}``) and settings by
        dotted name (``{"align.detector": "dlib"}``), in the order in which they are written, after
        ``--workspace``. True writes the bare flag, False and None write nothing.
    arguments
        Positional arguments, written after the verb. ``"…"`` is a placeholder for the user, here
        and as a value of `overrides`.
    resume
        Repeat the settings recorded in `workspace`, so that the command continues that work.
    note
        Text after the command, e.g. its purpose.

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
        Settings of ``[classify]`` without the section's name. Other settings have their defaults,
        not the recorded values. The command uses the existing crops (``--only``).

    Examples
    --------
    >>> Remedy("align", overrides={"overwrite": True})  # faceprep align --overwrite
    >>> Remedy("show", arguments=(str(workspace),), note="counts them")
    >>> Remedy("align", workspace, {"select.folds": 5}, resume=True)
    >>> Remedy("augment", workspace, {"n": 3000}, resume=True)
    """

    verb: str
    workspace: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    resume: bool = False
    note: str = ""


#: Hint of an error: text, a command, or both as parts that are joined without a space:
#: ``("--folds 3, or: ", Remedy("align", …))``.
Hint: TypeAlias = str | Remedy | tuple[str | Remedy, ...]


class FaceprepError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    message
        Description of the error and its location.
    hint
        Advice, a `Remedy`, or parts of both; printed on a separate line.
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
