"""Read, validate and summarise the accuracy table of a workspace."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from faceprep.core.errors import FaceprepError, Hint, Remedy, UsageError
from faceprep.evaluation.check.baseline import MEASURES, Entry
from faceprep.workspace import Workspace
from faceprep.workspace.inputs import changed_since
from faceprep.workspace.manifest import read_provenance

#: Path of the table of ``classify`` in a workspace.
TABLE = Path("classify") / "accuracy.parquet"

_COLUMNS = ("generator", "n_synthetic", "seed", "fold", "correct", "total", *MEASURES)


def read_table(root: Path, make: Hint | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows of a workspace's accuracy table, and its metadata.

    `make` is the hint to make the table; None uses the recorded settings.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        It is damaged, or its inputs have changed since.
    """
    path = root / TABLE
    if not path.is_file():
        raise UsageError(f"no accuracy table {path}", make or remake(root))
    try:
        table, record = pd.read_parquet(path), read_provenance(path)
    except (OSError, ValueError, FaceprepError) as error:
        raise FaceprepError(f"{path} cannot be read: {error}", make or remake(root)) from None
    why = changed_since(Workspace(root), record.get("made_of"))
    if why:
        raise FaceprepError(f"{path} is out of date: {why}", make or remake(root, record))
    return table, record


def remake(root: Path, record: Mapping[str, Any] | None = None) -> Remedy:
    """Return the command that makes the table of a workspace again."""
    return Remedy("classify", root, table_settings(root, record), resume=True)


def table_settings(root: Path, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the settings of ``classify`` from the table, or from its JSON report."""
    settings = (record or {}).get("settings")
    if not settings:
        settings = read_json(root / TABLE.with_suffix(".json")).get("settings")
    return dict(settings) if isinstance(settings, Mapping) else {}


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty if it is missing or damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def checked_table(table: pd.DataFrame, make: Hint | None = None) -> pd.DataFrame:
    """Return an accuracy table with an arm in every row; `make` is the hint to make it.

    FaceprepError if a column is missing, a value is out of range, or a seed and fold occur twice.
    """
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise FaceprepError(f"the accuracy table lacks the column {missing[0]}", make)
    if not len(table):
        raise FaceprepError("the accuracy table is empty", make)
    numbers = table[["total", "correct", *MEASURES]].to_numpy(float)
    shares = table[list(MEASURES)].to_numpy(float)
    if not np.isfinite(numbers).all() or (shares < 0).any() or (shares > 1).any():
        raise FaceprepError("the accuracy table has a value that is no share from 0 to 1", make)
    if (table["total"] < 1).any() or (table["correct"] > table["total"]).any():
        raise FaceprepError("the accuracy table has a row without test faces", make)
    if "arm" not in table.columns:
        table = table.assign(arm="")
    keys = table[["generator", "arm", "n_synthetic", "seed", "fold"]].astype(str)
    if keys.duplicated().any():
        row = keys[keys.duplicated()].iloc[0].tolist()
        raise FaceprepError(f"the accuracy table has {' '.join(row)} twice", make)
    return table


#: Width of the tolerance in standard errors of the difference of two means.
BAND = 3.0

#: Fewest seeds for a deviation.
_FEWEST_SEEDS = 2

#: Tolerance without a deviation, test faces.
_FACES = 2.0


def summarise(table: pd.DataFrame, make: Hint | None = None) -> tuple[Entry, ...]:
    """Return mean and tolerance of every row of an accuracy table, in the order of the table.

    The order is kept because gains are measured against the first arm. Folds of a seed are weighted
    by their test faces. The tolerance is `BAND` standard errors of the difference of two means, √(2
    / seeds)·s with s the standard deviation over the seeds, and at least one test face; with one
    seed, it is `_FACES` test faces. `make` and errors are those of `checked_table`.
    """
    table = checked_table(table, make)
    entries = []
    for key, rows in table.groupby(["generator", "arm", "n_synthetic"], sort=False):
        generator, arm, count = cast(tuple[str, str, int], key)
        seeds = [_seed_means(some) for _, some in rows.groupby("seed", sort=True)]
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


def _seed_means(rows: pd.DataFrame) -> tuple[dict[str, float], int]:
    """Return the measures of one seed over its folds, and its number of test faces."""
    total = int(rows["total"].sum())
    means = {name: float(np.average(rows[name], weights=rows["total"])) for name in MEASURES}
    means["accuracy"] = float(rows["correct"].sum() / total)
    return means, total


def _tolerance(values: np.ndarray, total: int) -> float:
    if len(values) < _FEWEST_SEEDS:
        return _FACES / total
    error = float(values.std(ddof=1)) * math.sqrt(2 / len(values))
    return max(BAND * error, 1 / total)
