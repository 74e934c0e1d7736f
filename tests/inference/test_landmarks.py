"""Requested landmarks of another face."""

from dataclasses import replace

import numpy as np
import pytest

from faceprep.core.errors import Again, UsageError
from faceprep.core.progress import Progress
from faceprep.generators.editor import Editor
from faceprep.generators.targets import Measurements
from faceprep.inference.inputs import InputFace, InputFaces, read_inputs
from faceprep.inference.labels import Label
from faceprep.inference.landmarks import Donor, displacement, donor_of, landmark_target

HAPPY = Label("happiness", "asked")


def photograph(pixels: float) -> InputFace:
    """Return a face that is not in the workspace, with all points at a number of pixels."""
    points = np.full((1, 68, 2), pixels / 32, np.float32)
    return InputFace(
        "x.png", np.zeros((32, 32, 3), np.uint8), measurements=Measurements(None, points)
    )


def asked(face: InputFace, donor: Donor, generator, intensity: float = 1.0) -> float:
    target = landmark_target(InputFaces([face]), [donor], generator, intensity)
    return float(target.require("landmarks").mean()) * 32


def test_the_neutral_face_of_the_workspace_is_known_else_estimated(landmark_painter) -> None:
    (known,) = read_inputs(["folder/S4/surprise"], landmark_painter).faces
    assert displacement(known, landmark_painter).mean() * 32 == pytest.approx(1)
    assert displacement(photograph(8), landmark_painter).mean() * 32 == pytest.approx(5, abs=0.2)


def test_the_displacement_is_moved_to_the_neutral_shape_of_the_source(landmark_painter) -> None:
    (face,) = read_inputs(["folder/S4/anger"], landmark_painter).faces  # at 1, its neutral at 3
    donor = Donor(photograph(8), HAPPY)
    assert asked(face, donor, landmark_painter) == pytest.approx(3 + 5, abs=0.2)
    assert asked(face, donor, landmark_painter, 0.5) == pytest.approx(1 + 3.5, abs=0.2)
    assert asked(face, replace(donor, raw=True), landmark_painter) == pytest.approx(8)


def test_the_label_is_that_of_the_workspace_unless_another_is_given(landmark_painter) -> None:
    quiet = Progress(quiet=True)
    (face,) = read_inputs(["folder/S5/surprise"], landmark_painter).faces
    assert donor_of(face, landmark_painter, None, False, quiet).title == "surprise"
    assert donor_of(face, landmark_painter, "anger", True, quiet).as_dict()["expression"] == "anger"
    landmark_painter.model.driven_by = frozenset({"landmarks"})
    unlabelled = replace(landmark_painter, editor=Editor(landmark_painter.model))
    assert donor_of(face, unlabelled, None, False, quiet).label is None


def test_without_neutral_faces_only_the_points_as_they_are(landmark_painter) -> None:
    bare = replace(landmark_painter, editor=Editor(landmark_painter.model))
    with pytest.raises(UsageError, match="trained without neutral faces") as caught:
        asked(photograph(4), Donor(photograph(8), HAPPY), bare)
    assert isinstance(caught.value.hint, Again)
    assert asked(photograph(4), Donor(photograph(8), HAPPY, raw=True), bare) == pytest.approx(8)
