"""The annotated face among several."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprep.config import AlignConfig
from faceprep.core.images import read_image
from faceprep.faces.aligner import Aligner
from faceprep.faces.finder import Face, FacesFound, annotated_box
from faceprep.faces.matching import around, best_match, overlap, search_around

BIG, SMALL = Face((0, 0, 100, 120), 0.99), Face((150, 60, 30, 36), 0.95)


def test_overlap_of_boxes() -> None:
    assert overlap((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx((1 / 3, 0.5))
    assert overlap((0, 0, 10, 10), (2, 2, 5, 5)) == pytest.approx((0.25, 1.0))
    assert overlap((0, 0, 10, 10), (20, 0, 10, 10)) == (0, 0)
    assert overlap((0, 0, 10, 10), (5, 5, 0, 0)) == (0, 0)


def test_the_annotated_face_is_matched_whatever_its_size() -> None:
    assert best_match([BIG, SMALL], (155, 65, 20, 25)) is SMALL  # a tight box
    assert best_match([BIG, SMALL], (140, 40, 60, 80)) is SMALL  # a loose one
    assert best_match([BIG, SMALL], (10, 10, 70, 90)) is BIG
    assert best_match([BIG, SMALL], (300, 60, 30, 36)) is None
    assert best_match([BIG], (95, 110, 60, 60)) is None  # touches it only
    assert best_match([], (0, 0, 10, 10)) is None


def test_a_speck_inside_the_annotation_is_not_the_face() -> None:
    assert best_match([Face((50, 50, 8, 8), 0.9)], (0, 0, 100, 100)) is None


def test_the_box_comes_from_any_annotation() -> None:
    assert annotated_box({"box": [1, 2, 3, 4]}) == (1, 2, 3, 4)
    points = np.stack([np.linspace(10, 30, 68), np.linspace(5, 45, 68)], axis=1).ravel()
    assert annotated_box({"landmarks68": points}) == pytest.approx((10, 5, 20, 40))
    five = annotated_box({"landmarks5": [10, 10, 30, 10, 20, 20, 12, 30, 28, 30]})
    assert five is not None
    assert overlap(five, (5, 0, 30, 40))[0] > 0.4
    assert annotated_box({}) is None
    assert annotated_box({"box": [1, 2, 0, 4]}) is None
    assert annotated_box({"box": [1, 2, float("nan"), 4]}) is None


def test_surroundings_stay_inside_the_image() -> None:
    assert around((10, 10, 20, 20), (100, 50), 1) == (0, 0, 50, 50)
    assert around((-50, -50, 20, 20), (100, 50), 0) == (0, 0, 1, 1)
    assert around((500, 500, 20, 20), (100, 50), 0) == (49, 99, 50, 100)


def test_small_faces_are_enlarged_and_their_coordinates_restored() -> None:
    class Finder:
        name = "bright"

        def find(self, images, rows):
            found = []
            for image in images:
                y, x = np.nonzero(image[..., 0] > 128)
                box = (x.min(), y.min(), np.ptp(x), np.ptp(y))
                five = np.array([[x.min(), y.min()]] * 5, np.float32)
                found.append(FacesFound([Face(box, 0.9, five)]))
            return found

    image = np.zeros((200, 300, 3), np.uint8)
    image[60:80, 100:120] = 255
    face = search_around(Finder(), image, (98, 58, 24, 24))
    assert face is not None
    assert face.box == pytest.approx((100, 60, 19, 19), abs=1)
    assert face.landmarks5[0] == pytest.approx((100, 60), abs=1)


@pytest.mark.parametrize("detector", ["mtcnn", "dlib"])
@pytest.mark.parametrize("annotation", ["box", "landmarks5"])
def test_every_listed_person_of_a_group_is_cropped(
    shared: Path, detector: str, annotation: str
) -> None:
    """Six people in three photographs, the larger face beside the smaller one."""
    names = sorted(path for path in (shared / "faces" / "images").iterdir())[3::200][:6]
    aligner = Aligner(AlignConfig(detector=detector))
    for k, sizes in enumerate([(250, 120), (90, 250), (300, 60)]):
        canvas, rows, left, centres = np.full((300, sum(sizes), 3), 90, np.uint8), [], 0, []
        for name, size in zip(names[2 * k : 2 * k + 2], sizes, strict=True):
            portrait = cv2.resize(read_image(name), (size, size), interpolation=cv2.INTER_AREA)
            canvas[300 - size :, left : left + size] = portrait
            x, y = left, 300 - size
            box = [x + 0.3 * size, y + 0.3 * size, 0.4 * size, 0.45 * size]
            shares = [(0.4, 0.45), (0.6, 0.45), (0.5, 0.58), (0.42, 0.68), (0.58, 0.68)]
            five = [v for a, b in shares for v in (x + a * size, y + b * size)]
            rows.append({"box": box} if annotation == "box" else {"landmarks5": five})
            centres.append((left, left + size))
            left += size
        for (start, end), found in zip(centres, aligner.align([canvas] * 2, rows), strict=True):
            assert found.columns["status"] == "ok", found.columns
            x, _, width, _ = found.columns["box"]
            assert start <= x + width / 2 <= end


def test_a_face_that_is_not_found_is_said(shared: Path) -> None:
    name = min((shared / "faces" / "images").iterdir())
    image = np.pad(read_image(name), ((0, 0), (0, 300), (0, 0)), constant_values=90)
    aligner = Aligner(AlignConfig())
    (found,) = aligner.align([image], [{"box": [400, 50, 80, 90]}])
    assert found.columns["status"] == "no_face"
    assert found.columns["reason"] == (
        "the annotated face is not among the 1 found (largest overlap 0.00)"
    )
    assert found.columns["faces_found"] == 1
