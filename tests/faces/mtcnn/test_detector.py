"""Compare MTCNN with the package, and test properties that hold for any image."""

import json
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faceprep.core.errors import MissingToolError, Shell
from faceprep.core.images import read_image
from faceprep.faces import model_files
from faceprep.faces.finder import Face
from faceprep.faces.mtcnn.boxes import (
    best_first,
    overlaps,
    patches,
    points_in,
    refined,
    squared,
    suppress,
    window_boxes,
)
from faceprep.faces.mtcnn.detector import MTCNN
from faceprep.faces.mtcnn.networks import load_networks
from faceprep.faces.mtcnn.pyramid import MAX_LEVEL_PIXELS, Search, area_averages, pyramid_scales

KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@pytest.fixture(scope="module")
def photos(shared: Path) -> dict[str, tuple[np.ndarray, list[dict]]]:
    """Load every 40th photograph with the results of the package."""
    faces = json.loads((shared / "reference/mtcnn_photos.json").read_text())["faces"]
    folder = shared / "faces/images"
    return {name: (read_image(folder / name), faces[name]) for name in sorted(faces)[::40]}


@pytest.fixture(scope="module")
def scene(photos: dict[str, tuple[np.ndarray, list[dict]]]) -> np.ndarray:
    """Return an image with three faces of 330, 150 and 40 pixels on gray."""
    pictures = [image for image, faces in photos.values() if len(faces) == 1][:3]
    places = [(30, 40, 330), (400, 100, 150), (600, 420, 40)]
    canvas = np.full((500, 700, 3), 128, np.uint8)
    for image, (x, y, side) in zip(pictures, places, strict=True):
        canvas[y : y + side, x : x + side] = cv2.resize(image, (side, side))
    return canvas


def corners(faces: list[Face]) -> np.ndarray:
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


@pytest.mark.parametrize("search", ["full", "large-first"])
def test_finds_the_faces_of_the_package(photos, search):
    images = [image for image, _ in photos.values()]
    for found, (_, expected) in zip(
        MTCNN(search=search).detect(images), photos.values(), strict=True
    ):
        assert len(found) == len(expected)
        for face, theirs in zip(found, expected, strict=True):
            x, y, w, h = theirs["box"]
            assert overlaps(corners([face]), np.array([[x, y, x + w, y + h]]))[0, 0] > 0.95
            points = np.array([theirs["keypoints"][name] for name in KEYPOINTS])
            # The only difference is that the package rounds to whole pixels.
            assert np.abs(face.landmarks5 - points).max() < 0.51
            assert face.confidence == pytest.approx(theirs["confidence"], abs=1e-4)


def test_large_first_finds_the_same_faces_but_the_small_ones(scene):
    full, quick = (MTCNN(search=search).detect([scene])[0] for search in ("full", "large-first"))
    large = [face for face in full if face.box[2] > 80]
    assert len(full) == 3
    assert len(large) == len(quick) == 2
    for ours, theirs in zip(sorted(quick, key=str), sorted(large, key=str), strict=True):
        np.testing.assert_allclose(ours.landmarks5, theirs.landmarks5, atol=0.01)


def test_large_first_goes_down_to_a_small_face(photos):
    image = next(image for image, faces in photos.values() if faces)
    canvas = np.full((600, 600, 3), 128, np.uint8)
    canvas[300:345, 200:245] = cv2.resize(image, (45, 45), interpolation=cv2.INTER_AREA)
    (face,) = MTCNN().detect([canvas])[0]
    assert 200 <= face.box[0] < 245
    assert face.box[2] < 60
    assert MTCNN(min_face_size=80).detect([canvas]) == [[]]


def test_a_result_does_not_depend_on_the_rest_of_the_batch(photos, scene):
    detector = MTCNN()
    images = [scene, np.zeros((30, 400, 3), np.uint8), *(i for i, _ in photos.values())][:20]
    together = detector.detect(images)
    for image, expected in zip(images, together, strict=True):
        (alone,) = detector.detect([image])
        assert len(alone) == len(expected)
        for a, b in zip(alone, expected, strict=True):
            np.testing.assert_allclose(a.box, b.box, atol=1e-3)
            np.testing.assert_allclose(a.landmarks5, b.landmarks5, atol=1e-3)


