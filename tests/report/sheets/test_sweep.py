"""Sheet of a sweep."""

from PIL import Image

from faceprep.inference.edit import EditRequest
from faceprep.inference.inputs import read_inputs
from faceprep.inference.sweep import sweep_units
from faceprep.report.sheets.sweep import draw_sweep


def test_a_row_for_each_unit_of_each_face(unit_painter, tmp_path) -> None:
    faces = read_inputs(["folder/S4/anger", "folder/S5/surprise"], unit_painter)
    sizes = []
    for units in (["AU12"], ["AU12", "AU04"]):
        sweep = sweep_units(faces, unit_painter, units, EditRequest("surprise"))
        written = draw_sweep(sweep, unit_painter, tmp_path / "sweep.png")
        with Image.open(written.paths[0]) as sheet:
            sizes.append(sheet.size)
            assert sheet.text["synthetic"] == "true"
            assert sheet.text["expression"] == "surprise"
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] - sizes[0][1] == 2 * (128 + 8 + 20)
    assert written.data["units"] == ["AU12", "AU04"]
