"""Recognise the pictures that faceprep wrote, and keep those of the user."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from faceprep.core.errors import Again, Shell, UsageError
from faceprep.core.images import write_png
from faceprep.core.marks import MARK, free_path, is_marked, is_own_file, keep_foreign
from faceprep.report.figure import save_figure
from faceprep.report.sheets.grid import write_marked

PICTURE = np.full((8, 8, 3), 90, np.uint8)


def png(**text: str) -> bytes:
    chunks, data = PngImagePlugin.PngInfo(), io.BytesIO()
    for key, value in text.items():
        chunks.add_text(key, value)
    Image.fromarray(PICTURE).save(data, format="PNG", pnginfo=chunks)
    return data.getvalue()


def test_everything_that_is_written_carries_a_mark(tmp_path: Path) -> None:
    crop, sheet, plot, page = (tmp_path / name for name in ("a.png", "b.png", "c.png", "d.pdf"))
    write_png(crop, PICTURE, MARK)
    write_marked(PICTURE, sheet, {"Software": "faceprep 9.9", "title": "Überraschung"})
    for path in (plot, page):
        save_figure(Figure(), path)
    for path in (crop, sheet, plot, page):
        assert is_own_file(path), path
    save_figure(Figure(), tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("data", "own"),
    [
        (png(), False),
        (png(Software="GIMP", Comment="cropped with faceprep"), False),
        (png(Software="faceprep 0.1"), True),
        (png(Comment="synthetic face", synthetic="true", checkpoint="0" * 64), True),
        (png(synthetic="true"), False),
        (png(Comment="tEXtSoftware\0faceprep"[:12] + " faceprep"), False),
        (b"\xff\xd8\xff faceprep", False),
        (b"", False),
    ],
)
def test_photographs_of_other_programs_have_none(data: bytes, own: bool, tmp_path: Path) -> None:
    assert is_marked(data) == own
    (tmp_path / "a.png").write_bytes(data)
    assert is_own_file(tmp_path / "a.png") == own


def test_only_own_and_empty_files_are_replaced(tmp_path: Path) -> None:
    own, empty, photograph = (tmp_path / name for name in ("own.png", "empty.png", "me.png"))
    write_png(own, PICTURE, MARK)
    empty.touch()
    keep_foreign([own, empty, tmp_path / "new.png"], "-o")
    write_png(photograph, PICTURE)
    with pytest.raises(UsageError, match=r"me\.png exists and faceprep did not write it") as error:
        keep_foreign([photograph], "--sheet")
    assert error.value.hint == Again({"--sheet": tmp_path / "me-2.png"})
    with pytest.raises(UsageError) as error:
        keep_foreign([own, photograph], "-o")
    assert error.value.hint == Again({"-o": tmp_path / "faceprep"})
    with pytest.raises(UsageError) as error:
        keep_foreign([photograph], None)
    assert error.value.hint == Shell(("mv", str(photograph), str(tmp_path / "me-2.png")))


def test_a_free_path_has_the_first_free_number(tmp_path: Path) -> None:
    assert free_path(tmp_path / "a.png") == tmp_path / "a.png"
    for name in ("a.png", "a-2.png"):
        (tmp_path / name).touch()
    assert free_path(tmp_path / "a.png") == tmp_path / "a-3.png"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "a.png")
    assert not is_own_file(tmp_path / "a.png")


def test_nothing_is_written_among_results(tmp_path: Path) -> None:
    crop = tmp_path / "ws/align/from-00400/images/00400/a.png"
    crop.parent.mkdir(parents=True)
    (tmp_path / "ws/align/stage.json").touch()
    write_png(crop, PICTURE, MARK)
    with pytest.raises(UsageError, match="among the results") as caught:
        keep_foreign([crop], "sheet")
    assert caught.value.hint == Again({"sheet": Path("a.png")})
    keep_foreign([crop], None)  # by the verb itself
    keep_foreign([tmp_path / "ws/sheet.png"], "sheet")
