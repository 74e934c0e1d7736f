"""Accuracy against a committed baseline: a gate that says what fell, and by how much.

A baseline holds, for every row of the table, the mean accuracy over the seeds, and how far below it
a later mean may lie: a band of the mean's own spread over the seeds, at least one test face wide.
It names what it was measured with, and is for nothing else.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.evaluation.check.baseline import MEASURES, Baseline, Entry, Key

if TYPE_CHECKING:
    import pandas as pd

#: How many standard errors a mean of other seeds may lie below: of two such means, both uncertain.
BAND = 3.0

#: A seed fewer than these says nothing of their spread.
_FEWEST_SEEDS = 2

#: Where nothing is known of the spread: that many test faces read otherwise.
_FACES = 2.0

#: Settings that differ, named in an error.
_NAMED = 5

_COLUMNS = ("generator", "n_synthetic", "seed", "fold", "correct", "total", *MEASURES)


@dataclass(frozen=True)
class Comparison:
    """One measure of one row, beside its baseline.

    Attributes
    ----------
    key, measure
        Which.
    expected, tolerance, found
        In the baseline, and now.
    """

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
        """Whether it lies below the band."""
        return not self.difference >= -self.tolerance - 1e-9

    @property
    def improved(self) -> bool:
        """Whether it lies above the band: the baseline may be raised."""
        return self.difference > self.tolerance


@dataclass(frozen=True)
class Gate:
    """What `compare` found.

    Attributes
    ----------
    rows
        Every measure of every row of the baseline.
    versions
        Package → version in the baseline, now; those that differ.
    more
        Rows of the table that the baseline lacks.
    """

    rows: tuple[Comparison, ...]
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)
    more: tuple[Key, ...] = ()

    @property
    def regressions(self) -> tuple[Comparison, ...]:
        """Those that fell."""
        return tuple(row for row in self.rows if row.regressed)

    @property
    def passed(self) -> bool:
        """Whether nothing fell."""
        return not self.regressions


@dataclass(frozen=True)
class Ways:
    """What to type where a table and a baseline do not fit.

    Attributes
    ----------
    table
        The command that makes the table.
    baseline
        The command that writes the baseline anew.
    """

    table: str = "faceprep classify"
    baseline: str = "--update --reason TEXT"


def summarise(table: "pd.DataFrame", ways: Ways | None = None) -> tuple[Entry, ...]:
    """Mean and tolerance of every row of an accuracy table, in the order of the table.

    Its first arm is the one that the others are held against, so another order is another table.
    Folds of a seed count by their test faces. The tolerance is `BAND` standard errors of the
    difference of two such means, √(2 / seeds)·s with s the standard deviation over the seeds, and
    never less than one test face in all; with one seed, `_FACES` test faces.

    Parameters
    ----------
    table
        Columns of ``accuracy.parquet`` (`manifests/README.md`).

    Raises
    ------
    FaceprepError
        A column is missing, a number is none, or a seed and fold occur twice.
    """
    table = checked_table(table, (ways or Ways()).table)
    entries = []
    for key, rows in table.groupby(["generator", "arm", "n_synthetic"], sort=False):
        generator, arm, count = cast("tuple[str, str, int]", key)
        seeds = [_seed(some) for _, some in rows.groupby("seed", sort=True)]
        total = min(faces for _, faces in seeds)
        value, tolerance = {}, {}
        for measure in MEASURES:
            values = np.array([means[measure] for means, _ in seeds])
            value[measure] = round(float(values.mean()), 6)
            tolerance[measure] = round(min(_tolerance(values, total), 1.0), 6)
        entries.append(
            Entry(str(generator), str(arm), int(count), value, tolerance, len(seeds), total)
        )
    return tuple(entries)


def checked_table(table: "pd.DataFrame", again: str) -> "pd.DataFrame":
    """Return an accuracy table with an arm in every row.

    Parameters
    ----------
    again
        The command that makes it.

    Raises
    ------
    FaceprepError
        A column is missing, a number is none, or a seed and fold occur twice.
    """
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise FaceprepError(f"the accuracy table lacks the column {missing[0]}", again)
    if not len(table):
        raise FaceprepError("the accuracy table is empty", again)
    numbers = table[["total", "correct", *MEASURES]].to_numpy(float)
    shares = table[list(MEASURES)].to_numpy(float)
    if not np.isfinite(numbers).all() or (shares < 0).any() or (shares > 1).any():
        raise FaceprepError("the accuracy table has a value that is no share from 0 to 1", again)
    if (table["total"] < 1).any() or (table["correct"] > table["total"]).any():
        raise FaceprepError("the accuracy table has a row without test faces", again)
    if "arm" not in table.columns:
        table = table.assign(arm="")
    keys = table[["generator", "arm", "n_synthetic", "seed", "fold"]].astype(str)
    if keys.duplicated().any():
        row = keys[keys.duplicated()].iloc[0].tolist()
        raise FaceprepError(f"the accuracy table has {' '.join(row)} twice", again)
    return table


def compare(
    baseline: Baseline,
    table: "pd.DataFrame",
    settings: Mapping[str, Any],
    versions: Mapping[str, str] | None = None,
    ways: Ways | None = None,
) -> Gate:
    """Hold an accuracy table against a baseline.

    Parameters
    ----------
    table
        Columns of ``accuracy.parquet``.
    settings
        Dotted key → value of everything that it was made with.
    versions
        Of the packages now.
    ways
        For the errors.

    Raises
    ------
    FaceprepError
        It lacks rows or seeds of the baseline, or its test faces are not as many.
    UsageError
        It was made with other settings.
    """
    ways = ways or Ways()
    _refuse_other_settings(baseline, settings, ways)
    found = {entry.key: entry for entry in summarise(table, ways)}
    missing = [entry for entry in baseline.entries if entry.key not in found]
    if missing:
        names = "; ".join(entry.name for entry in missing)
        raise FaceprepError(
            f"the table lacks {len(missing)} of {len(baseline.entries)} rows: {names}",
            ways.table,
        )
    rows = []
    for entry in baseline.entries:
        now = found[entry.key]
        _check_size(entry, now, ways)
        rows += [
            Comparison(entry.key, name, value, entry.tolerance[name], now.value[name])
            for name, value in entry.value.items()
        ]
    known = {entry.key for entry in baseline.entries}
    more = tuple(key for key in found if key not in known)
    return Gate(tuple(rows), differences(baseline.versions, versions or {}), more)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Key → value before and now, where they differ; None where there is none."""
    names = sorted({*before, *now})
    return {
        name: (before.get(name), now.get(name))
        for name in names
        if before.get(name) != now.get(name)
    }


