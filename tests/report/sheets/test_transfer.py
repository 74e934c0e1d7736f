"""Pictures and sheets of transferred expressions."""

from PIL import Image

from faceprep.core.images import read_image
from faceprep.inference.inputs import InputFaces, read_inputs
from faceprep.inference.labels import Label
from faceprep.inference.transfer import transfer_expressions
from faceprep.report.sheets.transfer import transfer_path, write_transfers


def test_one_makes_a_picture_and_several_make_a_sheet(painter, tmp_path) -> None:
    faces = read_inputs(["folder/test000", "folder/test003"], painter, "transfer")
    one, other = InputFaces(faces.faces[:1]), InputFaces(faces.faces[1:])
    labels = [Label("anger", "asked")]
    found = transfer_expressions(one, other, labels, painter)
    path = transfer_path(one, other, tmp_path)
    assert path == tmp_path / "test000-as-test003.png"
    written = write_transfers(found, painter, path)
    assert (read_image(path) == found.images[0, 0]).all()
    assert written.lines[0].startswith("folder/test003: anger (asked), strength")
    with Image.open(path) as picture:
        assert picture.text["synthetic"] == "true"
    assert transfer_path(faces, other, tmp_path) == tmp_path / "transfer.png"
    several = transfer_expressions(faces, other, labels, painter)
    written = write_transfers(several, painter, tmp_path / "transfer.png")
    with Image.open(written.paths[0]) as sheet:
        assert sheet.height > 3 * 128
