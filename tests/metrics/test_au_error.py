"""Errors of Action Units against values computed by hand."""

import numpy as np
import pytest

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.faces.action_units.face_shape import mean_face
from faceprep.metrics.au_error import VARIES_FROM, au_errors, measure_aus, neutral_landmarks
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces


def aus(*rows: float) -> np.ndarray:
    """All AUs of each face have the same intensity."""
    return np.repeat(np.array(rows, float)[:, None], len(INTENSITY_AUS), axis=1)


def test_errors_by_hand():
    # Two faces: requested 3 and 1, own 1 and 1; measured 2 → 2.5 and 0 → 0.
    found = au_errors(aus(1, 1), aus(3, 1), aus(2, 0), aus(2.5, 0))
    assert found.edit == pytest.approx((0.5 + 1) / 2)
    assert found.copy == pytest.approx((1 + 1) / 2)
    assert found.change == pytest.approx((abs(0.5 - 2) + 0) / 2)
    assert found.copy_change == pytest.approx((2 + 0) / 2)
    assert found.spread == pytest.approx(1)
    assert found.varies.all()


def test_a_constant_difference_of_the_measurement_leaves_the_error_of_the_change():
    random = np.random.default_rng(0)
    own, asked, before, after = random.uniform(0, 3, (4, 9, len(INTENSITY_AUS)))
    plain, shifted = (
        au_errors(own, asked, before, after),
        au_errors(own, asked, before + 1, after + 1),
    )
    assert shifted.change == pytest.approx(plain.change)
    assert (shifted.copy_change == plain.copy_change).all()
    assert not np.allclose(shifted.edit, plain.edit)


def test_an_au_that_is_always_requested_alike_does_not_vary():
    asked = aus(1, 1, 1)
    asked[:, 3] += np.array([-1, 0, 1]) * VARIES_FROM
    found = au_errors(aus(1, 1, 1), asked, asked, asked)
    assert not found.varies.any()  # √(2/3) of the bound
    asked[:, 3] += np.array([-1, 0, 1]) * VARIES_FROM
    assert au_errors(aus(1, 1, 1), asked, asked, asked).varies.nonzero()[0].tolist() == [3]


def test_neutral_points_are_those_of_the_same_person():
    points = np.arange(4.0)[:, None, None] + np.zeros((4, 68, 2))
    faces = LabelledFaces(
        np.zeros((4, 8, 8, 3), np.uint8),
        expressions=np.array(["neutral", "neutral", "anger", "neutral"]),
        subjects=np.array(["A", "A", "A", "B"]),
    )
    faces.__dict__["landmarks68"] = points
    found = neutral_landmarks(faces, np.array(["B", "A", "C"]))
    assert (found[0] == 3).all()
    assert (found[1] == 0.5).all()  # mean of 0 and 1, without the angry face
    assert np.isnan(found[2]).all()


def test_relative_to_itself_a_face_shows_nothing():
    face = (mean_face()[:, :2] * 30 + 50)[None]
    assert (measure_aus(face, face) == 0).all()
    assert (measure_aus(face, np.full_like(face, np.nan)) > 0).any()
