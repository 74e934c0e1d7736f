"""Kernel distance and sharpness against closed forms."""

import numpy as np
import pytest
from builders.edits import draw_people

from faceprep.core.errors import UsageError
from faceprep.metrics.expression_classifier.aligned_faces import (
    AlignedFaces,
)
from faceprep.metrics.realism import Texture, kid, sharpness


def test_kid_of_one_distribution_is_zero_on_average_at_any_size():
    random = np.random.default_rng(0)
    for n in (5, 40):
        values = [
            kid(random.normal(size=(n, 4)), random.normal(size=(30, 4)), subsets=0).value
            for _ in range(400)
        ]
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 4 * error
        assert min(values) < 0


def test_kid_equals_its_closed_form_for_shifted_means():
    # E of (x·y / D + 1)³ with x = y = constants has no variance: MMD² is exact.
    a, b = np.full((6, 2), 1.0), np.full((7, 2), 3.0)
    assert kid(a, b, subsets=0).value == pytest.approx((1 + 1) ** 3 + (9 + 1) ** 3 - 2 * 4**3)


def test_kid_sees_a_set_without_variety():
    random = np.random.default_rng(1)
    real = random.normal(size=(200, 8))
    one = np.tile(random.normal(size=8), (50, 1))
    assert kid(one, real, subsets=0).value > 10 * kid(random.normal(size=(50, 8)), real).value


def test_kid_of_subsets_is_repeatable_and_small_sets_have_none():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(20, 3)), random.normal(size=(30, 3))
    assert kid(a, b, subsets=50, size=10) == kid(a, b, subsets=50, size=10)
    assert kid(a, b, subsets=50, size=10).deviation > 0
    assert np.isnan(kid(a[:1], b).value)
    assert (kid(a[:1], b).made, kid(a[:1], b).real) == (1, 30)


def test_texture_has_the_scale_of_real_faces():
    faces = draw_people(0, 4)
    features = Texture.of(faces.landmark_hog)(faces.landmark_hog)
    assert features.mean(axis=0) == pytest.approx(np.zeros(features.shape[1]), abs=1e-3)
    assert np.mean(features**2) == pytest.approx(1, rel=1e-3)
    same = AlignedFaces(np.repeat(faces.images[:1], 3, axis=0))
    with pytest.raises(UsageError, match="all the same"):
        Texture.of(same.landmark_hog)


def test_sharpness_falls_with_blur():
    image = np.random.default_rng(0).integers(0, 255, (1, 32, 32, 3), np.uint8)
    blurred = (image[:, ::2, ::2].repeat(2, 1).repeat(2, 2)).astype(np.uint8)
    assert sharpness(blurred) < sharpness(image)
    assert sharpness(np.full((2, 8, 8, 3), 7, np.uint8)) == 0
    assert np.isnan(sharpness(image[:0]))
