"""Rendered images are reproducible, match their landmarks, and are detected as faces."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from faceprep.demo import render_face
from faceprep.demo.camera import Pose
from faceprep.demo.identity import Identity
from faceprep.demo.light import Light
from faceprep.demo.sequence import render_sequence, sample_subject

SMILE = {"AU06": 4.0, "AU12": 5.0, "AU25": 3.0}


def test_the_same_arguments_give_the_same_pixels() -> None:
    first, points = render_face(Identity(), SMILE, seed=3)
    render_face(Identity(key=9, hair_style="long"), {})
    second, again = render_face(Identity(), SMILE, seed=3)
    assert first.dtype == np.uint8
    assert first.shape == (320, 320, 3)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(points, again)


def test_landmarks_scale_with_the_picture() -> None:
    _, small = render_face(Identity(), SMILE, size=320)
    _, large = render_face(Identity(), SMILE, size=480)
    np.testing.assert_allclose(large, small * 1.5, atol=0.01)


def test_the_nose_moves_farther_than_the_brows_when_the_head_turns() -> None:
    def at(yaw: float) -> np.ndarray:
        return render_face(Identity(), {}, Pose(yaw=yaw))[1]

    shift = at(15) - at(-15)
    assert shift[30, 0] > shift[[19, 24], 0].mean() + 4 > 20


def test_light_from_the_left_brightens_the_left_cheek() -> None:
    def cheeks(azimuth: float) -> tuple[float, float]:
        image, points = render_face(Identity(), {}, light=Light(azimuth=azimuth, elevation=20))
        y = int(points[30, 1])
        left, right = int(points[36, 0]), int(points[45, 0])
        return float(image[y, left - 5 : left + 5].mean()), float(
            image[y, right - 5 : right + 5].mean()
        )

    assert cheeks(-50)[0] > cheeks(-50)[1] + 20
    assert cheeks(50)[1] > cheeks(50)[0] + 20


def test_an_open_mouth_is_dark_and_a_smile_shows_teeth() -> None:
    def between_the_lips(units: dict[str, float]) -> float:
        image, points = render_face(Identity(), units)
        x, y = points[[62, 66]].mean(axis=0).round().astype(int)
        return float(image[y - 1 : y + 2, x - 5 : x + 6].mean())

    assert between_the_lips({"AU26": 5, "AU25": 3}) < 70
    assert between_the_lips(SMILE) > 140


def test_all_landmarks_lie_inside_the_picture_whatever_the_difficulty() -> None:
    for index in range(4):
        subject = sample_subject(1, index, 1.0)
        for frame in render_sequence(subject, "surprise", seed=1, number=5, frames=2, size=160):
            assert frame.landmarks68.min() >= 0
            assert frame.landmarks68.max() <= 159


def test_a_sequence_goes_from_rest_to_peak() -> None:
    frames = list(
        render_sequence(sample_subject(0, 1, 0.2), "surprise", seed=0, number=0, frames=7, size=160)
    )
    progress = [frame.progress for frame in frames]
    assert progress[0] == 0
    assert progress == sorted(progress)
    assert min(progress[-3:]) > 0.9
    jaw = [frame.units["AU26"] for frame in frames]
    assert jaw[-1] > jaw[0] + 1.5
    assert all(0 <= value <= 5 for frame in frames for value in frame.units.values())


def test_the_first_subjects_are_the_same_in_every_dataset() -> None:
    again = sample_subject(5, 2, 0.5)
    assert again == sample_subject(5, 2, 0.5)
    assert again.identity != sample_subject(5, 3, 0.5).identity
    assert again.identity != sample_subject(6, 2, 0.5).identity


@pytest.fixture(scope="module")
def sample() -> list[tuple[np.ndarray, np.ndarray]]:
    """Render fifty images at the default difficulty: (image, landmarks68)."""
    pictures = []
    for index in range(25):
        subject = sample_subject(11, index, 0.5)
        for number, expression in enumerate(("anger", "surprise")):
            shot = render_sequence(subject, expression, seed=11, number=number, frames=1, size=320)
            pictures += [(frame.image, frame.landmarks68) for frame in shot]
    return pictures


def test_dlib_finds_the_faces_and_follows_the_landmarks(
    sample: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    dlib = pytest.importorskip("dlib")
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        pytest.skip("face_recognition_models is not installed")
    models = Path(spec.origin).parent / "models"
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    errors = []
    for image, truth in sample:
        boxes = detector(image, 0)
        if boxes:
            parts = predictor(image, max(boxes, key=lambda box: box.area())).parts()
            found = np.array([(p.x, p.y) for p in parts])
            eyes = np.linalg.norm(truth[36] - truth[45])
            errors.append(np.linalg.norm(found - truth, axis=1).mean() / eyes)
    assert len(errors) >= 0.98 * len(sample)
    assert np.mean(errors) < 0.06
