"""Crops in, edited crops out."""

import pytest
from builders.edits import CLASSES, MadeGenerator, copy, draw_people
from builders.toy_generators import ActionUnitToy, ToyConfig, registered

from faceprep.core.errors import UsageError
from faceprep.generators.editor import CALIBRATION, Editor, IntensityMap, calibration_of


def test_an_editor_uses_its_calibration():
    images = draw_people(100, 1).images[:1]
    seen: list[float] = []

    def edit(x, asked, strength):
        seen.append(round(strength, 4))
        return x

    editor = Editor(MadeGenerator(edit), {"anger": IntensityMap((0, 1), (0, 1))})
    editor.calibration["happiness"] = IntensityMap((0.0, 0.5, 1.0), (0.0, 0.8, 1.0))
    for expression in CLASSES:
        editor.edit(images, expression, 0.5)
    assert seen == [0.5, 0.8, 0.5]
    with pytest.raises(UsageError, match="does not know 'joy'"):
        editor.edit(images, "joy")


def test_a_copy_comes_back_bit_for_bit():
    images = draw_people(100, 1).images
    assert (Editor(copy()).edit(images, "anger") == images).all()
    assert Editor(copy()).edit(images[:0], "anger").shape == (0, *images.shape[1:])


def test_a_seed_gives_the_same_new_faces():
    editor = Editor(MadeGenerator(lambda x, asked, strength: x + strength))
    first, again = editor.new_faces(3, "anger", 1), editor.new_faces(3, "anger", 1)
    assert first.shape == (3, 64, 64, 3)
    assert (first == again).all()


def test_a_kind_that_needs_a_source_makes_no_new_faces():
    with registered():
        toy = ActionUnitToy(ToyConfig(preset="tiny", classes=("anger", "happiness"), size=32))
        with pytest.raises(UsageError, match="toy-aus, which cannot generate faces") as caught:
            Editor(toy).new_faces(1, "anger")
    assert caught.value.hint == "kinds that can: exprgan"


def test_maps_survive_json_and_malformed_maps_are_refused():
    one = IntensityMap((0.0, 0.8, 1.0), (0.0, 0.5, 1.0))
    assert calibration_of({CALIBRATION: {"anger": one.to_json()}}) == {"anger": one}
    assert calibration_of({}) == {}
    for wrong in (
        {"anger": {"asked": [0, 1]}},
        {"anger": {"asked": [0, 1], "told": [0, "x"]}},
        {"anger": {"asked": [0, 1], "told": [1, 0]}},
        {"anger": {"asked": [0, 0.5, 1], "told": [0, 1]}},
        {"anger": {"asked": [0, float("nan"), 1], "told": [0, 0.5, 1]}},
        {"anger": 3},
        ["anger"],
    ):
        with pytest.raises(UsageError, match="calibration"):
            calibration_of({CALIBRATION: wrong})
