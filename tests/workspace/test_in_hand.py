"""Temporary files are removed when their process is gone."""

import os
import subprocess
import sys
import time

from builders.shards import commit

from faceprep.core.processes import here
from faceprep.workspace import Workspace
from faceprep.workspace.in_hand import remove_abandoned, shards_in_hand, wait_for_others
from faceprep.workspace.pending import pending_shard


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
