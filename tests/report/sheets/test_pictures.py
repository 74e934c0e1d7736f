"""Destinations of pictures that verbs write."""

from pathlib import Path

import pytest

from faceprep.core.errors import UsageError
from faceprep.report.sheets.pictures import picture_paths, sheet_path


def test_where_pictures_go(tmp_path):
    names = ["a", "b", "a"]
    assert picture_paths(None, names, []) == [Path("a.png"), Path("b.png"), Path("a-2.png")]
    assert picture_paths(tmp_path / "x", ["a"], []) == [tmp_path / "x" / "a.png"]
    assert picture_paths(tmp_path / "x.png", ["a"], []) == [tmp_path / "x.png"]
    assert sheet_path(tmp_path, "s.png") == tmp_path / "s.png"
    with pytest.raises(UsageError, match="a PNG"):
        sheet_path(tmp_path / "s.pdf", "s.png")
    with pytest.raises(UsageError, match="it would be lost"):
        picture_paths(tmp_path / "x.png", ["a"], [str(tmp_path / "x.png")])
