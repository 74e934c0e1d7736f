"""Test properties that hold for any weights, on the mean face and its movements."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprep.core.landmarks import FLIP_68, MOUTH_CORNERS, flip_points
from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.face_shape import MEASURES, mean_face
from faceprep.faces.action_units.landmark_estimator import (
    coefficients,
    estimate,
    reliability,
)

# Movements by AUs, left half and middle: points → (outwards, upwards) in eye distances.
MOVEMENTS = {
    "AU01": {(20, 21): (0, 1)},
    "AU02": {(17, 18, 19): (0, 1)},
    "AU04": {(19, 20, 21): (-0.5, -1)},
    "AU05": {(37, 38): (0, 0.4)},
    "AU12": {(48, 60): (1, 1)},
    "AU15": {(48, 60): (0, -1)},
    "AU25": {(66, 67, 57, 58): (0, -0.6), (61, 62, 50, 51): (0, 0.4)},
    "AU26": {(6, 7, 8, 57, 58, 59, 66, 67): (0, -1)},
    "AU45": {(37, 38): (0, -0.6)},
}


def front() -> np.ndarray:
    """Return the mean face in a 128-pixel crop."""
    return mean_face()[:, :2] * 40 + [64, 70]


def moved(au: str, amount: float) -> np.ndarray:
    """Return the mean face with one movement, in eye distances."""
    points = front()
    for indices, (outwards, upwards) in MOVEMENTS[au].items():
        for index in indices:
            for k in {index, int(FLIP_68[index])}:
                side = 0 if FLIP_68[k] == k else np.sign(points[k, 0] - 64)
                points[k] += amount * 40 * np.array([side * outwards, -upwards])
    return points


def seen_from(points: np.ndarray, yaw: float = 0, pitch: float = 0) -> np.ndarray:
    """Rotate a frontal face with the depth of the mean face, and project it."""
    solid = np.column_stack([(points - [64, 70]) / 40, mean_face()[:, 2]])
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return (solid @ (about_x @ about_y).T)[:, :2] * 40 + [64, 70]


def random_faces(seed: int, count: int = 4) -> np.ndarray:
    return front() + np.random.default_rng(seed).normal(0, 2, (count, 68, 2))


def intensity(points: np.ndarray, au: str, neutral: np.ndarray | None = None) -> float:
    rest = None if neutral is None else neutral[None]
    return float(estimate(points[None], rest).intensities[0, INTENSITY_AUS.index(au)])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-180, 180),
    st.floats(0.05, 40),
    st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
)
def test_place_size_and_roll_do_not_matter(seed, roll, scale, shift):
    faces = random_faces(seed)
    angle = np.radians(roll)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = scale * faces @ turn.T + np.array(shift)
    neutral = random_faces(seed + 1)
    for one, other in (
        (estimate(faces), estimate(there)),
        (estimate(faces, neutral), estimate(there, neutral * 3 + 5)),
    ):
        np.testing.assert_allclose(one.intensities, other.intensities, atol=0.002)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=0.002)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mirrored_face_has_the_same_aus(seed):
    faces, neutral = random_faces(seed), random_faces(seed + 1)
    one = estimate(faces, neutral)
    other = estimate(flip_points(faces, 128), flip_points(neutral, 128))
    np.testing.assert_allclose(one.intensities, other.intensities, atol=0.002)
    np.testing.assert_allclose(one.confidence, other.confidence, atol=0.002)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 30))
def test_estimates_stay_on_their_scales(seed, disorder):
    faces = front() + np.random.default_rng(seed).normal(0, disorder, (5, 68, 2))
    found = estimate(faces, random_faces(seed, 5))
    assert found.intensities.shape == (5, 17)
    assert found.presences.shape == (5, 18)
    assert found.presences.dtype == bool
    assert ((found.intensities >= 0) & (found.intensities <= 5)).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()


@pytest.mark.parametrize("au", MOVEMENTS)
@pytest.mark.parametrize("compared", [False, True], ids=["alone", "with neutral"])
def test_an_au_grows_with_its_movement(au, compared):
    neutral = front() if compared else None
    levels = [intensity(moved(au, amount), au, neutral) for amount in np.linspace(0, 0.3, 7)]
    assert (np.diff(levels) >= 0).all()
    assert levels[-1] > levels[0] + 0.3


@pytest.mark.parametrize("au", MOVEMENTS)
def test_with_a_neutral_face_the_au_that_moves_shows_most(au):
    found = estimate(moved(au, 0.12)[None], front()[None]).intensities[0]
    own = INTENSITY_AUS.index(au)
    assert found[own] > 0.3
    assert (np.delete(found, own) <= found[own] + 0.5).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_neutral_face_against_itself_shows_nothing(seed):
    faces = random_faces(seed)
    found = estimate(faces, faces)
    assert found.intensities.max() == 0
    assert not found.presences.any()


def test_moderate_turns_change_little_for_the_mean_face():
    straight = estimate(front()[None]).intensities[0]
    for yaw, pitch in ((15, 0), (-15, 0), (0, 10), (0, -10), (10, 8)):
        turned = estimate(seen_from(front(), yaw, pitch)[None])
        assert np.abs(turned.intensities[0] - straight).max() < 0.25


def test_confidence_falls_with_the_turn_and_with_disorder():
    frontal = estimate(front()[None]).confidence[0]
    turned = [estimate(seen_from(front(), yaw)[None]).confidence[0] for yaw in (0, 20, 30, 40, 60)]
    assert frontal == 1
    assert (np.diff(turned) < 0).any()
    assert (np.diff(turned) <= 0).all()
    assert turned[-1] == 0
    noise = np.random.default_rng(0).normal(0, 1, (68, 2))
    crooked = [estimate((front() + s * noise)[None]).confidence[0] for s in (0, 3, 6, 12)]
    assert (np.diff(crooked) <= 0).all()
    assert crooked[-1] == 0


def test_a_comparison_is_no_surer_than_its_neutral_face():
    face, turned = front()[None], seen_from(front(), 30)[None]
    assert estimate(face, turned).confidence == estimate(turned).confidence < 1


def test_missing_points_give_nan_and_leave_the_others_alone():
    faces = random_faces(3)
    broken = faces.copy()
    broken[1, 40, 0] = np.nan
    broken[2] = 7.0  # all points in one place
    found, whole = estimate(broken), estimate(faces)
    assert np.isnan(found.intensities[[1, 2]]).all()
    assert np.isnan(found.confidence[[1, 2]]).all()
    assert not found.presences[[1, 2]].any()
    np.testing.assert_array_equal(found.intensities[[0, 3]], whole.intensities[[0, 3]])


def test_a_missing_neutral_face_means_the_average_one():
    faces, neutral = random_faces(4), random_faces(5)
    neutral[2] = np.nan
    found = estimate(faces, neutral)
    np.testing.assert_array_equal(found.intensities[2], estimate(faces).intensities[2])
    assert not np.array_equal(found.intensities[0], estimate(faces).intensities[0])


def test_no_faces_no_estimates():
    found = estimate(np.zeros((0, 68, 2)))
    assert [len(part) for part in found] == [0, 0, 0]


def test_estimates_do_not_depend_on_the_company():
    faces, neutral = random_faces(6, 20), random_faces(7, 20)
    together = estimate(faces, neutral)
    alone = [estimate(faces[k : k + 1], neutral[k : k + 1]) for k in range(20)]
    np.testing.assert_array_equal(together.intensities, np.concatenate([a[0] for a in alone]))


@pytest.mark.parametrize("shape", [(68, 2), (3, 67, 2), (3, 68, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="68, 2"):
        estimate(np.zeros(shape))


def test_neutral_faces_must_match_in_number():
    with pytest.raises(ValueError, match="neutral"):
        estimate(np.zeros((3, 68, 2)), np.zeros((2, 68, 2)))


def test_every_au_has_numbers_and_an_honest_reliability():
    numbers = coefficients()
    assert (numbers.spread > 0).all()
    for weights in (numbers.still, numbers.change):
        assert weights.gains.shape[0] == len(PRESENCE_AUS)
        assert (np.abs(weights.gains).sum(axis=1) > 0).all()
    assert (numbers.change.offsets <= 0).all()  # a neutral face relative to itself shows nothing
    assert (numbers.change.thresholds > 0).all()
    assert set(reliability()) == set(INTENSITY_AUS)
    assert all(-1 <= value < 1 for value in reliability().values())


def test_a_single_face_is_read_from_all_distances_and_a_change_from_its_muscles():
    numbers = coefficients()
    assert (np.count_nonzero(numbers.still.gains, axis=1) > 20).all()
    assert (np.count_nonzero(numbers.change.gains, axis=1) <= 4).all()


@pytest.mark.parametrize("au", ["AU02", "AU06", "AU12", "AU25"])
def test_the_distances_of_a_muscle_keep_their_sign_beside_all_others(au):
    row = PRESENCE_AUS.index(au)
    drivers = {
        "AU02": {"outer brow height": 1, "middle brow height": 1},
        "AU06": {"lower lid height": 1, "eye opening": -1},
        "AU12": {"mouth corner lift": 1, "mouth corner height": 1, "inner mouth width": 1},
        "AU25": {"lip gap": 1, "mouth height": 1},
    }[au]
    gains = dict(zip(MEASURES, coefficients().still.gains[row], strict=True))
    assert all(sign * gains[name] > 0 for name, sign in drivers.items())


def test_the_mean_face_is_symmetric_and_looks_out_of_the_picture():
    face = mean_face()
    np.testing.assert_allclose(face[FLIP_68] * [-1, 1, 1], face, atol=1e-6)
    assert face[30, 2] > face[list(MOUTH_CORNERS), 2].max() > face[0, 2]  # nose, mouth, ear
    assert face[8, 1] > face[57, 1] > face[33, 1] > face[39, 1] > face[19, 1]  # chin below brow