def test_faces_come_best_first_with_boxes_inside(scene):
    faces = MTCNN(search="full").detect([scene])[0]
    assert [f.confidence for f in faces] == sorted((f.confidence for f in faces), reverse=True)
    for face in faces:
        x, y, w, h = face.box
        assert 0 <= x < x + w <= scene.shape[1] - 1
        assert 0 <= y < y + h <= scene.shape[0] - 1
        assert face.landmarks5.shape == (5, 2)
        assert face.landmarks5.dtype == np.float32


@pytest.mark.parametrize("search", ["full", "large-first"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (400, 5), (12, 12), (21, 21), (64, 64)])
def test_a_picture_without_a_face_has_none(shape, search):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    flat = np.full((*shape, 3), 90, np.uint8)
    assert MTCNN(search=search).detect([noise, flat]) == [[], []]


def test_nothing_in_nothing_out():
    assert MTCNN().detect([]) == []
    assert MTCNN().detect([np.empty((0, 0, 3), np.uint8)]) == [[]]


def test_a_huge_picture_is_searched_for_large_faces_only(photos):
    image = next(image for image, faces in photos.values() if faces)
    canvas = np.full((3000, 4000, 3), 128, np.uint8)
    canvas[500:2100, 1000:2600] = cv2.resize(image, (1600, 1600))
    (face,) = MTCNN().detect([canvas])[0]
    (reference,) = MTCNN().detect([image])[0]
    scale = 1600 / image.shape[0]
    expected = (reference.landmarks5 + 0.5) * scale - 0.5 + (1000, 500)
    assert np.abs(face.landmarks5 - expected).mean() < 0.03 * face.box[2]


def test_views_give_what_their_copies_give(photos):
    image = next(image for image, faces in photos.values() if faces)
    mirrored = image[:, ::-1]
    (view,), (copy,) = MTCNN().detect([mirrored]), MTCNN().detect([mirrored.copy()])
    assert str(view) == str(copy)


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))]
)
def test_refuses_what_is_not_rgb_uint8(image):
    with pytest.raises(ValueError, match="uint8"):
        MTCNN().detect([image])


def test_refuses_unknown_settings():
    with pytest.raises(ValueError, match="large-first"):
        MTCNN(search="quick")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="min_face_size"):
        MTCNN(min_face_size=0)


def test_networks_have_the_shapes_of_the_paper():
    pnet, rnet, onet = load_networks("cpu")
    with torch.inference_mode():
        probability, offsets = pnet(torch.zeros(2, 3, 12, 31))
        assert probability.shape == (2, 1, 11)
        assert offsets.shape == (2, 1, 11, 4)
        assert [tuple(o.shape) for o in rnet(torch.zeros(4, 3, 24, 24))] == [(4,), (4, 4)]
        shapes = [tuple(o.shape) for o in onet(torch.zeros(3, 3, 48, 48))]
        assert shapes == [(3,), (3, 4), (3, 10)]
        assert load_networks("cpu")[0] is pnet


def test_the_package_sees_nine_levels_in_350_pixels():
    scales = pyramid_scales(350, 350, 20, 0.709)
    assert len(scales) == 9
    assert scales[0] == 0.6
    assert np.allclose(np.diff(np.log(scales)), np.log(0.709))
    assert min(350 * s for s in scales) >= 12
    assert pyramid_scales(350, 350, 40, 0.709) == pytest.approx([s / 2 for s in scales[:7]])
    assert pyramid_scales(19, 500, 20, 0.709) == []


def test_levels_fit_the_memory():
    scales = pyramid_scales(20_000, 20_000, 20, 0.709)
    assert 1 < len(scales) < 20
    assert (20_000 * scales[0]) ** 2 <= MAX_LEVEL_PIXELS


def test_a_search_ends_when_faces_a_third_as_large_were_looked_for():
    search = Search(
        np.zeros((350, 350, 3), np.uint8), pyramid_scales(350, 350, 20, 0.709), large_first=True
    )
    face_sizes = [12 / search.scales[level] for level in search.pending]
    assert min(face_sizes) <= 350 / 4 < min(face_sizes) / 0.709
    assert not search.continue_search(np.array([[50.0, 50, 320, 320]]), np.array([0.99]))
    assert search.continue_search(np.array([[50.0, 50, 170, 170]]), np.array([0.99]))
    face_sizes = [12 / search.scales[level] for level in search.pending]
    assert min(face_sizes) <= 120 / 3
    assert search.continue_search(
        np.array([[50.0, 50, 320, 320]]), np.array([0.9])
    )  # not sure: all levels
    assert 0 in search.pending
    assert not search.continue_search(np.empty((0, 4)), np.empty(0))