def _refuse_other_settings(baseline: Baseline, settings: Mapping[str, Any], ways: Ways) -> None:
    changed = differences(baseline.settings, settings)
    if changed:
        words = [f"{name} {old} → {new}" for name, (old, new) in changed.items()]
        more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
        raise UsageError(
            "the table was made with other settings than the baseline: "
            + ", ".join(words[:_NAMED])
            + more,
            f"the settings of the baseline, or, if it is meant: {ways.baseline}",
        )


def _seed(rows: "pd.DataFrame") -> tuple[dict[str, float], int]:
    """Measures of one seed over its folds, and its test faces."""
    total = int(rows["total"].sum())
    means = {name: float(np.average(rows[name], weights=rows["total"])) for name in MEASURES}
    means["accuracy"] = float(rows["correct"].sum() / total)
    return means, total


def _tolerance(values: np.ndarray, total: int) -> float:
    if len(values) < _FEWEST_SEEDS:
        return _FACES / total
    error = float(values.std(ddof=1)) * math.sqrt(2 / len(values))
    return max(BAND * error, 1 / total)


def _check_size(entry: Entry, now: Entry, ways: Ways) -> None:
    if now.total != entry.total:
        raise FaceprepError(
            f"{entry.name}: tested on {now.total} faces, the baseline on {entry.total}",
            f"the dataset of the baseline, or, if it is meant: {ways.baseline}",
        )
    if now.seeds < entry.seeds:
        raise FaceprepError(
            f"{entry.name}: {now.seeds} seeds, the baseline has {entry.seeds}",
            ways.table,
        )
