"""Errors that reach the user, each with an exit code and the next command to type.

FaceprepError          1   the work failed (disk full, a shard that crashed …)
├── UsageError         2   wrong flag, config, path or dataset
├── ManifestError      1   a manifest that cannot be trusted
└── MissingToolError   5   a weight file, package or program is not there
"""


class FaceprepError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    message
        What went wrong, and where.
    hint
        The next command to type, or what to change; printed on its own line.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (→ {self.hint})" if self.hint else self.message

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
