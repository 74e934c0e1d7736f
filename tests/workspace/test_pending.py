"""A shard is committed as a whole or not at all."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.shards import commit

from faceprep.core.errors import ManifestError
from faceprep.core.files import here
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import (
    pending_shard,
    remove_abandoned,
    shards_in_hand,
    wait_for_others,
)


def names(workspace: Workspace) -> list[str]:
    return sorted(str(p.relative_to(workspace.root)) for p in workspace.root.rglob("*"))


def test_a_commit_leaves_part_marker_and_images_and_nothing_else(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    marker = commit(workspace)
    assert marker == workspace.marker("heatmaps", 0)
    assert workspace.is_done("heatmaps", 0, "input", "a")
    assert names(workspace) == [
        "heatmaps",
        "heatmaps/images",
        "heatmaps/images/00000",
        "heatmaps/images/00000/a0.png",
        "heatmaps/images/00000/a1.png",
        "heatmaps/part-00000.json",
        "heatmaps/part-00000.parquet",
    ]


def test_a_second_commit_replaces_the_first_whole(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace, "a", images=2)
    commit(workspace, "b", images=1)
    assert workspace.is_done("heatmaps", 0, "input", "b")
    assert [p.name for p in workspace.images("heatmaps", 0).iterdir()] == ["b0.png"]
    commit(workspace, "c", images=0)
    assert not workspace.images("heatmaps", 0).exists()
    assert workspace.is_done("heatmaps", 0, "input", "c")


def test_a_table_that_breaks_the_schema_leaves_the_old_shard(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    bad = {"face_id": "b", "status": "sleepy", "channels": 1, "sigma": 2.0}
    with pytest.raises(ManifestError), pending_shard(workspace, "heatmaps", 0) as pending:
        pending.commit(
            table_from_rows("heatmaps", [bad]),
            input_hash="i",
            config_hash="c",
            provenance={},
            seconds=0.0,
        )
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_two_hosts_that_commit_a_shard_at_once_do_no_damage(tmp_path) -> None:
    """A host that put its images there between two steps of ours is replaced, not stumbled over."""
    workspace = Workspace(tmp_path)
    commit(workspace)
    marker = workspace.marker("heatmaps", 0)
    place = workspace.images("heatmaps", 0)
    rename, racing = Path.rename, iter([True])

    def rename_late(self, target):
        moved = rename(self, target)
        if self == place and next(racing, False):
            place.mkdir()
            (place / "theirs.png").write_bytes(b"theirs")
        return moved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", rename_late)
        commit(workspace)
    assert workspace.is_done("heatmaps", 0, marker.input, marker.config)
    assert not list(place.glob("theirs.png"))


def test_only_files_of_dead_processes_are_removed(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = workspace.folder("heatmaps")
    abandoned = folder / f"part-00007.{here()}-{dead.pid}.tmp"
    elsewhere = folder / f"part-00007.another-host-{dead.pid}.tmp"
    for path in (abandoned, elsewhere):
        (path / "images").mkdir(parents=True)
    (folder / f"stage.json.{dead.pid}.tmp").write_text("{")
    half = folder / f".part-00007.json.{dead.pid}@{here()}.tmp"
    theirs = folder / f".part-00007.json.{dead.pid}@node-{dead.pid}.tmp"
    for path in (half, theirs):
        path.write_text("{")
    with pending_shard(workspace, "heatmaps", 1) as pending:
        remove_abandoned(workspace, "heatmaps")
        assert pending.folder.is_dir()
        assert elsewhere.is_dir()
        assert not abandoned.exists()
        assert not list(folder.glob("stage.json.*"))
        assert (half.exists(), theirs.exists()) == (False, True)
        # Whether a process of another host is alive cannot be seen.
        assert shards_in_hand(workspace, "heatmaps") == {1, 7}


def test_a_reused_process_number_does_not_block(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    workspace.make_folder("heatmaps")
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    left = workspace.folder("heatmaps") / f"part-00003.{here()}-{other.pid}.tmp"
    left.mkdir()
    assert shards_in_hand(workspace, "heatmaps") == {3}
    long_ago = time.time() - 3600
    os.utime(left, (long_ago, long_ago))
    assert not wait_for_others(workspace, "heatmaps", 3)
    remove_abandoned(workspace, "heatmaps")
    assert not left.exists()
    other.communicate(b"\n")
