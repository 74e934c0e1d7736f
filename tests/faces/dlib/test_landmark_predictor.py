"""Compare the 68 points with dlib's code: single, in batches, and on rotated faces."""

from pathlib import Path

import cv2
import dlib
import numpy as np
import pandas as pd
import pytest

from faceprep.core.errors import MissingToolError
from faceprep.core.images import read_image
from faceprep.core.landmarks import flip_points
from faceprep.faces.alignment import five_from_68
from faceprep.faces.dlib.landmark_predictor import FIVE_IN_BOX, LandmarkPredictor
from faceprep.faces.dlib.shape_model import read_shape_model
from faceprep.faces.finder import Face
from faceprep.faces.model_files import dlib_model


@pytest.fixture(scope="module")
def photos(shared: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Load every 40th photograph with a clear face, and OpenFace's 68 points ``(68, 2)``."""
    table = pd.read_csv(shared / "reference/openface_photos.csv").set_index("image")
    table = table[(table.faces == 1) & (table.confidence > 0.95)].iloc[::40]
    points = np.stack([table[[f"{axis}_{i}" for i in range(68)]].to_numpy() for axis in "xy"], -1)
    folder = shared / "faces/images"
    return list(zip((read_image(folder / name) for name in table.index), points, strict=True))


@pytest.fixture(scope="module")
def predictor() -> LandmarkPredictor:
    return LandmarkPredictor()


def around(points: np.ndarray) -> Face:
    """Return a face with five points."""
    low, high = points.min(0), points.max(0)
    return Face((*low.tolist(), *(high - low).tolist()), 1.0, five_from_68(points))


def error(found: np.ndarray, points: np.ndarray) -> float:
    """Return the mean distance relative to that of the outer eye corners."""
    width = np.linalg.norm(points[36] - points[45])
    return float(np.linalg.norm(found - points, axis=1).mean() / width)


def test_finds_the_points_of_dlib(photos):
    theirs = dlib.shape_predictor(str(dlib_model("shape_predictor_68_face_landmarks")))
    regression = LandmarkPredictor()._regression
    images = [image for image, _ in photos]
    boxes = [dlib.rectangle(60 + i, 70, 260 + i, 270) for i in range(len(images))]
    expected = np.array(
        [
            [(p.x, p.y) for p in theirs(image, box).parts()]
            for image, box in zip(images, boxes, strict=True)
        ]
    )
    found = regression(images, [(200 + 0j, complex(box.left(), box.top())) for box in boxes])
    worst = np.abs(found - expected).max(axis=(1, 2))
    # dlib rounds to whole pixels. It also adds leaves in another order, and sometimes the
    # last digit changes a comparison of two pixels.
    assert np.median(worst) <= 0.501
    assert np.abs(found - expected).mean() < 0.3


def test_lies_near_openface(photos, predictor):
    found = predictor.predict_many([image for image, _ in photos], [around(p) for _, p in photos])
    assert found.dtype == np.float32
    errors = [error(f, points) for f, (_, points) in zip(found, photos, strict=True)]
    assert np.median(errors) < 0.045


def test_a_box_alone_gives_nearly_the_same(photos, predictor):
    for image, points in photos[:10]:
        five = five_from_68(points)
        eyes = five[1] - five[0]
        side = np.hypot(*eyes) / np.hypot(*(FIVE_IN_BOX[1] - FIVE_IN_BOX[0]))
        x, y = five.mean(0) - FIVE_IN_BOX.mean(0) * side
        box_only = predictor.predict(image, Face((x, y, side, side), 1.0))
        assert error(box_only, predictor.predict(image, around(points))) < 0.03


@pytest.mark.parametrize("degrees", [-90, 45, 180])
def test_turns_with_the_face(photos, predictor, degrees):
    errors = []
    for image, points in photos[:10]:
        center = (image.shape[1] / 2, image.shape[0] / 2)
        matrix = cv2.getRotationMatrix2D(center, degrees, 1)
        turned = cv2.warpAffine(image, matrix, image.shape[1::-1])
        goal = points @ matrix[:, :2].T + matrix[:, 2]
        errors.append(error(predictor.predict(turned, around(goal)), goal))
    assert np.median(errors) < 0.05


def test_a_mirrored_face_has_mirrored_points(photos, predictor):
    distances = []
    for image, points in photos[:10]:
        width = image.shape[1]
        found = predictor.predict(image, around(points))
        mirrored = predictor.predict(
            np.ascontiguousarray(image[:, ::-1]), around(flip_points(points, width))
        )
        distances.append(error(flip_points(mirrored, width), found))
    assert np.median(distances) < 0.02


def test_a_face_does_not_depend_on_the_others(photos, predictor):
    images = [image for image, _ in photos]
    faces = [around(points) for _, points in photos]
    faces[1] = Face(faces[1].box, 1.0)
    together = predictor.predict_many(images, faces)
    for image, face, expected in zip(images, faces, together, strict=True):
        np.testing.assert_allclose(predictor.predict(image, face), expected, atol=1e-3)


def test_works_on_the_edge_and_beyond(predictor):
    image = np.full((60, 50, 3), 200, np.uint8)
    for x in (-500.0, -20.0, 30.0, 500.0):
        points = predictor.predict(image, Face((x, 10, 40, 40), 1.0))
        assert points.shape == (68, 2)
        assert np.isfinite(points).all()
    assert predictor.predict(np.zeros((1, 1, 3), np.uint8), Face((0, 0, 9, 9), 1.0)).any()


def test_no_faces_no_points(predictor):
    assert predictor.predict_many([], []).shape == (0, 68, 2)


def test_refuses_a_face_without_size(predictor):
    image = np.zeros((60, 50, 3), np.uint8)
    with pytest.raises(ValueError, match="no size"):
        predictor.predict(image, Face((3, 3, 0, 0), 1.0))
    with pytest.raises(ValueError, match="no similarity"):
        predictor.predict(image, Face((3, 3, 9, 9), 1.0, np.full((5, 2), 7.0)))


def test_the_model_has_the_sizes_of_the_paper():
    model = read_shape_model(dlib_model("shape_predictor_68_face_landmarks"))
    assert model.leaves.shape == (15, 500 * 16, 136)
    assert model.first.shape == model.second.shape == model.thresholds.shape == (15, 500 * 15)
    assert model.anchors.shape == (15, 500)
    assert model.offsets.shape == (15, 500, 2)
    assert model.trees == 500
    assert 0 <= model.first.min() <= model.first.max() < 500
    assert 0 <= model.anchors.min() <= model.anchors.max() < 68
    assert model.mean[8, 1] == model.mean[:, 1].max()
    assert read_shape_model(dlib_model("shape_predictor_68_face_landmarks")) is model


@pytest.mark.parametrize("content", [b"", b"\x01\x01\x81\x05", b"not a model at all"])
def test_refuses_another_file(tmp_path, content):
    path = tmp_path / "model.dat"
    path.write_bytes(content)
    with pytest.raises(MissingToolError, match="68-point"):
        read_shape_model(path)


def test_refuses_a_model_cut_short(tmp_path):
    path = tmp_path / "model.dat"
    whole = dlib_model("shape_predictor_68_face_landmarks").read_bytes()
    path.write_bytes(whole[:3_000_000])
    with pytest.raises(MissingToolError, match="68-point"):
        read_shape_model(path)
    path.write_bytes(whole[:-1000])
    with pytest.raises(MissingToolError, match="68-point"):
        read_shape_model(path)
