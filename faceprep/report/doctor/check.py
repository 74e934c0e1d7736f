"""The result of one check, and the search for packages without importing them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Literal

from faceprep.core.errors import Hint, MissingToolError, Shell

ALL_THERE, SOMETHING_MISSING = 0, MissingToolError.exit_code


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    #: ``ok``, ``warning`` (usable, with a problem) or ``missing``.
    state: Literal["ok", "warning", "missing"]
    detail: str  # version, path or problem
    hint: Hint | None = None  # command that installs or repairs it, unless it is ``ok``
    needed: bool = True  # whether the pipeline's defaults cannot run without it


def exit_code(checks: Sequence[Check]) -> int:
    """Return 0 if everything needed is there, else 5."""
    missing = any(check.needed and check.state == "missing" for check in checks)
    return SOMETHING_MISSING if missing else ALL_THERE


def is_installed(module: str) -> bool:
    """Return whether a module can be found, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, or ``?``."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "?"


def not_installed(distribution: str, name: str | None = None) -> Check:
    """Return the check of a package that is needed and not installed."""
    return Check(
        name or distribution, "missing", "not installed", Shell(("pip", "install", distribution))
    )


def safely(look: Callable[[], list[Check]]) -> list[Check]:
    """Run a check; report an exception, e.g. from a broken installation, as a missing part."""
    try:
        return look()
    except Exception as error:
        name = getattr(getattr(look, "func", look), "__name__", "check").strip("_<>")
        return [Check(name, "missing", f"{type(error).__name__}: {error}")]
