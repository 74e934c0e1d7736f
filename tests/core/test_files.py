"""Atomic writes: whole files or none, and nothing left behind."""

import errno
import json
import os
import re
import socket
import tempfile
import time
from pathlib import Path

import pytest

from faceprep.core import files
from faceprep.core.errors import FaceprepError
from faceprep.core.files import (
    PENDING,
    atomic_write,
    digest,
    file_sha256,
    is_abandoned,
    is_disk_full,
    output_file,
    reserve,
    write_failure,
    write_json,
)
from faceprep.workspace import Workspace
from faceprep.workspace.pending import pending_shard, remove_abandoned, wait_for_others


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


def test_a_file_of_a_private_temporary_file_has_the_mode_of_the_umask(tmp_path):
    """Write a file that only its owner may read, as mkstemp and safetensors do."""
    (tmp_path / "usual").touch()
    with atomic_write(tmp_path / "a") as temporary:
        descriptor, private = tempfile.mkstemp(dir=tmp_path)
        os.close(descriptor)
        Path(private).replace(temporary)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_full_disk_is_named_with_its_free_space(small_disk):
    path = small_disk.folder / "new" / "a"
    small_disk.leave(300_000)
    message = f"no space left on {small_disk.folder} for {path}: 500 kB needed, "
    with pytest.raises(FaceprepError) as error, output_file(path, size=500_000) as temporary:
        temporary.write_bytes(bytes(500_000))
    assert re.fullmatch(rf"{re.escape(message)}30\d kB free", error.value.message)
    with (
        pytest.raises(FaceprepError, match="no space left"),
        output_file(path) as temporary,
        temporary.open("wb") as stream,
    ):
        reserve(stream, 500_000)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        OSError(errno.EDQUOT, "quota"),
        RuntimeError("I/O error: No space left on device (os error 28)"),  # as safetensors says it
    ],
)
def test_a_full_disk_is_recognised_by_every_library(error, tmp_path):
    assert is_disk_full(error)
    assert write_failure(error, tmp_path / "a").startswith("no space left ")


def test_other_failures_are_told_as_they_are(tmp_path):
    error = OSError(errno.EROFS, "Read-only file system")
    assert not is_disk_full(error)
    assert write_failure(error, tmp_path) == f"cannot write {tmp_path}: Read-only file system"


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


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File that stands for this process's PID namespace; another file is another namespace."""
    path = tmp_path / "pid"
    path.touch()
    monkeypatch.setattr(files, "_PID_NAMESPACE", path)
    return path


def test_a_namespace_of_its_own_is_part_of_the_name(
    space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.here() == f"{socket.gethostname()}~{space.stat().st_ino}"
    monkeypatch.setattr(files, "_INITIAL_NAMESPACE", space.stat().st_ino)
    assert files.here() == socket.gethostname()
    space.unlink()
    assert files.here() == socket.gethostname()


def test_another_container_is_neither_swept_nor_waited_for(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "ws")
    dead, alive = 2**22 + 1, os.getppid()
    with pending_shard(workspace, "heatmaps", 0) as theirs:
        for pid in (dead, alive):
            path = theirs.folder.with_name(f"part-0000{pid % 2}.{files.here()}-{pid}.tmp")
            path.mkdir()
        other = tmp_path / "other"
        other.touch()
        monkeypatch.setattr(files, "_PID_NAMESPACE", other)
        remove_abandoned(workspace, "heatmaps")
        assert len(list(workspace.folder("heatmaps").iterdir())) == 3
        assert not wait_for_others(workspace, "heatmaps", alive % 2)


@pytest.mark.parametrize("name", ["part-00003.{}-1.tmp", ".stage.json.1@{}.tmp"])
def test_a_name_without_a_namespace_is_swept_from_a_container_by_age(
    space: Path, tmp_path: Path, name: str
) -> None:
    """Older versions, and this one outside of containers, write names without a namespace."""
    workspace = Workspace(tmp_path / "ws")
    left = workspace.folder("heatmaps") / name.format(socket.gethostname())
    left.mkdir(parents=True)
    remove_abandoned(workspace, "heatmaps")
    assert left.exists()
    long_ago = time.time() - 25 * 3600
    os.utime(left, (long_ago, long_ago))
    remove_abandoned(workspace, "heatmaps")
    assert not left.exists()
