"""Test dlib's detectors on photographs with and without faces."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprep.core.errors import MissingToolError, Shell
from faceprep.core.images import read_image
from faceprep.faces import model_files
from faceprep.faces.dlib.detector import HOG_PIXELS, DlibCNN, DlibHOG
from faceprep.faces.finder import Face
from faceprep.faces.mtcnn.boxes import overlaps


@pytest.fixture(scope="module")
def photos(shared: Path) -> list[tuple[np.ndarray, list[float]]]:
    """Load every 40th photograph with MTCNN's box."""
    faces = json.loads((shared / "reference/mtcnn_photos.json").read_text())["faces"]
    names = [name for name in sorted(faces)[::40] if faces[name]]
    return [(read_image(shared / "faces/images" / n), faces[n][0]["box"]) for n in names]


@pytest.fixture(scope="module")
def clear(photos: list[tuple[np.ndarray, list[float]]]) -> np.ndarray:
    """Return a photograph in which both detectors find the face."""
    looks = (image for image, _ in photos if DlibHOG(second_look=False).detect([image])[0])
    return next(looks)


def agreement(face: Face, box: list[float]) -> float:
    (x, y, w, h), (x2, y2, w2, h2) = face.box, box
    ours, theirs = np.array([[x, y, x + w, y + h]]), np.array([[x2, y2, x2 + w2, y2 + h2]], float)
    return float(overlaps(ours, theirs)[0, 0])


def test_hog_finds_nearly_all_where_mtcnn_does(photos):
    found = DlibHOG().detect([image for image, _ in photos])
    hits = [bool(f) for f in found]
    assert np.mean(hits) >= 0.95
    for faces, (_, box) in zip(found, photos, strict=True):
        assert all(agreement(face, box) > 0.3 for face in faces)
        assert all(face.confidence >= 0 and face.landmarks5 is None for face in faces)


def test_a_second_look_finds_faces_that_fill_the_picture(photos):
    first, second = [], []
    for image, (x, y, w, h) in photos:
        cut = round(0.12 * w)
        tight = image[y + cut : y + h - cut, x + cut : x + w - cut].copy()
        first += DlibHOG(second_look=False).detect([tight])[0]
        second += DlibHOG().detect([tight])[0]
    assert len(second) > 1.2 * len(first)


def test_a_second_look_finds_small_faces(clear):
    small = cv2.resize(clear, (70, 70), interpolation=cv2.INTER_AREA)
    (large,), (face,) = DlibHOG().detect([clear, small])
    scale = clear.shape[0] / 70
    assert agreement(face, [v / scale for v in large.box]) > 0.6


def test_views_give_what_their_copies_give(clear):
    assert DlibHOG().detect([clear[:, ::-1]]) == DlibHOG().detect([clear[:, ::-1].copy()])


def test_huge_pictures_are_reduced_and_boxes_come_back_in_their_pixels(clear):
    canvas = np.full((3000, 4000, 3), 128, np.uint8)
    assert canvas.size / 3 > HOG_PIXELS
    canvas[500:2500, 1000:3000] = cv2.resize(clear, (2000, 2000))
    faces = DlibHOG(second_look=False).detect([canvas])[0]
    (reference,) = DlibHOG(second_look=False).detect([clear])[0]
    scale = 2000 / clear.shape[0]
    x, y, w, h = (v * scale for v in reference.box)
    assert max(agreement(face, [x + 1000, y + 500, w, h]) for face in faces) > 0.7


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (90, 30), (200, 200)])
def test_a_picture_without_a_face_has_none(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    flat = np.full((*shape, 3), 90, np.uint8)
    assert DlibHOG().detect([noise, flat]) == [[], []]


def test_nothing_in_nothing_out():
    assert DlibHOG().detect([]) == []
    assert DlibHOG().detect([np.empty((0, 0, 3), np.uint8)]) == [[]]
    assert DlibCNN().detect([np.empty((0, 0, 3), np.uint8)]) == [[]]


def test_the_network_finds_the_same_face(clear):
    half = cv2.resize(clear, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    (face,) = DlibCNN().detect([half])[0]
    (hog,) = DlibHOG().detect([clear])[0]
    assert agreement(face, [v / 2 for v in hog.box]) > 0.4
    assert face.confidence > 0.5


def test_without_the_models_it_says_what_to_type(monkeypatch):
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError) as caught:
        model_files.dlib_model("mmod_human_face_detector")
    assert caught.value.hint == Shell(("pip", "install", "face_recognition_models"))
