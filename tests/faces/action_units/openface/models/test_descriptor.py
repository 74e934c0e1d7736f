import numpy as np
import pandas as pd
import pytest
from builders.openface import make_shape_model, write_predictors

from faceprep.core.images import read_image
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.faces.action_units.openface.models.au_models import load_models
from faceprep.faces.action_units.openface.models.descriptor import (
    align_faces,
    describe,
    predict_stills,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return load_models(write_predictors(tmp_path_factory.mktemp("openface") / "AU_predictors"))


@pytest.fixture(scope="module")
def picture():
    """Return smooth noise, which is not sensitive to half a pixel."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (12, 14, 3))
    rows, columns = np.linspace(0, 10.99, 330), np.linspace(0, 12.99, 390)
    top, left = rows.astype(int), columns.astype(int)
    v, u = (rows - top)[:, None, None], (columns - left)[:, None]
    upper = coarse[top][:, left] * (1 - u) + coarse[top][:, left + 1] * u
    lower = coarse[top + 1][:, left] * (1 - u) + coarse[top + 1][:, left + 1] * u
    return (upper * (1 - v) + lower * v).astype(np.uint8)


@pytest.fixture(scope="module")
def landmarks():
    rng = np.random.default_rng(1)
    mean = make_shape_model().mean.reshape(3, 68)[:2].T
    return mean * 1.6 + [190, 160] + rng.normal(0, 2, (3, 68, 2))


def test_shapes_units_and_order(models, picture, landmarks):
    seen = describe([picture] * 3, landmarks, models)
    assert seen.hog.shape == (3, 4464)
    assert seen.hog.dtype == np.float32
    assert seen.geometry.shape == (3, 238)
    assert seen.fitted.all()
    deviation, parameters = seen.geometry[:, :204], seen.geometry[:, 204:]
    np.testing.assert_allclose(deviation, parameters @ models.shape_model.modes.T, atol=1e-9)
    assert 0.1 < np.abs(deviation).max() < 20

    intensities, presences = predict_stills(seen, models)
    scores = models.static.scores(seen.hog, seen.geometry)
    np.testing.assert_array_equal(intensities, np.clip(scores[:, :17], 0, 5))
    assert presences.shape == (3, 18)
    assert presences.dtype == bool


def test_a_turned_picture_gives_the_same_descriptor(models, picture, landmarks):
    turned = np.ascontiguousarray(np.rot90(picture, -1))
    height = picture.shape[0]
    points = np.stack([height - 1 - landmarks[..., 1], landmarks[..., 0]], axis=-1)
    # The fit starts upright; rotations up to 90° converge, as in OpenFace.
    seen, other = describe([picture] * 3, landmarks, models), describe([turned] * 3, points, models)
    np.testing.assert_allclose(other.geometry, seen.geometry, atol=0.6)
    assert np.abs(other.hog - seen.hog).mean() < 0.005


def test_landmarks_without_a_fit_are_flagged_and_black(models, picture, landmarks):
    points = np.concatenate([landmarks, landmarks])
    points[1, 30] = np.nan
    points[4] = 77.0
    seen = describe([picture] * 6, points, models)
    assert seen.fitted.tolist() == [True, False, True, True, False, True]
    assert not seen.hog[[1, 4]].any()
    assert not seen.geometry[[1, 4]].any()
    np.testing.assert_array_equal(seen.hog[[0, 3]], np.repeat(seen.hog[:1], 2, axis=0))


def test_a_face_outside_its_picture_and_a_black_one_have_no_gradients(models, picture, landmarks):
    seen = describe([picture, picture * 0, picture], landmarks + [[[5000, 0]], [[0, 0]], [[0, 0]]],
                    models)  # fmt: skip
    assert seen.fitted.all()
    assert not seen.hog[:2].any()
    assert seen.hog[2].any()
    np.testing.assert_allclose(
        seen.geometry[0], describe([picture], landmarks[:1], models).geometry[0], atol=1e-6
    )


def test_pictures_may_come_one_at_a_time(models, picture, landmarks):
    listed = describe([picture] * 3, landmarks, models)
    streamed = describe((picture for _ in range(3)), landmarks, models)
    np.testing.assert_array_equal(streamed.hog, listed.hog)
    assert describe([], np.empty((0, 68, 2)), models).hog.shape == (0, 4464)
    with pytest.raises(ValueError, match="is shorter"):
        describe([picture] * 2, landmarks, models)


def test_what_lies_outside_the_face_does_not_count(models, picture, landmarks):
    faces, _, _ = align_faces([picture], landmarks[:1], models)
    assert 0.4 < (faces > 0).any(axis=-1).mean() < 0.95
    assert not faces[0, :4, :4].any()
    assert not faces[0, -4:, -4:].any()


def test_torch_sees_the_same(models, picture, landmarks):
    with_torch = describe([picture] * 3, landmarks, models, "cpu:0")
    np.testing.assert_allclose(
        with_torch.hog, describe([picture] * 3, landmarks, models).hog, atol=3e-7
    )


def test_agrees_with_openface_on_photographs(openface_models, shared):
    """Check the targets on every tenth photograph, with OpenFace's landmarks."""
    table = pd.read_csv(shared / "reference" / "openface_photos.csv").iloc[::10]
    axes = [table[[f"{axis}_{k}" for k in range(68)]].to_numpy(float) for axis in "xy"]
    models = load_models(openface_models)
    images = (read_image(shared / "faces" / "images" / name) for name in table["image"])
    seen = describe(images, np.stack(axes, axis=-1), models)
    intensities, presences = predict_stills(seen, models)

    expected = table[list(COLUMNS_R)].to_numpy(float)
    pairs = zip(intensities.T, expected.T, strict=True)
    assert np.mean([np.corrcoef(ours, theirs)[0, 1] for ours, theirs in pairs]) >= 0.998
    assert np.abs(intensities - expected).mean() <= 0.015
    assert (presences == table[list(COLUMNS_C)].to_numpy(float)).mean() >= 0.99
