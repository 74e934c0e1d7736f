"""Sizes have units, and a folder that cannot be written is refused in one line."""

import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from faceprep.core.disk import refuse_unwritable, shortage, size_text, space_text
from faceprep.core.errors import FaceprepError


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (27_000, "27.0 kB"), (999_600, "1.0 MB"),
     (123_456_789, "123 MB"), (2.7e12, "2.7 TB"), (2.7e24, "2700000 EB")],
)  # fmt: skip
def test_sizes_have_units(size: float, text: str) -> None:
    assert size_text(size) == text


def test_a_plan_is_compared_with_the_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9e9, 7e9, 2e9))
    assert space_text(3e6, tmp_path / "new" / "ws") == "about 3.0 MB of 2.0 GB free"
    assert shortage(2e9, tmp_path / "new") is None
    assert shortage(5e12, tmp_path) == f"this needs about 5.0 TB, and {tmp_path} has 2.0 GB free"


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    refuse_unwritable(tmp_path / "new" / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_and_a_read_only_disk_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FaceprepError, match=r"notes.txt is a file, not a folder$"):
        refuse_unwritable(tmp_path / "notes.txt" / "sheet.png")

    def read_only(**place: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    with pytest.raises(FaceprepError, match=r"^cannot write .*ws: Read-only file system") as error:
        refuse_unwritable(tmp_path / "ws", "choose another folder with --workspace")
    assert error.value.hint == "choose another folder with --workspace"
