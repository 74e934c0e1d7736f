"""Mean and tolerance of planted tables."""

import numpy as np
import pandas as pd
import pytest
from builders.accuracy_table import SPREAD, TABLE, planted_table

from faceprep.evaluation.check.table import summarise


def test_a_row_is_the_mean_over_its_seeds_and_its_band_their_spread() -> None:
    first, second = summarise(TABLE)
    assert (first.name, first.seeds, first.total) == ("exprgan, flips, 0 synthetic", 5, 200)
    assert first.value == pytest.approx({"accuracy": 0.70, "balanced_accuracy": 0.69})
    assert second.value["accuracy"] == pytest.approx(0.80)
    deviation = np.std(SPREAD, ddof=1)
    assert first.tolerance["accuracy"] == pytest.approx(3 * deviation * np.sqrt(2 / 5), abs=1e-6)


def test_folds_count_by_their_faces() -> None:
    table = planted_table({0: 0.5}, seeds=1, folds=2)
    table.loc[1, ["total", "correct", "accuracy", "balanced_accuracy"]] = [100, 90, 0.9, 0.9]
    (entry,) = summarise(table)
    assert entry.total == 300
    assert entry.value["accuracy"] == pytest.approx((table["correct"].sum()) / 300, abs=1e-6)


def test_the_tolerance_is_at_least_one_face_and_two_for_one_seed() -> None:
    same = planted_table({0: 0.7}, seeds=1)
    again = pd.concat([same.assign(seed=seed) for seed in range(3)])
    assert summarise(again)[0].tolerance["accuracy"] == pytest.approx(1 / 200)
    assert summarise(same)[0].tolerance["accuracy"] == pytest.approx(2 / 200)
