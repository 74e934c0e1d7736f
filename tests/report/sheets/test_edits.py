"""Pictures and sheets of edits: their contents, their text, and where they are written."""

import pytest
from builders.edits import CLASSES
from PIL import Image

from faceprep.core.errors import UsageError
from faceprep.core.images import read_image
from faceprep.inference.edit import edit_faces, edit_grid
from faceprep.inference.inputs import read_inputs
from faceprep.report.sheets.edits import draw_edit_grid, edit_paths, grid_path, write_edits


@pytest.fixture
def faces(painter):
    return read_inputs(["folder/test000", "folder/test001"], painter, "edit")


def test_every_picture_says_what_it_is(painter, faces, tmp_path):
    edits = edit_faces(faces, painter, "happiness", 0.6)
    written = write_edits(edits, painter, edit_paths(faces, "happiness", 0.6, tmp_path / "new"))
    names = ["test000-happiness-0.6.png", "test001-happiness-0.6.png"]
    assert [path.name for path in written.paths] == names
    for image, path in zip(edits.images, written.paths, strict=True):
        assert (read_image(path) == image).all()
        with Image.open(path) as picture:
            text = picture.text
        assert text["synthetic"] == "true"
        assert text["generator"] == "exprgan tiny, 64 px"
        assert text["checkpoint"] == "0" * 64
        assert (text["expression"], text["intensity"]) == ("happiness", "0.6")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    # Written over as a whole by the same command.
    paths = edit_paths(faces, "happiness", 0.6, tmp_path / "new")
    assert write_edits(edits, painter, paths).paths == written.paths


def test_a_sheet_shows_every_expression_in_five_intensities(painter, faces, tmp_path):
    path = grid_path(faces, tmp_path)
    assert path == tmp_path / "test000-grid.png"
    written = draw_edit_grid(edit_grid(faces, painter), painter, path)
    assert written.data["expressions"] == [*CLASSES]
    with Image.open(path) as sheet:
        assert sheet.text["synthetic"] == "true"
        all_of_them = (sheet.width, sheet.height)
    only = draw_edit_grid(edit_grid(faces, painter, "anger"), painter, tmp_path / "anger.png")
    with Image.open(only.paths[0]) as sheet:
        assert sheet.width == all_of_them[0]
        assert sheet.height < all_of_them[1] / 2


def test_paths_that_are_not_possible_are_refused(faces, tmp_path):
    with pytest.raises(UsageError, match="2 pictures do not go into one file"):
        edit_paths(faces, "anger", 1, tmp_path / "a.png")
    with pytest.raises(UsageError, match="a picture is a PNG"):
        edit_paths(faces, "anger", 1, tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
