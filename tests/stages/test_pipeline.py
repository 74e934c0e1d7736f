"""The whole pipeline on drawn faces: what a newcomer's first command does."""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from builders.small_disk import SmallDisk
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.workspace import Workspace
from faceprep.workspace.load import load

WHOLE = ("shard_size=12", "select.unlabelled=true")
#: Two frames of a sequence.
FEW = ("select.peak_frames=1", "select.neutral_frames=1")


def faceprep(*words: object, code: int = 0) -> str:
    """Run the command; return what it says on stderr."""
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.stdout + result.stderr
    return result.stderr


def content(workspace: Path, without: str = "") -> dict[str, str]:
    """Hash of every file; markers without seconds and host."""
    found = {}
    for path in sorted(p for p in workspace.rglob("*") if p.is_file() and p.name != without):
        data = path.read_bytes()
        if path.name.startswith("part-") and path.suffix == ".json":
            marker = {k: v for k, v in json.loads(data).items() if k not in ("seconds", "host")}
            data = json.dumps(marker).encode()
        found[str(path.relative_to(workspace))] = hashlib.sha256(data).hexdigest()
    return found


@pytest.fixture(scope="module", params=["oulu-casia", "ck-plus", "celeba"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def dataset(layout: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("datasets") / layout
    faceprep("demo", root, "--layout", layout, "--subjects", 2, "--frames", 4, "-j", 1, "-q")
    return root


@pytest.fixture(scope="module")
def workspace(layout: str, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("workspaces") / layout
    faceprep(*whole(layout, dataset, place), "-j", 1)
    return place


def whole(layout: str, dataset: Path, workspace: Path) -> list[object]:
    place = ["--dataset", layout, "--root", dataset, "--workspace", workspace]
    settings = WHOLE if layout == "celeba" else WHOLE + FEW
    return ["run", *place, *(word for each in settings for word in ("--set", each))]


def test_every_drawn_face_comes_out_aligned(workspace: Path) -> None:
    faces = load(workspace)
    assert len(faces) >= 4
    for stage in ("align", "heatmaps", "aus"):
        assert (faces[f"{stage}_status"] == "ok").mean() >= 0.98
    crops = [cv2.imread(path) for path in faces.crop.dropna()]
    assert {crop.shape for crop in crops} == {(128, 128, 3)}
    assert all(crop.std() > 10 for crop in crops)


def test_landmarks_follow_the_drawn_ones(dataset: Path, workspace: Path) -> None:
    truth = pq.read_table(dataset / "faceprep_demo" / "truth.parquet").to_pandas()
    faces = load(workspace)
    faces["path"] = [str(Path(path).relative_to(dataset)) for path in faces.path]
    faces = faces.merge(truth, on="path", suffixes=("", "_drawn"))
    assert len(faces) >= 4
    errors = []
    for row in faces.dropna(subset=["matrix"]).itertuples():
        matrix = np.array(row.matrix).reshape(2, 3)
        drawn = np.array(row.landmarks68_drawn).reshape(68, 2) @ matrix[:, :2].T + matrix[:, 2]
        found = np.array(row.align_landmarks68).reshape(68, 2)
        eyes = np.linalg.norm(drawn[36:42].mean(0) - drawn[42:48].mean(0))
        errors.append(np.linalg.norm(found - drawn, axis=1).mean() / eyes)
    assert np.median(errors) < 0.08


def test_no_subject_is_on_both_sides_of_a_split(workspace: Path) -> None:
    faces = load(workspace)
    assert faces.groupby("subject").split.nunique().max() == 1


def test_running_again_does_nothing(layout: str, dataset: Path, workspace: Path) -> None:
    before = content(workspace)
    said = faceprep(*whole(layout, dataset, workspace))
    assert said.count("up to date") >= 3
    assert content(workspace) == before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One drawn person, 24 frames in the layout of Oulu-CASIA."""
    root = tmp_path_factory.mktemp("small") / "data"
    faceprep("demo", root, "--subjects", 1, "--frames", 4, "-j", 1, "-q")
    return root


def select(small: Path, workspace: Path, *words: object, verb: str = "select") -> list[object]:
    place = ["--dataset", "oulu-casia", "--root", small, "--workspace", workspace]
    return [verb, *place, "--set", "shard_size=4", *words]


def test_another_dataset_does_not_replace_the_results(small: Path, tmp_path: Path) -> None:
    faceprep(*select(small, tmp_path / "ws"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.jpg").write_bytes(b"")
    before = content(tmp_path / "ws")
    command = ["--dataset", "folder", "--root", other, "--workspace", tmp_path / "ws"]
    for words in (["select"], ["align", "--only"], ["select", "--dry-run"]):
        said = faceprep(*words, *command, code=2)
        if "--only" in words:
            assert "holds other photographs" in said
            assert f"--root {small}" in said
        else:
            assert "24 of 24 faces are no longer selected" in said
            assert f"--workspace {tmp_path / 'ws-2'}" in said
    assert content(tmp_path / "ws") == before
    faceprep("select", *command, "--overwrite")
    assert len(load(tmp_path / "ws")) == 1


def test_a_dry_run_draws_nothing_and_says_what_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = faceprep("run", "--dry-run", code=1)
    assert "is not drawn yet" in said
    assert "→ faceprep run   # draws it first" in said
    assert not list(tmp_path.iterdir())


def test_a_limit_leaves_no_trace(small: Path, tmp_path: Path) -> None:
    faceprep(*select(small, tmp_path / "a"))
    faceprep(*select(small, tmp_path / "b", "--limit", 8))
    assert len(load(tmp_path / "b")) == 8
    faceprep("select", "--workspace", tmp_path / "b")
    assert len(load(tmp_path / "b")) == 8  # which the workspace remembers
    faceprep(*select(small, tmp_path / "b", "--set", "select.limit=none"))
    assert content(tmp_path / "b", "settings.toml") == content(tmp_path / "a", "settings.toml")
    said = faceprep(*select(small, tmp_path / "b", "--limit", 8, "--overwrite"))
    assert "24 → 8 faces" in said


def test_a_dry_run_knows_what_follows_from_a_change(small: Path, tmp_path: Path) -> None:
    command = select(small, tmp_path, "--limit", 8, "-j", 1, verb="run")
    faceprep(*command)
    before = content(tmp_path)
    changed = [*command, "--set", "align.template=arcface", "--dry-run"]
    faceprep(*changed, code=2)
    said = faceprep(*changed, "--overwrite")
    for stage in ("align", "heatmaps", "aus"):
        assert f"{stage}: would do 2 of 2 shards" in said
    assert content(tmp_path) == before


def test_workers_and_interruptions_leave_the_same_bytes(small: Path, tmp_path: Path) -> None:
    """SIGKILL at random moments of a stage, then the same command, then the same bytes."""
    undisturbed, disturbed = tmp_path / "a", tmp_path / "b"
    faceprep(*select(small, undisturbed, "--limit", 12, "-q", "-j", 1, verb="run"))
    command = [*map(str, select(small, disturbed, "--limit", 12, "-q", "-j", 2, verb="run"))]
    moments = random.Random(0)
    for stage, with_workers in (("align", True), ("align", False), ("aus", True)):
        process = subprocess.Popen(
            [sys.executable, "-m", "faceprep", *command], start_new_session=True
        )
        while process.poll() is None and not list((disturbed / stage).glob("*.tmp")):
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.5))
        workers: list[psutil.Process] = []
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if with_workers:
                workers = psutil.Process(process.pid).children(recursive=True)
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        psutil.wait_procs(workers, timeout=60)  # else the next command takes them for running ones
    faceprep(*command)
    assert content(disturbed) == content(undisturbed)


def test_a_full_disk_is_one_clear_error_and_no_damage(small: Path, small_disk: SmallDisk) -> None:
    disk = small_disk.folder
    small_disk.leave(200_000)
    said = faceprep(*select(small, disk / "ws", "-j", 2, verb="align"), code=1)
    assert said.count("error:") == 1
    assert f"no space left on {disk} for {disk / 'ws'}: " in said
    assert "# when there is space" in said
    place = Workspace(disk / "ws")
    for shard in place.shards("align"):
        place.read("align", shard)
    assert not list(disk.rglob("*.tmp"))
    small_disk.clear()
    faceprep(*select(small, disk / "ws", "-j", 1, verb="run"))


def test_an_output_that_cannot_be_written_is_one_clear_error(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    said = faceprep(*select(small, tmp_path / "file" / "ws", verb="align"), code=1)
    assert said.count("error:") == 1
    assert "Traceback" not in said
