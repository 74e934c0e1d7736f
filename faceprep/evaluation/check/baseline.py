"""The committed baseline of an accuracy table, and its JSON file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from faceprep.core.errors import Again, FaceprepError, Hint, Remedy, Shell, UsageError
from faceprep.core.files import digest, write_json

#: Columns of the accuracy table that are compared with the baseline.
MEASURES = ("accuracy", "balanced_accuracy")

#: A row of the table: generator, arm, number of synthetic faces.
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Entry:
    """Expected values of one row of the table."""

    generator: str
    arm: str  # augmentation of the real faces
    n_synthetic: int
    #: Measure → mean over the seeds, 0 to 1, and accepted decrease below it.
    value: dict[str, float]
    tolerance: dict[str, float]
    seeds: int
    total: int  # number of test faces per seed, in all folds together

    @property
    def key(self) -> Key:
        """Generator, arm and number of synthetic faces."""
        return self.generator, self.arm, self.n_synthetic

    @property
    def name(self) -> str:
        """Row as text."""
        return row_name(self.key)


@dataclass(frozen=True)
class Baseline:
    """A committed baseline.

    `settings` are those of the table by dotted key, `reason` is the user's. The versions are of
    Python and of the packages at that time; printed, never compared.
    """

    entries: tuple[Entry, ...]
    settings: dict[str, Any]
    reason: str
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> str:
        """Hash of the settings."""
        return digest(self.settings)


def row_name(key: Key) -> str:
    """Return a row as text: ``GENERATOR, flips, 3000 synthetic``."""
    generator, arm, count = key
    return ", ".join(word for word in (generator, arm, f"{count} synthetic") if word)


VERSION = 1


def update_remedy(path: Path, workspace: Path | None = None) -> Remedy:
    """Return the command that writes a baseline from the table of a workspace."""
    values = {"baseline": path, "update": True, "reason": "this change is meant"}
    return Remedy("check", workspace, values, note="if it is meant")


def read_baseline(path: Path, update: Hint | None = None) -> Baseline:
    """Read a baseline; `update` is the hint to write it from a table.

    Raises
    ------
    UsageError
        There is none, or a directory.
    FaceprepError
        It is damaged, edited by hand, or of another version of the format.
    """
    update = update or update_remedy(path)
    restore = Shell(("git", "checkout", str(path)))
    other_file = replace(restore, note="if it is a damaged baseline; else name another file")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no baseline {path}", update) from None
    except IsADirectoryError:
        first = next(iter(sorted(path.glob("*.json"))), path / "baseline.json")
        raise UsageError(
            f"the baseline {path} is a directory", Again({"baseline": first})
        ) from None
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

    UsageError if the path is a directory. FaceprepError if it is a file of another kind, which must
    not be overwritten.
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
            "name another file, or remove it if it is a damaged baseline",
        ) from None


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline atomically; FaceprepError if it cannot be written."""
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
