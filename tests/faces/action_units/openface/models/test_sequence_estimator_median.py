import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.faces.action_units.openface.models import sequence_estimator as module
from faceprep.faces.action_units.openface.models.sequence_estimator import (
    GEOMETRY_BINS,
    HOG_BINS,
    Bins,
    RunningMedian,
)


def by_histogram(vectors: np.ndarray, bins: Bins) -> np.ndarray:
    """Compute the median as OpenFace does: cumulative histograms of all elements."""
    if len(vectors) == 1:
        return vectors[0]
    width = (bins.high - bins.low) / bins.number
    medians = []
    for values in vectors.T:
        histogram = [0] * bins.number
        for value in values:
            place = int((value - bins.low) * bins.number / (bins.high - bins.low))
            histogram[min(max(place, 0), bins.number - 1)] += 1
        total, place = histogram[0], 0
        while total < (len(vectors) + 1) // 2:
            place += 1
            total += histogram[place]
        medians.append(bins.low + place * width + width / 2)
    return np.array(medians)


@given(
    st.lists(st.lists(st.floats(-2, 3), min_size=3, max_size=3), min_size=1, max_size=25),
    st.sets(st.integers(0, 24)),
    st.sampled_from([0, 4, 100]),
)
def test_the_median_is_that_of_the_histograms_whenever_it_is_asked_for(rows, asked, few):
    vectors, bins = np.array(rows), Bins(-1.0, 2.0, 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW", few)
        median = RunningMedian(3, bins)
        for count, vector in enumerate(vectors, 1):
            median.add(vector)
            if count in asked or count == len(vectors):
                np.testing.assert_allclose(median.value(), by_histogram(vectors[:count], bins))


@pytest.mark.parametrize("few", [3, 100])
@pytest.mark.parametrize(("bins", "low", "high"), [(HOG_BINS, 0, 0.4), (GEOMETRY_BINS, -70, 70)])
def test_bins_of_openface(monkeypatch, few, bins, low, high):
    monkeypatch.setattr(module, "FEW", few)
    vectors = np.random.default_rng(4).uniform(low, high, (9, 40))
    median = RunningMedian(40, bins)
    for vector in vectors:
        median.add(vector)
    np.testing.assert_allclose(median.value(), by_histogram(vectors, bins), atol=1e-12)


def test_the_median_is_within_half_a_bin_of_the_true_one():
    vectors = np.random.default_rng(5).uniform(0, 0.9, (31, 60))
    median = RunningMedian(60, HOG_BINS)
    for vector in vectors:
        median.add(vector)
    half = (HOG_BINS.high - HOG_BINS.low) / HOG_BINS.number / 2
    assert np.abs(median.value() - np.median(vectors, axis=0)).max() <= half + 1e-12


def test_one_vector_is_its_own_median_and_none_is_zero():
    median = RunningMedian(2, GEOMETRY_BINS)
    np.testing.assert_array_equal(median.value(), [0, 0])
    median.add(np.array([1.2345, -80.0]))
    np.testing.assert_array_equal(median.value(), [1.2345, -80.0])
    median.value()[:] = 7
    assert median.value()[0] == 1.2345


def test_what_lies_outside_goes_into_the_end_bins():
    median = RunningMedian(2, GEOMETRY_BINS)
    for _ in range(3):
        median.add(np.array([-500.0, 500.0]))
    np.testing.assert_allclose(median.value(), [-59.994, 59.994])
