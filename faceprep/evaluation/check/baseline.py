"""The committed baseline of an accuracy table: what it holds, and its file."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import digest, write_json

VERSION = 1

#: Measures that are held to the baseline, columns of the accuracy table.
MEASURES = ("accuracy", "balanced_accuracy")

#: A row of the table.
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Entry:
    """What is expected of one row of the table.

    Attributes
    ----------
    generator, arm, n_synthetic
        Which row; `arm` is how the real faces are varied.
    value
        Measure → mean over the seeds, 0 to 1.
    tolerance
        Measure → how far below it a later mean may lie.
    seeds
        How many seeds there were.
    total
        Test faces of a seed, all folds together.
    """

    generator: str
    arm: str
    n_synthetic: int
    value: dict[str, float]
    tolerance: dict[str, float]
    seeds: int
    total: int

    @property
    def key(self) -> Key:
        """Generator, arm and number of synthetic faces."""
        return self.generator, self.arm, self.n_synthetic

    @property
    def name(self) -> str:
        """The row in words."""
        return row_name(self.key)


@dataclass(frozen=True)
class Baseline:
    """A committed baseline.

    Attributes
    ----------
    entries
        Rows of the table.
    settings
        Dotted key → value of everything that the table was made with.
    reason
        Why it was written.
    versions
        Of Python and of the packages at that time; for people, never compared.
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
    """``exprgan, flips, 3000 synthetic``."""
    generator, arm, count = key
    return ", ".join(word for word in (generator, arm, f"{count} synthetic") if word)


def read_baseline(path: Path, anew: str | None = None) -> Baseline:
    """Read a baseline.

    Parameters
    ----------
    anew
        The command that writes it from a table.

    Raises
    ------
    UsageError
        There is none, or a directory.
    FaceprepError
        It is damaged, edited by hand, or of another version of the format.
    """
    anew = anew or f"faceprep check --baseline {shlex.quote(str(path))} --update --reason TEXT"
    restore = f"git checkout {shlex.quote(str(path))}"
    unless = f"another FILE, or, if it is a damaged baseline: {restore}"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no baseline {path}", anew) from None
    except IsADirectoryError:
        file = shlex.quote(str(path / "NAME.json"))
        raise UsageError(f"the baseline {path} is a directory", f"--baseline {file}") from None
    except (OSError, ValueError) as error:
        raise FaceprepError(f"the baseline {path} cannot be read: {error}", unless) from None
    if isinstance(data, dict) and data.get("version", VERSION) != VERSION:
        raise FaceprepError(
            f"the baseline {path} is of version {data['version']}, this is {VERSION}", anew
        )
    try:
        baseline = _baseline(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        kind = type(error).__name__
        hint = restore if _looks_like_one(data) else unless
        raise FaceprepError(f"the baseline {path} is damaged ({kind}: {error})", hint) from None
    return baseline


def replaced_baseline(path: Path) -> Baseline | None:
    """Return the baseline that a new one takes the place of; None without one that can be told.

    Raises
    ------
    UsageError
        There is a directory.
    FaceprepError
        There is something else, which may be anything: it is not to be written over.
    """
    try:
        return read_baseline(path)
    except FaceprepError as error:
        if not path.exists():
            return None
        if isinstance(error, UsageError):
            raise
        try:
            if _looks_like_one(json.loads(path.read_text(encoding="utf-8"))):
                return None
        except (OSError, ValueError):
            pass
        raise FaceprepError(
            f"not written over: {error.message}",
            f"another FILE, or, if it is a damaged baseline: rm {shlex.quote(str(path))}",
        ) from None


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline; a reader sees the old one or the whole new one.

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


def _looks_like_one(data: Any) -> bool:
    """Whether it is a baseline by its form, edited by hand or of whatever version."""
    return isinstance(data, dict) and data.keys() >= {"version", "entries"}


def _baseline(data: Mapping[str, Any]) -> Baseline:
    baseline = Baseline(
        tuple(_entry(one) for one in data["entries"]),
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
