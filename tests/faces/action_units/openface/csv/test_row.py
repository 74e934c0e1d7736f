import numpy as np
import pytest
from builders.openface_csv import FACE, face_at, face_of

from faceprep.faces.action_units.openface.csv.file import CsvFile
from faceprep.faces.action_units.openface.csv.row import (
    CsvRow,
    align_landmarks,
    choose_row,
    overlap,
)


def row(line, x=None, y=100.0, **others):
    points = None if x is None else face_at(x, y)
    return CsvRow(line, landmarks68=points, **others)


def test_overlap_of_boxes():
    square = np.array([[0, 0], [2, 2]])
    assert overlap(square, square) == 1
    assert overlap(square, square + [1, 0]) == pytest.approx(1 / 3)
    assert overlap(square, square + [1, 1]) == pytest.approx(1 / 7)
    assert overlap(square, square + [2, 0]) == 0
    assert overlap(square, square * 2) == 0.25
    assert overlap(square * 0, square * 0) == 0


def test_our_face_is_the_one_that_overlaps_most():
    rows = [row(2, 300), row(3, 130), row(4, 108), row(5, 60)]
    assert choose_row(rows, face_at(100, 100)).line == 4


@pytest.mark.parametrize(("name", "faces"), [("sample2", 3), ("sample6", 12), ("bald_guys", 24)])
def test_everybody_in_a_group_photograph_is_found_again(shared, name, faces):
    """Each face with perturbed landmarks is distinguished from its neighbours."""
    rows = CsvFile(shared / "reference" / "openface_csv" / f"{name}.csv").rows()
    rng = np.random.default_rng(0)
    assert len(rows) == faces
    for wanted in rows:
        size = np.ptp(wanted.landmarks68, axis=0)
        ours = wanted.landmarks68 + rng.normal(0, 0.03, (68, 2)) * size
        assert choose_row(rows[::-1], ours) is wanted


def test_somebody_elses_face_is_not_ours():
    reason = choose_row([row(2, 300)], face_at(100, 100))
    assert reason == "OpenFace's face lies elsewhere in the picture than ours (overlap 0.00)"
    reason = choose_row([row(2, 300), row(3, 160)], face_at(100, 100))
    assert reason == "OpenFace's 2 faces lie elsewhere in the picture than ours (overlap 0.14)"


def test_without_landmarks_only_a_lone_face_is_known():
    assert choose_row([row(2)], face_at(100, 100)).line == 2
    assert choose_row([row(2), row(3)], face_at(100, 100)).startswith("2 faces and no landmarks")


def test_a_broken_row_may_have_been_ours():
    cut = row(3, fault="line 3 is cut short")
    assert choose_row([row(2, 100), cut], face_at(100, 100)).line == 2
    assert choose_row([row(2, 300), cut], face_at(100, 100)) is cut


def test_ours_in_the_photograph_and_in_the_crop():
    face = face_of("a.jpg", FACE)
    face.align["matrix"] = [2, 0, 10, 0, 2, -6]
    np.testing.assert_allclose(align_landmarks(face, "crop"), FACE)
    np.testing.assert_allclose(align_landmarks(face, "source") * 2 + [10, -6], FACE)
