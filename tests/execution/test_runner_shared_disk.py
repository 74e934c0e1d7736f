"""What a shared disk asks of a workspace: small folders, near renames, no locks."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.stages import load_stage
from faceprep.workspace import workspace as workspace_module
from faceprep.workspace.load import load
from faceprep.workspace.pending import (
    pending_shard,
    remove_abandoned,
    rows_in_hand,
    shards_in_hand,
    wait_for_others,
)
from faceprep.workspace.workspace import SHARDS_PER_FOLDER, Workspace

MOST_ENTRIES = 1000


def draw(workspace: Workspace, options: Options | None = None):
    config = Config.model_validate({"workspace": workspace.root, "workers": 1})
    return run_stage(load_stage("heatmaps"), config, options or Options(), Progress(quiet=True))


def content(workspace: Workspace) -> dict[str, bytes]:
    """Files of a stage by name, wherever they lie; no markers, whose seconds differ."""
    paths = workspace.folder("heatmaps").rglob("*")
    return {p.name: p.read_bytes() for p in paths if p.suffix in (".png",)}


def test_folders_stay_small_for_a_hundred_million_faces(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    parts, images = Counter(), Counter()
    for shard in range(100_000):
        parts[workspace.part("align", shard).parent] += 2  # and its marker
        assert workspace.marker_path("align", shard).parent == workspace.part("align", shard).parent
        images[workspace.images("align", shard).parent] += 1
    in_hand = 190
    assert max(parts.values()) + in_hand < MOST_ENTRIES
    assert max(images.values()) < MOST_ENTRIES
    assert len(parts) < MOST_ENTRIES
    assert workspace.part("align", 0).parent == workspace.folder("align")
    assert workspace.images_prefix("align", 399) == "images/00399"
    assert workspace.images_prefix("align", 400) == "from-00400/images/00400"


def test_a_shard_holds_a_thousand_images_at_most() -> None:
    assert Config(shard_size=MOST_ENTRIES).shard_size == MOST_ENTRIES
    with pytest.raises(ValidationError):
        Config(shard_size=MOST_ENTRIES + 1)


def test_shards_of_many_folders_are_one_stage(aligned_workspace, monkeypatch) -> None:
    plain = aligned_workspace(faces=70, shard_size=10, name="plain")
    draw(plain)
    others, drawn_there = load(plain.root), content(plain)
    monkeypatch.setattr(workspace_module, "SHARDS_PER_FOLDER", 2)
    workspace = aligned_workspace(faces=70, shard_size=10, name="many")
    assert draw(workspace).todo == list(range(7))
    assert draw(workspace).todo == []
    folder = workspace.folder("heatmaps")
    homes = {path.name for path in folder.iterdir() if path.name.startswith("from-")}
    assert homes == {"from-00002", "from-00004", "from-00006"}
    assert (folder / "from-00006" / "images" / "00006").is_dir()
    assert workspace.shards("heatmaps") == list(range(7))
    assert content(workspace) == drawn_there
    faces = load(workspace.root)
    assert faces.index.tolist() == others.index.tolist()
    drawn = faces["heatmap"].dropna()
    assert len(drawn) == 60
    assert all(Path(path).is_file() for path in drawn)


def test_what_a_kill_left_in_any_folder_is_found(aligned_workspace, monkeypatch) -> None:
    monkeypatch.setattr(workspace_module, "SHARDS_PER_FOLDER", 2)
    workspace = aligned_workspace(faces=50, shard_size=10)
    draw(workspace)
    next(workspace.images("heatmaps", 3).iterdir()).unlink()
    assert draw(workspace).todo == [3]
    left = workspace.home("heatmaps", 3) / f"part-00003.json.{2**22 + 1}.tmp"
    left.touch()
    with pending_shard(workspace, "heatmaps", 4) as pending:
        (pending.folder / "progress").write_text("7")
        assert shards_in_hand(workspace, "heatmaps") == {4}
        assert rows_in_hand(workspace, "heatmaps", {4}) == 7
        remove_abandoned(workspace, "heatmaps")
        assert pending.folder.exists()
    assert not left.exists()
    assert workspace.remove_shards("heatmaps", 1) == 4
    assert workspace.shards("heatmaps") == [0]


def test_a_shard_looks_at_its_own_folder_only(tmp_path: Path) -> None:
    """Else a stage of n shards would list n entries n times."""
    workspace = Workspace(tmp_path)
    seen: list[str] = []
    scandir = workspace_module.os.scandir

    def noted(folder):
        seen.append(str(folder))
        return scandir(folder)

    for shard in (0, SHARDS_PER_FOLDER, 5 * SHARDS_PER_FOLDER):
        workspace.home("align", shard).mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workspace_module.os, "scandir", noted)
        wait_for_others(workspace, "align", 5 * SHARDS_PER_FOLDER + 7)
    assert seen == [str(workspace.home("align", 5 * SHARDS_PER_FOLDER))]


def test_renames_stay_in_the_stage_and_nothing_is_locked(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=30, shard_size=10)
    events: list[tuple[str, tuple[object, ...]]] = []
    listening = True

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event in ("os.rename", "os.link", "fcntl.flock", "fcntl.lockf"):
            events.append((event, arguments))

    sys.addaudithook(listen)
    draw(workspace)
    draw(workspace, Options(overwrite=True))
    draw(workspace, Options(retry_failed=True))
    listening = False
    folder = workspace.folder("heatmaps")
    assert {event for event, _ in events} == {"os.rename", "os.link"}
    for _, (source, target, *_) in events:
        assert Path(source).is_relative_to(folder)
        assert Path(target).is_relative_to(folder)
    assert not list(workspace.root.rglob("*.tmp"))
    assert not list(workspace.root.rglob("*lock*"))
