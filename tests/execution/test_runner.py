"""The runner: what is done is left alone, what is not is done, whatever was interrupted."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from faceprep.config import Config
from faceprep.core.errors import FaceprepError
from faceprep.core.files import here
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.stages import load_stage
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

QUIET = Progress(quiet=True)
RESUME = Options()


def config(workspace: Workspace, workers: int = 1, **heatmaps: object) -> Config:
    return Config.model_validate(
        {"workspace": workspace.root, "workers": workers, "heatmaps": heatmaps}
    )


def draw(workspace: Workspace, options: Options = RESUME, workers: int = 1, **heatmaps: object):
    return run_stage(load_stage("heatmaps"), config(workspace, workers, **heatmaps), options, QUIET)


def content(workspace: Workspace) -> dict[str, bytes | dict]:
    """Every file of a stage; markers without their seconds and host."""
    files = {}
    for path in sorted(workspace.folder("heatmaps").rglob("*")):
        name = str(path.relative_to(workspace.root))
        if path.suffix == ".json" and path.name != "stage.json":
            marker = json.loads(path.read_text())
            files[name] = {k: v for k, v in marker.items() if k not in ("seconds", "host")}
        elif path.is_file():
            files[name] = path.read_bytes()
        else:
            files[name] = b""
    return files


def test_a_second_run_does_nothing(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=25, shard_size=10)
    first = draw(workspace)
    assert (first.todo, first.rows_made, first.status) == ([0, 1, 2], 25, {"ok": 22, "skipped": 3})
    stamps = {p: p.stat().st_mtime_ns for p in workspace.root.rglob("part-*")}
    second = draw(workspace)
    assert (second.todo, second.rows_made, second.status) == ([], 0, first.status)
    assert {p: p.stat().st_mtime_ns for p in workspace.root.rglob("part-*")} == stamps


def test_one_worker_and_two_write_the_same_bytes(aligned_workspace) -> None:
    one, two = (aligned_workspace(faces=30, shard_size=10, name=name) for name in "ab")
    draw(one, workers=1)
    draw(two, workers=2)
    assert content(one) == content(two)


@pytest.mark.parametrize("damage", ["marker", "part", "image", "temporary"])
def test_what_is_damaged_is_made_again_and_nothing_else(aligned_workspace, damage: str) -> None:
    workspace = aligned_workspace(faces=30, shard_size=10)
    draw(workspace)
    before = content(workspace)
    if damage == "marker":
        workspace.marker_path("heatmaps", 1).unlink()
    elif damage == "part":
        workspace.part("heatmaps", 1).write_bytes(b"PAR1")
    elif damage == "image":
        next(workspace.images("heatmaps", 1).iterdir()).unlink()
    else:
        workspace.marker_path("heatmaps", 1).unlink()
        (workspace.folder("heatmaps") / "part-00001.host-1.tmp").mkdir()
    assert draw(workspace).todo == [1]
    after = content(workspace)
    after.pop("heatmaps/part-00001.host-1.tmp", None)  # another host's: not ours to judge
    assert after == before


def test_what_a_kill_left_behind_goes_even_when_all_is_done(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    draw(workspace)
    before = content(workspace)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = workspace.folder("heatmaps") / f"part-00000.{here()}-{dead.pid}.tmp"
    left.mkdir()
    assert draw(workspace).todo == []
    assert content(workspace) == before


def test_a_changed_setting_redoes_the_stage_and_says_so(aligned_workspace, capsys) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    draw(workspace)
    changed = config(workspace, sigma=3.0)
    run_stage(load_stage("heatmaps"), changed, Options(dry_run=True), Progress())
    assert "would do 2 of 2 shards (heatmaps.sigma 2.0 → 3.0)" in capsys.readouterr().err
    assert draw(workspace, sigma=3.0).todo == [0, 1]
    assert draw(workspace, sigma=3.0).todo == []


def test_another_input_redoes_its_shard(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    draw(workspace)
    rows = [{**row, "faces_found": 2} for row in workspace.read("align", 1).to_pylist()]
    with pending_shard(workspace, "align", 1) as pending:
        pending.commit(
            table_from_rows("align", rows),
            input_hash="input",
            config_hash="config",
            provenance={},
            seconds=0.0,
        )
    assert draw(workspace).todo == [1]


def test_retry_failed_redoes_failed_rows_and_keeps_the_others(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    draw(workspace)
    before = content(workspace)
    inodes = {p.name: p.stat().st_ino for p in workspace.images("heatmaps", 0).iterdir()}
    result = draw(workspace, Options(retry_failed=True))
    assert result.todo == [0, 1]
    assert content(workspace) == before
    # kept images are the same files, not redrawn ones
    assert {p.name: p.stat().st_ino for p in workspace.images("heatmaps", 0).iterdir()} == inodes


def test_overwrite_redoes_everything(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    draw(workspace)
    assert draw(workspace, Options(overwrite=True)).todo == [0, 1]


def test_parts_of_a_run_together_are_the_whole(aligned_workspace) -> None:
    whole, parts = (aligned_workspace(faces=50, shard_size=10, name=name) for name in "ab")
    draw(whole)
    done = [draw(parts, Options(shard=(i, 3))).todo for i in (3, 1, 2)]
    assert done == [[2], [0, 3], [1, 4]]
    assert content(parts) == content(whole)


def test_a_dry_run_changes_nothing(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    result = draw(workspace, Options(dry_run=True))
    assert result.todo == [0, 1]
    assert result.disk_bytes > 0
    assert not workspace.folder("heatmaps").exists()


def test_a_shard_without_input_fails_alone(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=30, shard_size=10)
    workspace.marker_path("align", 1).unlink()
    result = draw(workspace)
    assert list(result.failed) == [1]
    assert workspace.shards("heatmaps") == [0, 2]


def test_a_garbled_input_fails_alone(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=30, shard_size=10)
    workspace.part("align", 1).write_bytes(b"PAR1 garbage")
    result = draw(workspace, workers=2)
    assert list(result.failed) == [1]
    assert "not readable Parquet" in result.failed[1]
    assert workspace.shards("heatmaps") == [0, 2]


def test_fewer_faces_leave_no_shard_behind(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=30, shard_size=10)
    draw(workspace)
    workspace.remove_shards("align", 1)
    workspace.remove_shards("select", 1)
    workspace.write_info("select", {"shards": 1})
    draw(workspace)
    assert workspace.shards("heatmaps") == [0]
    assert [p.name for p in workspace.folder("heatmaps").joinpath("images").iterdir()] == ["00000"]


def test_a_workspace_without_selection_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FaceprepError, match="no selected frames"):
        draw(Workspace(tmp_path))


def test_parts_carry_their_provenance(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=5, shard_size=10)
    draw(workspace)
    metadata = pq.read_schema(workspace.part("heatmaps", 0)).metadata[b"faceprep"]
    provenance = json.loads(metadata)
    assert provenance["stage"] == "heatmaps"
    assert provenance["settings"]["sigma"] == 2.0
    assert {"python", "faceprep", "pyarrow", "opencv-python-headless"} <= set(
        provenance["versions"]
    )
