"""Pictures and sheets of edits: their contents, their text, and where they are written."""

from pathlib import Path

import pytest
from builders.edits import CLASSES
from PIL import Image

from faceprep.core.errors import UsageError
from faceprep.core.images import read_image
from faceprep.core.progress import Progress
from faceprep.inference.edit import EditRequest, edit_faces, edit_grid, make_new_faces
from faceprep.inference.inputs import InputFaces, read_inputs
from faceprep.inference.labels import Label
from faceprep.inference.retrieve import retrieve, ways_of
from faceprep.inference.transfer import transfer_expressions
from faceprep.report.sheets.inference import (
    draw_edit_grid,
    draw_hits,
    draw_new_faces,
    edit_paths,
    grid_path,
    picture_paths,
    sheet_path,
    transfer_path,
    write_edits,
    write_transfers,
)


@pytest.fixture
def faces(painter):
    return read_inputs(["folder/test000", "folder/test001"], painter)


def test_every_picture_says_what_it_is(painter, faces, tmp_path):
    request = EditRequest("happiness", 0.6)
    edits = edit_faces(faces, painter, request)
    written = write_edits(edits, painter, edit_paths(faces, request, tmp_path / "new"))
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
    paths = edit_paths(faces, request, tmp_path / "new")
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
    with pytest.raises(UsageError, match="2 pictures cannot be written to one file"):
        edit_paths(faces, EditRequest("anger"), tmp_path / "a.png")
    with pytest.raises(UsageError, match="a picture is a PNG"):
        edit_paths(faces, EditRequest("anger"), tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())


def test_one_makes_a_picture_and_several_make_a_sheet(painter, tmp_path) -> None:
    faces = read_inputs(["folder/test000", "folder/test003"], painter)
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


def test_a_seed_gives_the_same_sheet(painter, tmp_path):
    paths = [
        draw_new_faces(make_new_faces(painter, 2, seed), painter, tmp_path / f"{number}.png").paths[
            0
        ]
        for number, seed in enumerate((0, 0, 1))
    ]
    sheets = [path.read_bytes() for path in paths]
    assert sheets[0] == sheets[1]
    assert sheets[0] != sheets[2]
    with Image.open(paths[2]) as sheet:
        assert sheet.text["seed"] == "1"


QUIET = Progress(quiet=True)


def test_a_sheet_has_a_line_a_way(painter, tmp_path) -> None:
    queries = read_inputs(["folder/test001", "folder/test005"], painter)
    sizes = []
    for ways in ("code", "all"):
        found = retrieve(queries, painter, ways_of(ways), "train", None, 3, QUIET)
        path = draw_hits(found, painter, tmp_path / f"{ways}.png")
        with Image.open(path) as sheet:
            sizes.append(sheet.size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] - sizes[0][1] == 4 * (128 + 8 + 20)


def test_where_pictures_go(tmp_path):
    names = ["a", "b", "a"]
    assert picture_paths(None, names, []) == [Path("a.png"), Path("b.png"), Path("a-2.png")]
    assert picture_paths(tmp_path / "x", ["a"], []) == [tmp_path / "x" / "a.png"]
    assert picture_paths(tmp_path / "x.png", ["a"], []) == [tmp_path / "x.png"]
    assert sheet_path(tmp_path, "s.png") == tmp_path / "s.png"
    with pytest.raises(UsageError, match="a PNG"):
        sheet_path(tmp_path / "s.pdf", "s.png")
    with pytest.raises(UsageError, match="would be overwritten"):
        picture_paths(tmp_path / "x.png", ["a"], [str(tmp_path / "x.png")])
