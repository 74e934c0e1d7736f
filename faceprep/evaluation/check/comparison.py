"""Compare an accuracy table with a baseline, row by row.

A baseline has, for every row of the table, the mean accuracy over the seeds and a tolerance below
it. It is compared only with tables made with the same settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from faceprep.core.errors import FaceprepError, Hint, Remedy, UsageError
from faceprep.evaluation.check.baseline import Baseline, Entry, Key
from faceprep.evaluation.check.table import summarise

#: Largest number of changed settings named in an error.
_NAMED = 5

_CLASSIFY = Remedy("classify")


@dataclass(frozen=True)
class Comparison:
    """One measure of one row: expected and found values, and the tolerance of the baseline."""

    key: Key
    measure: str
    expected: float
    tolerance: float
    found: float

    @property
    def difference(self) -> float:
        """Found minus expected."""
        return self.found - self.expected

    @property
    def regressed(self) -> bool:
        """Whether the value is below the tolerance."""
        return not self.difference >= -self.tolerance - 1e-9

    @property
    def improved(self) -> bool:
        """Whether the value is above the tolerance, so that the baseline can be raised."""
        return self.difference > self.tolerance


@dataclass(frozen=True)
class Gate:
    """Result of `compare`: every measure of every row of the baseline.

    `versions` are package → version in the baseline and current version, if they differ; `more` are
    rows of the table without a baseline.
    """

    rows: tuple[Comparison, ...]
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)
    more: tuple[Key, ...] = ()

    @property
    def regressions(self) -> tuple[Comparison, ...]:
        """Comparisons below the tolerance."""
        return tuple(row for row in self.rows if row.regressed)

    @property
    def passed(self) -> bool:
        """Whether no measure regressed."""
        return not self.regressions


def compare(
    baseline: Baseline,
    table: pd.DataFrame,
    settings: Mapping[str, Any],
    versions: Mapping[str, str] | None = None,
    make: Hint = _CLASSIFY,
    update: str | Remedy = "update the baseline, if it is meant",
) -> Gate:
    """Compare an accuracy table with a baseline.

    Parameters
    ----------
    table
        Columns of ``accuracy.parquet``.
    settings
        Dotted key → value of every setting of the table.
    versions
        Current versions of the packages.
    make, update
        Hints to make the table, and to replace the baseline.

    Raises
    ------
    FaceprepError
        The table lacks rows or seeds of the baseline, or has another number of test faces.
    UsageError
        It was made with other settings.
    """
    _refuse_other_settings(baseline, settings, update)
    current = {entry.key: entry for entry in summarise(table, make)}
    missing = [entry for entry in baseline.entries if entry.key not in current]
    if missing:
        names = "; ".join(entry.name for entry in missing)
        raise FaceprepError(
            f"the table lacks {len(missing)} of {len(baseline.entries)} rows: {names}", make
        )
    rows = []
    for entry in baseline.entries:
        now = current[entry.key]
        _refuse_other_size(entry, now, make, update)
        rows += [
            Comparison(entry.key, name, value, entry.tolerance[name], now.value[name])
            for name, value in entry.value.items()
        ]
    known = {entry.key for entry in baseline.entries}
    more = tuple(key for key in current if key not in known)
    return Gate(tuple(rows), differences(baseline.versions, versions or {}), more)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return key → old and new value, if they differ; None for a missing value."""
    return {
        name: (before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    }


def _refuse_other_settings(
    baseline: Baseline, settings: Mapping[str, Any], update: str | Remedy
) -> None:
    changed = differences(baseline.settings, settings)
    if changed:
        words = [f"{name} {old} → {new}" for name, (old, new) in changed.items()]
        more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
        raise UsageError(
            "the table was made with other settings than the baseline: "
            + ", ".join(words[:_NAMED])
            + more,
            ("classify with the settings of the baseline", update),
        )


def _refuse_other_size(entry: Entry, now: Entry, make: Hint, update: str | Remedy) -> None:
    if now.total != entry.total:
        raise FaceprepError(
            f"{entry.name}: tested on {now.total} faces, the baseline on {entry.total}",
            ("classify with the dataset of the baseline", update),
        )
    if now.seeds < entry.seeds:
        raise FaceprepError(
            f"{entry.name}: {now.seeds} seeds, the baseline has {entry.seeds}", make
        )
