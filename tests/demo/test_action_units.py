"""Action units move landmarks in the right directions."""

import numpy as np
import pytest

from faceprep.demo.action_units import AU_NAMES, displace, sided
from faceprep.demo.anatomy import MIRROR_68, neutral_landmarks
from faceprep.demo.identity import Identity, sample_identity
from faceprep.demo.surface import build_surface

UP, DOWN = -1.0, 1.0

# action unit, landmark, axis (0 x, 1 y), direction
MOVES = [
    ("AU01", 21, 1, UP), ("AU02", 18, 1, UP), ("AU04", 21, 1, DOWN), ("AU04", 21, 0, 1.0),
    ("AU05", 37, 1, UP), ("AU06", 41, 1, UP), ("AU07", 40, 1, UP), ("AU09", 31, 1, UP),
    ("AU10", 50, 1, UP), ("AU12", 48, 1, UP), ("AU12", 48, 0, -1.0), ("AU12", 54, 0, 1.0),
    ("AU14", 48, 0, -1.0), ("AU15", 48, 1, DOWN), ("AU17", 57, 1, UP), ("AU20", 48, 0, -1.0),
    ("AU23", 57, 1, UP), ("AU25", 66, 1, DOWN), ("AU25", 62, 1, UP), ("AU26", 8, 1, DOWN),
    ("AU26", 57, 1, DOWN), ("AU28", 51, 1, DOWN), ("AU45", 37, 1, DOWN),
]  # fmt: skip


@pytest.fixture(scope="module")
def neutral() -> np.ndarray:
    return build_surface(Identity()).points


@pytest.mark.parametrize(("au", "point", "axis", "direction"), MOVES)
def test_moves_its_landmark_the_right_way_and_farther_when_stronger(
    neutral: np.ndarray, au: str, point: int, axis: int, direction: float
) -> None:
    travel = [
        direction * (displace(neutral, sided({au: level})) - neutral)[point, axis]
        for level in (0, 1, 2, 3, 4, 5)
    ]
    assert travel[0] == pytest.approx(0, abs=1e-5)
    assert np.all(np.diff(travel) > 0)
    assert travel[-1] > 1.0


def test_every_unit_moves_something(neutral: np.ndarray) -> None:
    for au in AU_NAMES:
        moved = displace(neutral, sided({au: 5}))
        assert np.abs(moved - neutral)[:68].max() > 1.0, au


def test_a_symmetric_face_stays_symmetric(neutral: np.ndarray) -> None:
    moved = displace(neutral, sided(dict.fromkeys(AU_NAMES, 2.0)))[:68]
    mirrored = moved[MIRROR_68] * (-1, 1, 1)
    np.testing.assert_allclose(moved, mirrored, atol=0.35)


def test_one_side_alone_moves_only_that_side(neutral: np.ndarray) -> None:
    moved = displace(neutral, sided({"AU14": (5.0, 0.0)})) - neutral
    assert abs(moved[48, 0]) > 3
    assert abs(moved[54, 0]) < 1e-4


def test_lids_and_lips_never_cross(neutral: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    wild = build_surface(sample_identity(np.random.default_rng(3), 1.5)).points
    for k in range(60):
        units = {au: float(rng.uniform(0, 5)) for au in AU_NAMES}
        moved = displace((neutral, wild)[k % 2], sided(units), 1.2)
        for top, bottom in ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65)):
            assert moved[top, 1] < moved[bottom, 1]


def test_a_full_blink_closes_the_eye(neutral: np.ndarray) -> None:
    moved = displace(neutral, sided({"AU45": 5, "AU05": 5}))
    assert moved[41, 1] - moved[37, 1] < 1.0


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="AU99"):
        sided({"AU99": 1.0})


def test_the_mean_face_has_68_points_and_two_equal_halves() -> None:
    points = neutral_landmarks()
    assert points.shape == (68, 2)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points, points[MIRROR_68] * (-1, 1), atol=1e-6)
