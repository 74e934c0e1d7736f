import numpy as np
import pytest
from builders.openface_recording import drawn

from faceprep.faces.action_units.openface.models.tracking import FaceTracker


def eyes(landmarks: np.ndarray) -> float:
    return float(np.linalg.norm(landmarks[36] - landmarks[45]))


def distance(found: np.ndarray, true: np.ndarray) -> float:
    """Return the mean distance of points relative to that of the outer eye corners."""
    return float(np.linalg.norm(found - true, axis=1).mean()) / eyes(true)


@pytest.fixture(scope="module")
def tracker() -> FaceTracker:
    """Return a tracker that knows the face in frames 0 and 7."""
    _, landmarks = drawn()
    return FaceTracker({0: landmarks[0], 7: landmarks[7]}, "cpu")


def moved(image: np.ndarray, x: int, y: int) -> np.ndarray:
    """Place the image on a larger gray one, so that the face moves."""
    height, width = image.shape[:2]
    canvas = np.full((2 * height, 3 * width, 3), 110, np.uint8)
    canvas[y : y + height, x : x + width] = image
    return canvas


def test_the_face_between_two_known_frames_is_found(tracker):
    images, landmarks = drawn()
    found = tracker.landmarks(range(1, 7), images[1:7])
    assert found.shape == (6, 68, 2)
    for points, true in zip(found, landmarks[1:7], strict=True):
        assert distance(points, true) < 0.08


def test_a_frame_without_the_face_is_nan_and_does_not_harm_the_others(tracker):
    images, _ = drawn()
    black = np.zeros_like(images[0])
    found = tracker.landmarks([2, 3, 4], [images[2], black, images[4]])
    assert np.isnan(found[1]).all()
    for k in (2, 4):
        alone = tracker.landmarks([k], [images[k]])[0]
        np.testing.assert_allclose(found[k - 2], alone, atol=0.01)


def test_a_face_that_moved_by_half_its_width_is_searched_for(tracker):
    images, landmarks = drawn()
    step = int(eyes(landmarks[3]))
    expected = FaceTracker({0: landmarks[0] + step}, "cpu")
    picture = moved(images[3], 0, 0)
    found = expected.landmarks([3], [picture])[0]
    assert distance(found, landmarks[3]) < 0.08


def test_a_face_far_from_the_known_one_is_someone_else(tracker):
    images, _ = drawn()
    picture = moved(images[3], 2 * images[3].shape[1], images[3].shape[0])
    assert np.isnan(tracker.landmarks([3], [picture])).all()


def test_of_two_faces_the_one_where_it_was_is_taken():
    images, landmarks = drawn()
    width = images[0].shape[1]
    picture = moved(images[3], 0, 0)
    picture[: images[3].shape[0], width : 2 * width] = images[4]
    for shift, true in ((0, landmarks[3]), (width, landmarks[4] + [width, 0])):
        tracker = FaceTracker({0: landmarks[0] + [shift, 0]}, "cpu")
        assert distance(tracker.landmarks([3], [picture])[0], true) < 0.08


def test_a_much_larger_face_is_someone_else():
    images, landmarks = drawn()
    centre = landmarks[0].mean(axis=0)
    tracker = FaceTracker({0: centre + (landmarks[0] - centre) / 3}, "cpu")
    assert np.isnan(tracker.landmarks([1], [images[1]])).all()
