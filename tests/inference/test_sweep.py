"""One Action Unit at six intensities, the others as they are."""

from builders.units import painted

from faceprep.inference.edit import EditRequest
from faceprep.inference.inputs import read_inputs
from faceprep.inference.sweep import LEVELS, sweep_units


def test_a_row_sweeps_one_unit_and_keeps_the_others(unit_painter) -> None:
    faces = read_inputs(["folder/S4/happiness", "folder/S5/surprise"], unit_painter)
    found = sweep_units(faces, unit_painter, ["AU12", "AU04"], EditRequest())
    assert found.images.shape == (2, 2, 6, 32, 32, 3)
    assert found.own.tolist() == [[1, 1], [3, 3]]
    for face, own in enumerate((1, 3)):
        for row, unit in enumerate(found.units):
            for column, level in enumerate(LEVELS):
                asked = painted(found.images[face, row, column])
                assert asked == {**dict.fromkeys(asked, own), unit: level}


def test_the_others_are_those_of_the_request(unit_painter) -> None:
    faces = read_inputs(["folder/S4/anger"], unit_painter)
    request = EditRequest("surprise", 0.5, {"AU06": 4.0})
    found = sweep_units(faces, unit_painter, ["AU12"], request)
    asked = painted(found.images[0, 0, 5])
    assert asked == {**dict.fromkeys(asked, 1.5), "AU06": 4, "AU12": 5}
