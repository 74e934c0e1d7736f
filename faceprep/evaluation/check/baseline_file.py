"""Read and write the JSON file of a baseline."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faceprep.core.errors import FaceprepError, Hint, Remedy, UsageError
from faceprep.core.files import write_json
from faceprep.evaluation.check.baseline import MEASURES, Baseline, Entry

VERSION = 1


def update_remedy(path: Path, workspace: Path | None = None) -> Remedy:
    """Return the command that writes a baseline from the table of a workspace."""
    return Remedy("check", workspace, {"baseline": path, "update": True, "reason": "TEXT"})


def read_baseline(path: Path, update: Hint | None = None) -> Baseline:
    """Read a baseline.

    Parameters
    ----------
    update
        Hint to write the baseline from a table.

    Raises
    ------
    UsageError
        There is none, or a directory.
    FaceprepError
        It is damaged, edited by hand, or of another version of the format.
    """
    update = update or update_remedy(path)
    restore = f"git checkout {shlex.quote(str(path))}"
    other_file = f"another FILE, or, if it is a damaged baseline: {restore}"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no baseline {path}", update) from None
    except IsADirectoryError:
        file = shlex.quote(str(path / "NAME.json"))
        raise UsageError(f"the baseline {path} is a directory", f"--baseline {file}") from None
    except (OSError, ValueError) as error:
        raise FaceprepError(f"the baseline {path} cannot be read: {error}", other_file) from None
    if isinstance(data, dict) and data.get("version", VERSION) != VERSION:
        raise FaceprepError(
            f"the baseline {path} is of version {data['version']}, this is {VERSION}", update
        )
    try:
        baseline = _baseline(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        kind = type(error).__name__
        hint = restore if _has_form_of_baseline(data) else other_file
        raise FaceprepError(f"the baseline {path} is damaged ({kind}: {error})", hint) from None
    return baseline


def replaced_baseline(path: Path) -> Baseline | None:
    """Return the baseline that a new one will replace; None if it is missing or unreadable.

    Raises
    ------
    UsageError
        The path is a directory.
    FaceprepError
        The path is a file of another kind, which must not be overwritten.
    """
    try:
        return read_baseline(path)
    except FaceprepError as error:
        if not path.exists():
            return None
        if isinstance(error, UsageError):
            raise
        try:
            if _has_form_of_baseline(json.loads(path.read_text(encoding="utf-8"))):
                return None
        except (OSError, ValueError):
            pass
        raise FaceprepError(
            f"not written over: {error.message}",
            f"another FILE, or, if it is a damaged baseline: rm {shlex.quote(str(path))}",
        ) from None


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline atomically.

    Raises
    ------
    FaceprepError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"version": VERSION, "config": baseline.config, **asdict(baseline)})
    except OSError as error:
        raise FaceprepError(f"cannot write {path}: {error.strerror or error}") from error


def _has_form_of_baseline(data: Any) -> bool:
    """Return whether the data are a baseline, possibly edited or of another version."""
    return isinstance(data, dict) and data.keys() >= {"version", "entries"}


def _baseline(data: Mapping[str, Any]) -> Baseline:
    baseline = Baseline(
        tuple(_entry(entry) for entry in data["entries"]),
        {_text(name): value for name, value in data["settings"].items()},
        _text(data["reason"]),
        {_text(name): _text(value) for name, value in data["versions"].items()},
    )
    if len({entry.key for entry in baseline.entries}) < max(len(baseline.entries), 1):
        raise ValueError("rows are missing or double")
    if data["config"] != baseline.config:
        raise ValueError("the settings do not match their hash")
    return baseline


def _entry(data: Mapping[str, Any]) -> Entry:
    value = {_text(name): _share(number) for name, number in data["value"].items()}
    tolerance = {_text(name): _share(number) for name, number in data["tolerance"].items()}
    if not value or value.keys() != tolerance.keys() or not set(value) <= set(MEASURES):
        raise ValueError(f"measures {sorted(value)}")
    return Entry(
        _text(data["generator"]),
        _text(data["arm"]),
        _whole(data["n_synthetic"], 0),
        value,
        tolerance,
        seeds=_whole(data["seeds"], 1),
        total=_whole(data["total"], 1),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is no share from 0 to 1")
    return float(value)


def _whole(value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{value!r} is no whole number from {least}")
    return value
