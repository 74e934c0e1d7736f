"""Summarise an accuracy table as the entries of a baseline."""

import math
from typing import cast

import numpy as np
import pandas as pd

from faceprep.core.errors import Hint
from faceprep.evaluation.check.baseline import MEASURES, Entry
from faceprep.evaluation.check.table import checked_table

#: Width of the tolerance in standard errors of the difference of two means.
BAND = 3.0

#: Fewest seeds for a deviation.
_FEWEST_SEEDS = 2

#: Tolerance without a deviation, test faces.
_FACES = 2.0


def summarise(table: pd.DataFrame, make: Hint | None = None) -> tuple[Entry, ...]:
    """Return mean and tolerance of every row of an accuracy table, in the order of the table.

    The order is kept because gains are measured against the first arm. Folds of a seed are
    weighted by their test faces. The tolerance is `BAND` standard errors of the difference of two
    means, √(2 / seeds)·s with s the standard deviation over the seeds, and at least one test face;
    with one seed, it is `_FACES` test faces.

    Parameters
    ----------
    table
        Columns of ``accuracy.parquet`` (`manifests/README.md`).
    make
        Hint to make the table.

    Raises
    ------
    FaceprepError
        As `checked_table`.
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
