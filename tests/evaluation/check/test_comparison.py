"""Planted tables against their baseline."""

import numpy as np
import pandas as pd
import pytest
from builders.accuracy_table import TABLE, baseline_of, planted_table

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.evaluation.check.comparison import compare, differences


@pytest.mark.parametrize(
    ("fall", "passes"), [(0.0, True), (0.02, True), (0.05, False), (0.4, False), (-0.1, True)]
)
def test_a_mean_below_its_tolerance_fails(fall: float, passes: bool) -> None:
    gate = compare(
        baseline_of(TABLE), planted_table({0: 0.70, 3000: 0.80 - fall}), {"train.steps": 300}
    )
    assert gate.passed is passes
    fell = {(row.key[2], row.measure) for row in gate.regressions}
    both = {(3000, "accuracy"), (3000, "balanced_accuracy")}
    assert fell == (set() if passes else both)
    assert all(row.improved == (fall < 0 and row.key[2] == 3000) for row in gate.rows)


def test_more_rows_than_the_baseline_pass_and_fewer_fail() -> None:
    more = planted_table({0: 0.70, 3000: 0.80, 6000: 0.1})
    gate = compare(baseline_of(TABLE), more, {"train.steps": 300})
    assert gate.passed
    assert gate.more == (("exprgan", "flips", 6000),)
    with pytest.raises(FaceprepError, match="lacks 1 of 2 rows: exprgan, flips, 3000") as error:
        compare(baseline_of(TABLE), planted_table({0: 0.70}), {"train.steps": 300})
    assert spell(error.value.hint) == "faceprep classify"
    other = planted_table({0: 0.7, 3000: 0.8}, arm="mixup")
    with pytest.raises(FaceprepError, match="lacks 2 of 2 rows"):
        compare(baseline_of(TABLE), other, {"train.steps": 300})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            planted_table({0: 0.70, 3000: 0.80}, total=100),
            "tested on 100 faces, the baseline on 200",
        ),
        (planted_table({0: 0.70, 3000: 0.80}, seeds=3), "3 seeds, the baseline has 5"),
        (TABLE.drop(columns="balanced_accuracy"), "lacks the column balanced_accuracy"),
        (TABLE.iloc[:0], "is empty"),
        (TABLE.assign(accuracy=np.nan), "no share from 0 to 1"),
        (TABLE.assign(total=0), "without test faces"),
        (pd.concat([TABLE, TABLE.iloc[:1]]), "exprgan flips 0 0 -1 twice"),
    ],
)
def test_a_table_that_cannot_be_compared(table: pd.DataFrame, words: str) -> None:
    with pytest.raises(FaceprepError, match=words):
        compare(baseline_of(TABLE), table, {"train.steps": 300})


def test_other_settings_are_named() -> None:
    with pytest.raises(FaceprepError, match=r"train.steps 300 → 3") as error:
        compare(baseline_of(TABLE), TABLE, {"train.steps": 3})
    assert error.value.exit_code == 2
    assert differences({"a": 1, "b": 2}, {"b": 2, "c": 3}) == {"a": (1, None), "c": (None, 3)}


def test_other_versions_are_reported_and_pass() -> None:
    gate = compare(baseline_of(TABLE), TABLE, {"train.steps": 300}, {"torch": "2.7.0"})
    assert gate.passed
    assert gate.versions == {"torch": ("2.6.0", "2.7.0")}
