"""Owners of temporary folders, seen from the same host and from a container on it."""

import os
import socket
import time
from pathlib import Path

import pytest

from faceprep.core import processes
from faceprep.workspace import Workspace
from faceprep.workspace.in_hand import remove_abandoned, wait_for_others
from faceprep.workspace.pending import pending_shard


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File that stands for this process's PID namespace; another file is another namespace."""
    path = tmp_path / "pid"
    path.touch()
    monkeypatch.setattr(processes, "_PID_NAMESPACE", path)
    return path


def test_a_namespace_of_its_own_is_part_of_the_name(
    space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processes.here() == f"{socket.gethostname()}~{space.stat().st_ino}"
    monkeypatch.setattr(processes, "_INITIAL_NAMESPACE", space.stat().st_ino)
    assert processes.here() == socket.gethostname()
    space.unlink()
    assert processes.here() == socket.gethostname()


def test_another_container_is_neither_swept_nor_waited_for(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "ws")
    dead, alive = 2**22 + 1, os.getppid()
    with pending_shard(workspace, "heatmaps", 0) as theirs:
        for pid in (dead, alive):
            path = theirs.folder.with_name(f"part-0000{pid % 2}.{processes.here()}-{pid}.tmp")
            path.mkdir()
        other = tmp_path / "other"
        other.touch()
        monkeypatch.setattr(processes, "_PID_NAMESPACE", other)
        remove_abandoned(workspace, "heatmaps")
        assert len(list(workspace.folder("heatmaps").iterdir())) == 3
        assert not wait_for_others(workspace, "heatmaps", alive % 2)


@pytest.mark.parametrize("name", ["part-00003.{}-1.tmp", ".stage.json.1@{}.tmp"])
def test_a_name_without_a_namespace_is_swept_from_a_container_by_age(
    space: Path, tmp_path: Path, name: str
) -> None:
    """As an older version left it, or this one outside of containers."""
    workspace = Workspace(tmp_path / "ws")
    left = workspace.folder("heatmaps") / name.format(socket.gethostname())
    left.mkdir(parents=True)
    remove_abandoned(workspace, "heatmaps")
    assert left.exists()
    long_ago = time.time() - 25 * 3600
    os.utime(left, (long_ago, long_ago))
    remove_abandoned(workspace, "heatmaps")
    assert not left.exists()
