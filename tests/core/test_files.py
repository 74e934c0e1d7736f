"""Atomic writes: whole files or none, and nothing left behind."""

import json
import os

import pytest

from faceprep.core.errors import FaceprepError
from faceprep.core.files import atomic_write, digest, file_sha256, output_file, write_json
from faceprep.core.processes import PENDING, is_abandoned


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("sync", [False, True])
def test_a_finished_write_replaces_the_file(tmp_path, sync):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_write(path, sync=sync) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_the_temporary_name_is_of_a_file_and_of_a_living_process(tmp_path):
    with atomic_write(tmp_path / "part-00000.json") as temporary:
        temporary.write_text("")
        (entry,) = os.scandir(tmp_path)
        assert not PENDING.fullmatch(entry.name)
        assert not is_abandoned(entry)


def test_an_output_file_makes_its_folder_and_explains_a_failure(tmp_path):
    path = tmp_path / "deeper" / "a.txt"
    with output_file(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    message = r"cannot write .*a\.txt/b: (Not a directory|File exists)"
    with pytest.raises(FaceprepError, match=message) as error, output_file(path / "b", "elsewhere"):
        pass
    assert error.value.hint == "elsewhere"


def test_json_is_sorted_and_what_it_lacks_becomes_text(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": tmp_path, "a": 1})
    assert path.read_text().startswith('{\n "a": 1,')
    assert json.loads(path.read_text())["b"] == str(tmp_path)


def test_hashes_do_not_change_between_versions(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert file_sha256(path).startswith("ba7816bf8f01cfea")
    assert digest({"b": 1, "a": [None, "x"]}) == digest({"a": [None, "x"], "b": 1})
    assert digest([]) == "4f53cda18c2baa0c"
