import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceprep.metrics.agreement import (
    bootstrap_pearson,
    f1,
    icc_3_1,
    mean_absolute_error,
    pearson,
)

# Shrout and Fleiss (1979), table 2: six targets by four judges.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

ratings = arrays(np.float64, (20, 2), elements=st.integers(0, 50).map(lambda v: v / 10))


def correlated(r: float, n: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    x, noise = random.standard_normal((2, n))
    return np.stack([x, r * x + np.sqrt(1 - r * r) * noise], axis=1)


def test_icc_is_that_of_the_paper():
    assert icc_3_1(JUDGES) == pytest.approx(0.71, abs=0.005)


@given(ratings)
def test_icc_of_two_raters_has_a_closed_form(x):
    if (np.ptp(x, axis=0) == 0).any():
        assert np.isnan(icc_3_1(x))
        return
    (var_a, cov), (_, var_b) = np.cov(x.T)
    assert icc_3_1(x) == pytest.approx(2 * cov / (var_a + var_b))
    assert abs(icc_3_1(x)) <= abs(pearson(*x.T)) + 1e-9


def test_icc_depends_on_the_variance_of_a_rater_and_pearson_does_not():
    a, b = correlated(0.8, 200).T
    assert pearson(a, 3 * b + 1) == pytest.approx(pearson(a, b))
    assert icc_3_1(np.stack([a, b + 1], axis=1)) == pytest.approx(icc_3_1(np.stack([a, b], axis=1)))
    assert icc_3_1(np.stack([a, 3 * b], axis=1)) < 0.7 * icc_3_1(np.stack([a, b], axis=1))


@pytest.mark.parametrize(
    "x", [np.zeros((0, 2)), [[1, 2]], [[1, 2], [2, 3]], [[1, 1], [1, 2], [1, 3]], np.ones((9, 2))]
)
def test_undefined_correlations_are_nan(x):
    x = np.asarray(x, float)
    assert np.isnan(icc_3_1(x))
    assert np.isnan(pearson(x[:, 0], x[:, 1]))


def test_mean_absolute_error():
    assert mean_absolute_error([0, 1, 5], [1, 1, 3]) == 1
    assert np.isnan(mean_absolute_error([], []))


@given(arrays(bool, 30), arrays(bool, 30))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(known, claimed):
    hits = (known & claimed).sum()
    if not known.any():
        assert np.isnan(f1(known, claimed))
    elif not hits:
        assert f1(known, claimed) == 0
    else:
        precision, recall = hits / claimed.sum(), hits / known.sum()
        assert f1(known, claimed) == pytest.approx(2 / (1 / precision + 1 / recall))


def interval(x, subjects, **options):
    low, high = bootstrap_pearson(x[:, :1], x[:, 1:], np.asarray(subjects).astype(str), **options)
    return np.array([low, high])


def test_the_interval_of_independent_faces_is_that_of_fisher():
    x = correlated(0.6, 400)
    z, half = np.arctanh(pearson(*x.T)), 1.96 / np.sqrt(400 - 3)
    np.testing.assert_allclose(
        interval(x, range(400))[:, 0], np.tanh([z - half, z + half]), atol=0.03
    )


def test_more_faces_of_the_same_subjects_do_not_narrow_the_interval():
    x = correlated(0.6, 30)
    once, often = interval(x, range(30)), interval(np.tile(x, (8, 1)), list(range(30)) * 8)
    np.testing.assert_allclose(once, often)
    alone = interval(np.tile(x, (8, 1)), range(240))
    assert np.ptp(alone[:, 0]) < 0.6 * np.ptp(once[:, 0])


def test_the_same_seed_gives_the_same_interval():
    x = correlated(0.3, 50)
    np.testing.assert_array_equal(interval(x, range(50)), interval(x, range(50)))
    assert not np.array_equal(interval(x, range(50)), interval(x, range(50), seed=1))


def test_unrated_faces_and_columns_without_a_correlation_are_left_out():
    x = correlated(0.7, 60)
    a = np.stack([x[:, 0], x[:, 0], np.zeros(60)], axis=1)
    b = np.stack([x[:, 1], x[:, 1], x[:, 1]], axis=1)
    a[::2, 1] = np.nan
    low, high = bootstrap_pearson(a, b, np.arange(60).astype(str))
    assert np.isnan(low[2])
    assert np.isnan(high[2])
    half = pearson(x[1::2, 0], x[1::2, 1])
    assert low[1] < half < high[1]
    whole = pearson(*x.T)
    assert low[0] < whole < high[0]
    assert low[3] < (whole + half) / 2 < high[3]


@pytest.mark.parametrize("people", [0, 1, 4])
def test_few_people_give_no_interval(people):
    x = correlated(0.7, 10 * people)
    assert np.isnan(interval(x, np.repeat(range(people), 10))).all()


def test_a_column_rated_for_one_subject_has_no_interval():
    x = np.zeros((40, 2))
    x[:4] = [[1, 2], [2, 3], [3, 1], [4, 4]]
    assert np.isnan(interval(x, np.repeat(range(10), 4))).all()
