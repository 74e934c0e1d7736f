import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.report import Report
from faceprep.datasets.splits import (
    draw,
    fill,
    folds_by_draw,
    folds_by_rank,
    note_given_split,
    random_split,
    random_splits,
    refuse_shared,
)

NAMES = st.lists(st.text(max_size=8), unique=True, max_size=60)


def test_the_draw_is_the_same_on_every_machine():
    assert draw(0, "P001") == pytest.approx(0.38924031, abs=1e-8)
    assert draw(1, "P001") != draw(0, "P001")


def test_fractions_are_met_in_the_large():
    select = SelectConfig(test_fraction=0.2, val_fraction=0.1)
    counts = Counter(random_split(str(k), select) for k in range(20_000))
    assert counts["test"] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert counts["val"] / 20_000 == pytest.approx(0.1, abs=0.01)


def test_raising_the_fraction_moves_subjects_one_way_only():
    few, more = SelectConfig(test_fraction=0.1), SelectConfig(test_fraction=0.3)
    tested = {k for k in map(str, range(500)) if random_split(k, few) == "test"}
    assert tested <= {k for k in map(str, range(500)) if random_split(k, more) == "test"}


@given(NAMES, st.integers(2, 12))
def test_folds_differ_by_one_subject_at_most(names, folds):
    for dealt in (folds_by_rank(names, folds), folds_by_draw(names, folds, 0)):
        sizes = Counter(dealt.values())
        assert set(dealt) == set(names)
        assert max(sizes.values(), default=0) - min(sizes.get(k, 0) for k in range(folds)) <= 1


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(0, 200))
def test_filling_never_overshoots(sizes, frames):
    table = dict(enumerate(sizes))
    taken = fill(table, list(table), frames)
    total = sum(table[k] for k in taken)
    assert total <= frames
    assert total == frames or all(table[k] > frames - total for k in table if k not in taken)


def test_filling_exchanges_a_subject_to_meet_the_number():
    assert fill({0: 5, 1: 4, 2: 6}, [0, 1, 2], 10) == {1, 2}


def test_shared_subjects_are_refused_by_name():
    refuse_shared([], "x", "hint")
    with pytest.raises(UsageError, match="3 subjects into more than one part: A, B, C"):
        refuse_shared(["A", "B", "C"], "table", "hint")


FRACTIONS = st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])


@given(NAMES, FRACTIONS, st.sampled_from([0.0, 0.05]), st.integers(0, 50))
def test_every_part_that_is_wanted_has_somebody_if_there_are_enough(names, test, val, seed):
    select = SelectConfig(test_fraction=test, val_fraction=val, seed=seed)
    parts = random_splits(names, select)
    assert set(parts) == set(names)
    counts = Counter(parts.values())
    assert counts["train"] >= min(len(names), 1)
    assert counts["test"] >= (test > 0 and len(names) > 1)
    assert counts["val"] >= (val > 0 and len(names) > 1 + (test > 0))
    for part, fraction in (("test", test), ("val", val)):
        share = fraction * len(names)
        assert counts[part] <= max(math.ceil(2 * share), share > 0)
        assert counts[part] >= math.floor(share / 2) or counts["train"] <= 1


def test_ten_people_have_a_test_person_with_every_seed():
    names = [f"P{k:03d}" for k in range(10)]
    for seed in range(300):
        select = SelectConfig(seed=seed)
        parts = random_splits(names, select)
        drawn = {name: random_split(name, select) for name in names}
        assert {"train", "test"} <= set(parts.values())
        tested = [name for name, part in parts.items() if part == "test"]
        if 1 <= list(drawn.values()).count("test") <= 4:
            assert parts == drawn
        else:
            assert tested == sorted(names, key=lambda name: draw(seed, name))[:2]


def test_one_person_is_for_training():
    for seed in range(20):
        assert random_splits(["Ann"], SelectConfig(seed=seed)) == {"Ann": "train"}


def test_fractions_beside_a_split_of_the_dataset_are_noted() -> None:
    report = Report()
    note_given_split(report, SelectConfig())
    assert not list(report.notes)
    note_given_split(report, SelectConfig(test_fraction=0.6))
    assert list(report.notes) == [
        "the dataset's own split is used, not select.test_fraction: select.split=random draws"
    ]
    note_given_split(report, SelectConfig(seed=3))
    assert len(report.notes) == 1
    note_given_split(report, SelectConfig(seed=3), "seed")
    assert len(report.notes) == 2
