"""Edits at an intensity, grids of intensities, and requests that are refused."""

from dataclasses import replace

import numpy as np
import pytest
from builders.edits import CLASSES
from builders.units import painted as painted_units

from faceprep.core.errors import Again, UsageError
from faceprep.generators.editor import Editor, IntensityMap
from faceprep.inference.edit import LEVELS, EditRequest, edit_faces, edit_grid, make_new_faces
from faceprep.inference.inputs import read_inputs


@pytest.fixture
def faces(painter):
    return read_inputs(["folder/test000", "folder/test001"], painter)


def painted(image: np.ndarray, expression: str) -> float:
    """Return the intensity of an expression in an image of the painter, in [0, 1]."""
    return float(image[:8, :, CLASSES.index(expression)].mean()) / 255


def test_every_face_gets_the_expression(painter, faces):
    edits = edit_faces(faces, painter, EditRequest("happiness", 0.6))
    for face, image in zip(faces.faces, edits.images, strict=True):
        assert painted(image, "happiness") == pytest.approx(0.6, abs=0.01)
        assert (image[8:] == face.image[8:]).all()
    assert not edits.calibrated


def test_the_intensity_is_what_the_calibration_makes_of_it(painter, faces):
    maps = {"anger": IntensityMap((0.0, 0.3, 1.0), (0.0, 0.9, 1.0))}
    painter = replace(painter, editor=Editor(painter.model, maps))
    levels = [0.0, 0.1, 0.3, 0.5, 1.0]
    edits = [edit_faces(faces, painter, EditRequest("anger", level)) for level in levels]
    seen = [painted(one.images[0], "anger") for one in edits]
    assert seen == sorted(seen)
    assert seen[2] == pytest.approx(0.9, abs=0.01)
    assert edits[0].calibrated


def test_a_grid_has_every_expression_in_five_intensities(painter, faces, monkeypatch):
    asked: list[tuple[str, float]] = []
    edit = Editor.edit

    def watched(self, images, expression, intensity=1.0, sources=None):
        asked.append((expression, intensity))
        return edit(self, images, expression, intensity, sources)

    monkeypatch.setattr(Editor, "edit", watched)
    found = edit_grid(faces, painter)
    wanted = [(name, level) for name in CLASSES for level in LEVELS]
    # Neutral is no class of the painter: it is painted by telling it of none.
    assert asked == [("neutral", 1.0), *wanted] * 2
    assert found.images.shape[:3] == (2, 3, 5)
    assert found.neutral.shape == faces.images.shape
    assert edit_grid(faces, painter, "anger").expressions == ["anger"]


def test_new_people_are_those_of_the_seed(painter):
    first, again, other = (make_new_faces(painter, 2, seed) for seed in (0, 0, 1))
    assert (first.images == again.images).all()
    assert (first.images != other.images).any()


def test_impossible_requests_are_refused(painter, faces):
    for level in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match="outside 0 … 1"):
            edit_faces(faces, painter, EditRequest("anger", level))
    with pytest.raises(UsageError, match="does not know 'fear'") as caught:
        edit_faces(faces, painter, EditRequest("fear"))
    assert caught.value.hint == "one of: anger, happiness, surprise, neutral"
    with pytest.raises(UsageError, match="does not know 'happyness'") as caught:
        edit_faces(faces, painter, EditRequest("happyness"))
    assert caught.value.hint == Again({"to": "happiness"}, note="did you mean happiness?")


@pytest.mark.parametrize("word", ["Happiness", "happy", "joy", "Freude"])
def test_other_words_for_an_expression_are_understood(painter, faces, word):
    assert edit_faces(faces, painter, EditRequest(word)).request.expression == "happiness"


def test_named_units_are_set_and_the_others_stay(unit_painter):
    faces = read_inputs(["folder/S4/happiness", "folder/S5/surprise"], unit_painter)
    found = edit_faces(faces, unit_painter, EditRequest(action_units={"AU12": 3.5}))
    for own, image, asked in zip((1, 3), found.images, found.action_units, strict=True):
        seen = painted_units(image)
        assert seen == {**dict.fromkeys(seen, own), "AU12": 3.5}
        assert asked.tolist() == list(seen.values())


def test_an_expression_gives_the_units_that_are_not_named(unit_painter):
    faces = read_inputs(["folder/S4/anger"], unit_painter)
    request = EditRequest("surprise", 0.5, {"AU06": 0.0})
    seen = painted_units(edit_faces(faces, unit_painter, request).images[0])
    assert seen == {**dict.fromkeys(seen, 1.5), "AU06": 0}
    assert request.name == "surprise-0.5-AU06-0"


def test_a_kind_that_is_not_driven_by_units_names_those_that_are(painter, faces, unit_workspace):
    with pytest.raises(UsageError, match="of kind exprgan, which cannot") as caught:
        edit_faces(faces, painter, EditRequest(action_units={"AU12": 3.5}))
    assert "toy-aus" in caught.value.hint
    assert "toy-landmarks" not in caught.value.hint
