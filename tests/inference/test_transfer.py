"""``transfer``: whose expression, how strong, and who says which it is."""

from dataclasses import replace

import pytest
import torch
from builders.toy_generators import LandmarkToy, ToyConfig
from builders.units import painted

from faceprep.cli.remedies import spell
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.editor import Editor
from faceprep.inference.edit import EditRequest, edit_faces
from faceprep.inference.inputs import InputFace, InputFaces, read_inputs
from faceprep.inference.labels import Label
from faceprep.inference.transfer import (
    read_codes,
    transfer_expressions,
    transfer_units,
    transferred,
)

QUIET = Progress(quiet=True)


@pytest.fixture
def faces(painter):
    return read_inputs(["folder/test000", "folder/test003"], painter)


@pytest.fixture
def angry(painter, faces):
    """A face on which anger was painted, 0.5 strong."""
    images = edit_faces(faces, painter, EditRequest("anger", 0.5)).images
    return InputFaces([InputFace("angry.png", images[0])])


def test_the_strength_of_b_is_that_of_the_result(painter, faces, angry) -> None:
    one = InputFaces(faces.faces[1:])
    found = transfer_expressions(one, angry, [Label("anger", "asked")], painter)
    image = found.images[0, 0]
    # The painter reads 1.5 times what it painted.
    assert image[:8, :, 0].mean() / 255 == pytest.approx(0.75, abs=0.02)
    assert (image[8:] == faces.faces[1].image[8:]).all()
    (reading,) = found.readings
    assert reading.as_dict()["strength"] == pytest.approx(0.75, abs=0.02)
    assert str(reading) == "angry.png: anger (asked), strength 0.75"
    assert not reading.notes()


def test_codes_are_brought_into_what_the_decoder_knows(painter, angry) -> None:
    code = read_codes(angry, [Label("surprise", "asked")], painter).unflatten(1, (3, 5))
    assert (code[:, 2] >= 0).all()
    assert (code[:, :2] <= 0).all()
    assert code.abs().max() <= 1
    neutral = read_codes(angry, [Label("neutral", "judge")], painter)
    assert torch.equal(neutral, torch.full((1, 15), -1.0))  # no class here: all absent


def test_a_code_without_strength_is_told(painter, faces) -> None:
    black = InputFaces([InputFace("black.png", 0 * faces.faces[0].image)])
    found = transfer_expressions(faces, black, [Label("anger", "asked")], painter)
    (note,) = found.readings[0].notes()
    assert "next to no anger in black.png; an edit by name does not" in spell(note)


def test_a_kind_without_codes_is_refused(painter, faces) -> None:
    class Plain:
        kind, preset, size, classes = "plain", "", 64, ("anger", "happiness")

    plain = replace(painter, model=Plain())
    with pytest.raises(UsageError, match="of kind plain, which cannot read") as caught:
        read_codes(faces, [Label("anger", "asked")] * 2, plain)
    assert caught.value.hint == "kinds that can: exprgan"


def test_action_units_of_b_are_given_to_a(unit_painter) -> None:
    faces = read_inputs(["folder/S4/anger", "folder/S5/neutral"], unit_painter)
    others = read_inputs(["folder/S5/surprise", "folder/S4/anger"], unit_painter)
    assert transferred(unit_painter) == "action_units"
    found = transfer_units(faces, others, unit_painter)
    assert found.images.shape[:2] == (2, 2)
    for images in found.images:
        assert set(painted(images[0]).values()) == {3}
        assert set(painted(images[1]).values()) == {0}
    strong, none = found.readings
    assert strong.shown == dict.fromkeys(INTENSITY_AUS, 3.0)
    assert str(none) == "folder/S4/anger: no Action Unit above 0.5"
    assert strong.as_dict()["action_units"]["AU12"] == 3


def test_a_kind_that_can_transfer_neither_is_refused(unit_painter) -> None:
    toy = LandmarkToy(ToyConfig(preset="tiny", classes=("anger", "happiness"), size=32))
    toy.driven_by = frozenset({"expression"})
    other = replace(unit_painter, model=toy, editor=Editor(toy), kind=toy.kind)
    with pytest.raises(UsageError, match="toy-landmarks, which cannot transfer") as caught:
        transferred(other)
    assert "exprgan, " in caught.value.hint
    assert "toy-aus, toy-landmarks" in caught.value.hint
