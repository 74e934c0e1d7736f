import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.core import landmarks
from faceprep.core.landmarks import FLIP_68, GROUPS, flip_points


def test_the_groups_hold_every_point_once():
    assert sorted(index for group in GROUPS.values() for index in group) == list(range(68))


def test_flip_is_its_own_inverse_and_a_permutation():
    assert np.array_equal(FLIP_68[FLIP_68], np.arange(68))
    assert sorted(FLIP_68) == list(range(68))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (landmarks.LEFT_EYE, landmarks.RIGHT_EYE),
        (landmarks.LEFT_BROW, landmarks.RIGHT_BROW),
        (landmarks.OUTER_LIPS, landmarks.OUTER_LIPS),
        (landmarks.INNER_LIPS, landmarks.INNER_LIPS),
        (landmarks.JAW, landmarks.JAW),
    ],
)
def test_each_part_becomes_its_opposite(here, there):
    assert set(FLIP_68[list(here)]) == set(there)


def test_points_on_the_middle_line_stay():
    middle = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    assert [i for i in range(68) if FLIP_68[i] == i] == middle


def test_upper_lid_stays_upper_lid():
    assert list(FLIP_68[[36, 37, 38, 39, 40, 41]]) == [45, 44, 43, 42, 47, 46]


@given(st.integers(1, 4000), st.integers(0, 2**32 - 1))
def test_flipping_twice_changes_nothing(width, seed):
    points = np.random.default_rng(seed).uniform(-50, width + 50, (3, 68, 2))
    np.testing.assert_allclose(flip_points(flip_points(points, width), width), points, atol=1e-9)


def test_a_flip_moves_points_with_the_pixels():
    image = np.zeros((20, 31))
    points = np.tile([[4.0, 7.0]], (68, 1))
    image[7, 4] = 1
    x, y = flip_points(points, image.shape[1])[0].astype(int)
    assert image[:, ::-1][y, x] == 1


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="68, 2"):
        flip_points(np.zeros((5, 2)), 128)
