"""Quarter turns of photographs and faces."""

from pathlib import Path

import numpy as np
import pytest

from faceprep.config import AlignConfig
from faceprep.core.images import read_image
from faceprep.faces.aligner import Aligner
from faceprep.faces.alignment import apply_affine, five_from_68, invert_affine, warp
from faceprep.faces.finder import Face
from faceprep.faces.turns import compose, landmarks_conflict, move_face, turn_image, turn_matrix


@pytest.mark.parametrize("turn", range(4))
def test_the_matrix_follows_every_pixel(turn: int) -> None:
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    turned = turn_image(image, turn)
    assert turned.flags.c_contiguous
    for y, x in np.ndindex(5, 7):
        to_x, to_y = apply_affine(turn_matrix(turn, image.shape), np.array([x, y])).astype(int)
        assert (turned[to_y, to_x] == image[y, x]).all()


@pytest.mark.parametrize("turn", range(4))
def test_faces_move_there_and_back(turn: int) -> None:
    face = Face((10, 20, 30, 40), 0.9, np.array([[12, 25]] * 5, np.float32))
    matrix = turn_matrix(turn, (200, 100))
    there = move_face(face, matrix)
    assert sorted(there.box[2:]) == [30, 40]
    back = move_face(there, invert_affine(matrix))
    assert back.box == pytest.approx(face.box)
    assert back.landmarks5 == pytest.approx(face.landmarks5)
    assert back.confidence == 0.9


def test_transformations_compose() -> None:
    first, second = turn_matrix(1, (20, 30)), np.array([[2.0, 1, 3], [-1, 2, 4]])
    points = np.array([[1.0, 2], [5, 7]])
    both = apply_affine(second, apply_affine(first, points))
    assert apply_affine(compose(second, first), points) == pytest.approx(both)


@pytest.fixture(scope="module")
def portraits(shared: Path) -> list[np.ndarray]:
    names = sorted((shared / "faces" / "images").iterdir())[5::200][:6]
    return [read_image(name) for name in names]


@pytest.mark.parametrize("detector", ["mtcnn", "dlib"])
def test_turned_photographs_give_the_upright_crops(
    portraits: list[np.ndarray], detector: str
) -> None:
    rows = [{}] * len(portraits)
    upright = list(Aligner(AlignConfig(detector=detector)).align(portraits, rows))
    assert sum(one.crop is not None for one in upright) >= 5
    aligner = Aligner(AlignConfig(detector=detector, turns=4))
    for turn in range(4):
        turned = [turn_image(image, turn) for image in portraits]
        for image, before, after in zip(turned, upright, aligner.align(turned, rows), strict=True):
            if before.crop is None:
                continue
            assert np.abs(before.crop.astype(int) - after.crop).mean() < 1
            # The matrix maps pixels of the turned file.
            matrix = np.array(after.columns["matrix"]).reshape(2, 3)
            again = warp(image, matrix, len(after.crop))
            assert np.abs(after.crop.astype(int) - again).mean() < 1
            assert np.linalg.det(matrix[:, :2]) > 0
            matrix_back = turn_matrix(turn, image.shape)  # a turn only swaps the shape
            assert matrix_back.shape == matrix.shape
            five = np.array(after.columns["landmarks5"]).reshape(5, 2)
            inside = apply_affine(matrix, five)
            assert (inside[:2, 1] < inside[3:, 1]).all()  # eyes above the mouth in the crop


@pytest.mark.parametrize(("detector", "name"), [("mtcnn", 2), ("dlib", 2)])
def test_a_face_that_is_upside_down_is_not_ok(shared: Path, detector: str, name: int) -> None:
    """Both detectors find some of these faces, with confidences of upright ones."""
    names = sorted((shared / "faces" / "images").iterdir())[5::11][:100]
    aligner = Aligner(AlignConfig(detector=detector))
    reasons = []
    for start in range(0, 100, 25):
        images = [turn_image(read_image(path), name) for path in names[start : start + 25]]
        for found in aligner.align(images, [{}] * 25):
            assert found.columns["status"] in ("no_face", "low_confidence"), found.columns
            reasons.append(found.columns["reason"])
    assert any("align.turns=4" in reason for reason in reasons)


SURE_UPSIDE_DOWN = {
    "mtcnn": ("HrithikRoshan_180.jpg", "Diana_Renee_Valdivieso_Dubon_0001.jpg"),  # 0.998, 0.984
    "dlib": ("Carolyn_Dawn_Johnson_0003.jpg", "Catherine_Zeta-Jones_0005.jpg"),  # 0.51, 0.44
}


@pytest.mark.parametrize("detector", SURE_UPSIDE_DOWN)
def test_a_sure_face_that_is_upside_down_says_what_to_set(shared: Path, detector: str) -> None:
    paths = [shared / "faces" / "images" / name for name in SURE_UPSIDE_DOWN[detector]]
    images = [turn_image(read_image(path), 2) for path in paths]
    for found in Aligner(AlignConfig(detector=detector)).align(images, [{}] * 2):
        assert found.columns["status"] == "low_confidence"
        assert found.columns["reason"].startswith("the face may be upside down: turned by 180 ")
        assert found.columns["reason"].endswith("; set align.turns=4")
        assert found.crop is None


def test_landmarks_conflict_if_both_predictors_disagree() -> None:
    points = np.random.default_rng(0).uniform(0, 100, (68, 2))
    points[36:42], points[42:48] = (30, 40), (70, 40)
    five = five_from_68(points)
    assert not landmarks_conflict(five, points)
    assert not landmarks_conflict(five + [3, 0], points)
    assert landmarks_conflict(five + [5, 0], points)


def test_uncertain_faces_that_are_upright_stay_ok(shared: Path) -> None:
    names = sorted((shared / "faces" / "images").iterdir())[::30]
    aligner = Aligner(AlignConfig())
    found = list(aligner.align([read_image(name) for name in names], [{}] * len(names)))
    assert all("turned" not in (one.columns.get("reason") or "") for one in found)
    assert any(one.columns["confidence"] < 0.99 for one in found if one.crop is not None)
