import numpy as np
import pytest

from faceprep.faces.action_units.openface.models import sequence_estimator as video
from faceprep.faces.action_units.openface.models.linear_predictors import (
    DESCRIPTOR_SIZE,
    GEOMETRY_SIZE,
    HOG_SIZE,
    LinearPredictors,
)
from faceprep.faces.action_units.openface.models.sequence_estimator import (
    SequenceEstimator,
    calibrate,
    smooth_intensities,
    smooth_presences,
)


@pytest.fixture(scope="module")
def predictors() -> LinearPredictors:
    """Draw random predictors, half of them person-specific, with scores from 0 to 5."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.3, (35, DESCRIPTOR_SIZE))
    weights[:, HOG_SIZE:] *= 0.05
    dynamic = np.arange(35) % 2 == 0
    cutoffs = np.where(dynamic[:17], rng.uniform(0.2, 0.8, 17), np.nan)
    negative = np.arange(18) % 3 == 0
    means = np.repeat(rng.uniform(0, 0.3, (1, DESCRIPTOR_SIZE)), 35, axis=0)
    biases = rng.normal(0, 1, 35)
    return LinearPredictors(weights, means, biases, dynamic, cutoffs, ~negative, negative)


def frames(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    person = rng.uniform(0, 0.4, HOG_SIZE)
    hog = np.clip(person + rng.normal(0, 0.05, (count, HOG_SIZE)), 0, 0.9)
    return hog.astype(np.float32), rng.normal(0, 6, (count, GEOMETRY_SIZE)).astype(np.float32)


def frame_by_frame(predictors, hog, geometry, success, initial):
    """Implement the description of OpenFace's video step with complete histograms."""
    sizes, lows, highs = (1000, 10_000), (-0.005, -60.0), (1.0, 60.0)
    counts = [np.zeros((d.shape[1], n), int) for d, n in zip((hog, geometry), sizes, strict=True)]
    medians = [np.zeros(hog.shape[1]), np.zeros(geometry.shape[1])]
    kept, online, faces = {}, [], 0

    def score(vector):
        rows = []
        for k in range(35):
            minus = np.concatenate(medians) if predictors.person_specific[k] else 0
            centred = vector - predictors.means[k] - minus
            rows.append(centred @ predictors.weights[k] + predictors.biases[k])
        return np.array(rows)

    for t, face in enumerate(success, 1):
        parts = [hog[t - 1].astype(float), geometry[t - 1].astype(float)]
        if t % 2 == 1 and face:
            for p, (part, n, low, high) in enumerate(zip(parts, sizes, lows, highs, strict=True)):
                place = np.clip((part - low) * n / (high - low), 0, n - 1).astype(int)
                counts[p][np.arange(len(part)), place] += 1
                total = counts[p][0].sum()
                first = (counts[p].cumsum(axis=1) >= (total + 1) // 2).argmax(axis=1)
                medians[p] = part if total == 1 else low + (first + 0.5) * (high - low) / n
            medians[0][medians[0] < 0] = 0
        vector = np.concatenate(parts) if face else np.zeros(DESCRIPTOR_SIZE)
        online.append(score(vector))
        faces += face
        if face and faces <= initial:
            kept[t - 1] = vector
    for t, vector in kept.items():
        online[t] = score(vector)

    scores = np.array(online)
    values, classes = scores[:, :17].copy(), np.zeros((len(scores), 18))
    for au in range(17):
        good = sorted(values[success, au])
        if predictors.person_specific[au]:
            values[:, au] -= good[int(len(good) * predictors.cutoffs[au])]
        values[:, au] = np.where(success, values[:, au].clip(0, 5), 0)
    for au in range(18):
        says = np.where(scores[:, 17 + au] > 0, predictors.positive[au], predictors.negative[au])
        classes[:, au] = np.where(success, says, 0)
    means, votes = values.copy(), classes.copy()
    for t in range(1, len(values) - 1):
        means[t] = (values[t - 1] + values[t] + values[t + 1]) / 3
    for t in range(3, len(values) - 3):
        votes[t] = classes[t - 3 : t + 4].sum(axis=0) / 7 >= 0.5
    return means, votes == 1


@pytest.mark.parametrize("initial", [3000, 5])
@pytest.mark.parametrize("lost", [[], [0, 3, 4, 5, 11]])
def test_a_sequence_is_judged_as_described(predictors, monkeypatch, initial, lost):
    monkeypatch.setattr(video, "INITIAL_FRAMES", initial)
    hog, geometry = frames(16)
    success = np.ones(16, bool)
    success[lost] = False
    estimator = SequenceEstimator(predictors)
    for start, stop in ((0, 6), (6, 7), (7, 16)):
        estimator.add(hog[start:stop], geometry[start:stop], success[start:stop])
    intensities, presences = estimator.estimate()
    wanted, votes = frame_by_frame(predictors, hog, geometry, success, initial)
    assert 0.2 < (wanted > 0).mean() < 0.95
    np.testing.assert_allclose(intensities, wanted, atol=1e-6)
    np.testing.assert_array_equal(presences, votes)


def test_frames_beyond_the_first_do_not_see_the_future(predictors, monkeypatch):
    monkeypatch.setattr(video, "INITIAL_FRAMES", 4)
    hog, geometry = frames(20)
    results = []
    for count in (12, 20):
        estimator = SequenceEstimator(predictors)
        estimator.add(hog[:count], geometry[:count], np.ones(count, bool))
        results.append(estimator.estimate()[1])
    # Presences have no shift by quantiles: frame 8 depends only on frames 5 to 11.
    np.testing.assert_array_equal(results[0][8], results[1][8])


def test_what_a_lost_frame_holds_does_not_matter(predictors):
    hog, geometry = frames(9)
    success = np.arange(9) != 4
    results = []
    for rubbish in (0.0, 0.7, np.nan):
        estimator = SequenceEstimator(predictors)
        hog[4], geometry[4] = rubbish, rubbish
        estimator.add(hog, geometry, success)
        results.append(estimator.estimate())
    for intensities, presences in results[1:]:
        np.testing.assert_array_equal(intensities, results[0][0])
        np.testing.assert_array_equal(presences, results[0][1])


def test_a_person_who_does_not_move_shows_nothing_person_specific(predictors):
    hog, geometry = (np.repeat(part, 10, axis=0) for part in frames(1))
    estimator = SequenceEstimator(predictors)
    estimator.add(hog, geometry, np.ones(10, bool))
    intensities, _ = estimator.estimate()
    assert np.abs(intensities[:, predictors.person_specific[:17]]).max() < 1e-9
    assert intensities[:, ~predictors.person_specific[:17]].max() > 0.5


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_short_sequences_and_faceless_ones(predictors, count):
    hog, geometry = frames(count)
    for success in (np.ones(count, bool), np.zeros(count, bool)):
        estimator = SequenceEstimator(predictors)
        estimator.add(hog, geometry, success)
        intensities, presences = estimator.estimate()
        assert intensities.shape == (count, 17)
        assert presences.shape == (count, 18)
        assert np.isfinite(intensities).all()
        if not success.any():
            assert not intensities.any()
            assert not presences.any()


def test_calibration_shifts_by_the_quantile_of_successful_frames():
    values = np.tile(np.array([[4.0], [1], [2], [9], [3]]), (1, 17))
    success = np.array([True, True, True, False, True])
    cutoffs = np.full(17, np.nan)
    cutoffs[0], cutoffs[1] = 0.5, 0.75  # third and fourth of 1, 2, 3, 4
    result = calibrate(values, success, cutoffs)
    np.testing.assert_array_equal(result[:, 0], [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(result[:, 1], [0, 0, 0, 0, 0])
    np.testing.assert_array_equal(result[:, 2], [4, 1, 2, 0, 3])


def test_windows_of_three_and_seven_frames_leave_the_ends_alone():
    values = np.zeros((9, 17))
    values[[0, 4], 0] = 3.0
    np.testing.assert_allclose(smooth_intensities(values)[:, 0], [3, 1, 0, 1, 1, 1, 0, 0, 0])
    votes = np.zeros((9, 18), bool)
    votes[[0, 1, 2, 6], 0] = True
    assert smooth_presences(votes)[:, 0].tolist() == [1, 1, 1, 1, 0, 0, 1, 0, 0]
