"""Accuracy with intervals over subjects: closed forms, planted differences."""

import math

import numpy as np
import pytest
from builders.predictions import faces_of, predictions
from hypothesis import given
from hypothesis import strategies as st

from faceprep.metrics.accuracy import accuracy_of, gain_of, mcnemar
from faceprep.metrics.predictions import Predictions


def test_a_share_of_independent_faces_has_the_normal_interval() -> None:
    labels, subjects = faces_of(400, 1)
    right = np.arange(400)[None] % 10 < 7
    found = accuracy_of(predictions(right, np.arange(400) // 7 % 2, subjects))
    assert found.accuracy.value == pytest.approx(0.7)
    half = 1.96 * math.sqrt(0.7 * 0.3 / 400)
    assert found.accuracy.low == pytest.approx(0.7 - half, abs=0.006)
    assert found.accuracy.high == pytest.approx(0.7 + half, abs=0.006)
    assert labels.sum() == 0  # `people` gives one expression only for one face


def test_copies_of_a_face_do_not_narrow_the_interval() -> None:
    """Twenty equal frames of each of 40 subjects give the interval of 40 faces."""
    labels, subjects = faces_of(40, 20)
    right = np.repeat(np.arange(40) % 4 != 0, 20)[None]
    found = accuracy_of(predictions(right, labels, subjects)).accuracy
    half = 1.96 * math.sqrt(0.75 * 0.25 / 40)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.15)


def test_balanced_accuracy_is_the_mean_recall() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    subjects = np.array([f"S{i % 10}" for i in range(100)])
    right = np.concatenate([np.ones(90, bool), np.zeros(10, bool)])[None]
    found = accuracy_of(predictions(right, labels, subjects))
    assert found.accuracy.value == pytest.approx(0.9)
    assert found.balanced.value == pytest.approx(0.5)


def test_a_clip_is_predicted_by_all_of_its_frames() -> None:
    labels, subjects = np.zeros(6, int), np.repeat(["A", "B"], 3)
    clips = np.array(["A/1"] * 3 + ["B/1"] * 3)
    scores = np.log(np.array([[[0.6, 0.4], [0.6, 0.4], [0.05, 0.95]] + [[0.9, 0.1]] * 3]))
    found = accuracy_of(Predictions(labels, subjects, clips, scores))
    assert found.accuracy.value == pytest.approx(5 / 6)
    assert found.clip.value == pytest.approx(0.5)  # the third frame outweighs the other two
    assert math.isnan(accuracy_of(Predictions(labels, subjects, np.full(6, ""), scores)).clip.value)


def test_few_people_get_no_interval() -> None:
    labels, subjects = faces_of(4, 10)
    found = accuracy_of(predictions(np.ones((1, 40), bool), labels, subjects)).accuracy
    assert found.value == 1
    assert math.isnan(found.low)


def test_seeds_are_averaged_and_their_deviation_is_reported() -> None:
    labels, subjects = faces_of(10, 2)
    right = np.stack([np.ones(20, bool), np.arange(20) < 10])
    found = accuracy_of(predictions(right, labels, subjects))
    assert found.by_seed == (1.0, 0.5)
    assert found.accuracy.value == pytest.approx(0.75)
    assert found.spread == pytest.approx(np.std([1, 0.5], ddof=1))


def test_an_equal_gain_of_all_subjects_has_a_narrow_interval() -> None:
    """Subjects differ widely, but each gains two faces of ten: the paired interval is narrow."""
    random = np.random.default_rng(0)
    labels, subjects = faces_of(30, 10)
    base = np.concatenate([np.arange(10) < random.integers(0, 9) for _ in range(30)])
    gained = base.copy()
    for start in range(0, 300, 10):
        wrong = np.flatnonzero(~base[start : start + 10])[:2]
        gained[start + wrong] = True
    this, other = (predictions(one[None], labels, subjects) for one in (gained, base))
    gain = gain_of(this, other)
    assert gain.accuracy.value == pytest.approx(0.2)
    assert (gain.accuracy.low, gain.accuracy.high) == (pytest.approx(0.2), pytest.approx(0.2))
    alone = accuracy_of(other).accuracy
    assert alone.high - alone.low > 0.1
    assert (gain.only_this, gain.only_other) == (60, 0)
    assert gain.mcnemar < 1e-15
    errors = 1 - base.mean()
    assert gain.error_reduction.value == pytest.approx(0.2 / errors)


def test_the_interval_of_a_chance_gain_includes_zero() -> None:
    random = np.random.default_rng(1)
    labels, subjects = faces_of(20, 10)
    two = [predictions(random.random((3, 200)) < 0.7, labels, subjects) for _ in range(2)]
    gain = gain_of(*two)
    assert gain.accuracy.low < 0 < gain.accuracy.high
    assert gain.mcnemar > 0.01


def test_without_errors_there_is_no_error_reduction() -> None:
    labels, subjects = faces_of(10, 2)
    perfect = predictions(np.ones((1, 20), bool), labels, subjects)
    assert math.isnan(gain_of(perfect, perfect).error_reduction.value)


@pytest.mark.parametrize(("wrong", "told"), [(1, False), (5, True)])
def test_an_error_reduction_of_few_subjects_has_no_interval(wrong: int, told: bool) -> None:
    """Expect no interval: with one erring subject of 8, a third of the resamples have no errors."""
    labels, subjects = faces_of(8, 10)
    right = np.ones((1, 80), bool)
    some = right.copy()
    some[0, : 10 * wrong : 10] = False
    gain = gain_of(predictions(right, labels, subjects), predictions(some, labels, subjects))
    assert gain.error_reduction.value == 1
    ends = [gain.error_reduction.low, gain.error_reduction.high]
    assert ends == ([1, 1] if told else pytest.approx([math.nan] * 2, nan_ok=True))
    assert gain.accuracy.low < gain.accuracy.value < gain.accuracy.high


def test_a_gain_needs_the_same_faces() -> None:
    labels, subjects = faces_of(10, 2)
    one = predictions(np.ones((1, 20), bool), labels, subjects)
    other = predictions(np.ones((1, 20), bool), labels, subjects[::-1])
    with pytest.raises(ValueError, match="same faces"):
        gain_of(one, other)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(won: int, lost: int) -> None:
    tail = sum(math.comb(won + lost, k) for k in range(min(won, lost) + 1))
    expected = min(1.0, 2 * tail / 2 ** (won + lost))
    assert mcnemar(won, lost) == pytest.approx(expected, rel=1e-9)