def test_a_cell_covers_eleven_pixels():
    box = window_boxes(np.array([3]), np.array([5]), np.array([[0, 0, 1, 0.5]]))
    assert box.tolist() == [[11, 7, 22 + 11, 18 + 5.5]]


def test_a_suppressed_box_still_suppresses():
    # Each box overlaps the next by IoU 0.6; the third does not overlap the first.
    boxes = np.array([[0, 0, 40, 10], [10, 0, 50, 10], [20, 0, 60, 10]], float)
    assert overlaps(boxes, boxes)[0].round(3).tolist() == [1, 0.6, 0.333]
    assert suppress(boxes, 0.5).tolist() == [
        True,
        False,
        False,
    ]  # a greedy method would keep the third
    assert suppress(boxes, 0.7).tolist() == [True, True, True]
    assert suppress(boxes, 0.5, groups=np.array([0, 1, 0])).tolist() == [True, True, True]


def test_suppression_is_the_same_in_pieces(monkeypatch):
    corner = np.random.default_rng(1).uniform(0, 100, (150, 2))
    boxes = np.concatenate([corner, corner + 40], axis=1)
    whole = suppress(boxes, 0.4)
    monkeypatch.setattr("faceprep.faces.mtcnn.boxes._CHUNK", 16)
    assert suppress(boxes, 0.4).tolist() == whole.tolist()
    assert 0 < whole.sum() < len(boxes)


def test_overlap_of_the_smaller_box_counts_nesting():
    outer, inner = np.array([[0, 0, 100, 100.0]]), np.array([[10, 10, 20, 20.0]])
    assert overlaps(outer, inner)[0, 0] == pytest.approx(0.01)
    assert overlaps(outer, inner, of_smaller=True)[0, 0] == 1


def test_of_equal_scores_the_last_comes_first():
    assert best_first(np.array([0.5, 1, 1, 0.2])).tolist() == [2, 1, 0, 3]


def test_box_arithmetic_in_closed_form():
    boxes = np.array([[0.0, 0, 10, 20]])
    assert squared(boxes).tolist() == [[-5, 0, 15, 20]]
    assert refined(boxes, np.array([[0.1, 0, 0, -0.5]])).tolist() == [[1.1, 0, 10, 20 - 10.5]]
    fractions = np.array([[0, 1, 0.5, 0, 1, 0, 0, 0.5, 1, 1]])
    expected = [[-1, -1], [10, -1], [4.5, 9.5], [-1, 20], [10, 20]]
    assert points_in(boxes, fractions)[0].tolist() == expected


def test_patches_are_bilinear_and_gray_outside():
    ramp = np.stack([np.tile(np.arange(100, dtype=np.float32), (100, 1))] * 3, axis=2)
    box = np.array([[10.0, 10, 60, 60], [-50, 0, 50, 100]])
    inside, partly = patches([ramp], np.array([0, 0]), box, 24)
    np.testing.assert_allclose(inside[5, :, 0], np.linspace(9.9, 59.4, 24), atol=1e-3)
    assert (partly[:-1, :12] == 127.5).all()
    assert (partly[5, 12:, 0] < 50).all()


def test_without_the_wheel_it_says_what_to_type(monkeypatch):
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="mtcnn") as caught:
        model_files.mtcnn_weights("pnet")
    assert caught.value.hint == Shell(("pip", "install", "mtcnn"))


def test_without_the_file_it_says_so():
    assert find_spec("mtcnn")
    with pytest.raises(MissingToolError, match="has no file"):
        model_files.weight_file("mtcnn", "assets/weights/none.lz4")


def test_area_averages_are_the_means_of_the_areas():
    picture = np.random.default_rng(3).uniform(0, 255, (60, 91, 3)).astype(np.float32)
    sizes = [(60, 91), (30, 13), (17, 40), (1, 1)]
    same, whole, odd, mean = area_averages(picture, sizes)
    np.testing.assert_allclose(same, picture)
    np.testing.assert_allclose(whole, picture.reshape(30, 2, 13, 7, 3).mean((1, 3)), rtol=1e-5)
    expected = cv2.resize(picture, (40, 17), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(odd, expected, atol=1e-2)
    np.testing.assert_allclose(mean[0, 0], picture.mean((0, 1)), rtol=1e-5)
