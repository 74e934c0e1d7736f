"""A shard is done when its marker matches and what it names is intact, and only then."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faceprep.cli.remedies import spell
from faceprep.core.errors import ManifestError
from faceprep.core.processes import here
from faceprep.workspace import Workspace
from faceprep.workspace.in_hand import remove_abandoned, shards_in_hand, wait_for_others
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard


def commit(workspace: Workspace, value: str = "a", images: int = 2, shard: int = 0):
    row = {"face_id": value, "status": "ok", "channels": 1, "sigma": 2.0}
    with pending_shard(workspace, "heatmaps", shard) as pending:
        for number in range(images):
            (pending.images / f"{value}{number}.png").write_bytes(b"png")
        return pending.commit(
            table_from_rows("heatmaps", [row]),
            input_hash="input",
            config_hash=value,
            provenance={},
            seconds=1.5,
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


@pytest.mark.parametrize(
    "damage", ["marker", "garbled marker", "part", "changed part", "image", "short image"]
)
def test_damage_makes_a_shard_undone(tmp_path, damage: str) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    if damage == "marker":
        workspace.marker_path("heatmaps", 0).unlink()
    elif damage == "garbled marker":
        workspace.marker_path("heatmaps", 0).write_text("{")
    elif damage == "part":
        workspace.part("heatmaps", 0).unlink()
    elif damage == "changed part":
        with workspace.part("heatmaps", 0).open("ab") as stream:
            stream.write(b"x")
    elif damage == "image":
        (workspace.images("heatmaps", 0) / "a0.png").unlink()
    else:
        (workspace.images("heatmaps", 0) / "a0.png").write_bytes(b"p")
    assert not workspace.is_done("heatmaps", 0, "input", "a")


def test_other_input_or_settings_make_a_shard_undone(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    assert not workspace.is_done("heatmaps", 0, "other", "a")
    assert not workspace.is_done("heatmaps", 0, "input", "other")
    assert not workspace.is_done("heatmaps", 1, "input", "a")


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


def test_reading_an_unfinished_shard_says_which_stage_to_run(tmp_path) -> None:
    with pytest.raises(ManifestError, match="not finished") as caught:
        Workspace(tmp_path).read("align", 3)
    assert spell(caught.value.hint) == "faceprep align"


def test_surplus_shards_are_removed_with_their_images(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    for shard in range(3):
        commit(workspace, shard=shard)
    assert workspace.remove_shards("heatmaps", 1) == 2
    assert workspace.shards("heatmaps") == [0]
    assert [p.name for p in (tmp_path / "heatmaps" / "images").iterdir()] == ["00000"]


def test_a_sweep_removes_what_dead_processes_left_and_nothing_alive(tmp_path) -> None:
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
        assert shards_in_hand(workspace, "heatmaps") == {
            1,
            7,
        }  # what another host does cannot be seen


def test_a_failure_is_noted_until_the_shard_is_made(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    workspace.note_failure("heatmaps", 0, "no memory", ["last words"])
    workspace.note_failure("heatmaps", 5, "no luck")
    assert workspace.shards("heatmaps") == [0]
    found = workspace.failures("heatmaps")
    assert [(shard, note["error"]) for shard, note in found.items()] == [
        (0, "no memory"),
        (5, "no luck"),
    ]
    assert found[0]["log"] == ["last words"]
    commit(workspace)
    assert list(workspace.failures("heatmaps")) == [5]
    workspace.remove_shards("heatmaps", 0)


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


def test_a_process_number_that_is_used_again_keeps_nobody_waiting(tmp_path) -> None:
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


def test_counts_add_up_over_shards(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=25, shard_size=10)
    assert workspace.shards("align") == [0, 1, 2]
    assert workspace.counts("align") == {"no_face": 3, "ok": 22}
    assert sum(table.num_rows for table in workspace.tables("align")) == 25
