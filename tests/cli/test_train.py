"""``faceprep train`` as a user, and a scheduler, meets it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.training import WITHOUT_FEATURES, toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.core.progress import Progress
from faceprep.workspace.artifacts import generator_folder

RUNNER = CliRunner()

#: What a machine with a GPU and nothing else of ours does not have.
_BARE = """
import sys
for name in ("dlib", "PIL", "joblib", "lz4", "mtcnn", "psutil", "scipy", "sklearn"):
    sys.modules[name] = None
from faceprep.cli import main
main()
"""


def words(workspace: Path, *more: str, steps: int = 12) -> list[str]:
    sets = {
        "train.preset": "tiny",
        "train.size": 32,
        "train.batch": 4,
        "train.steps": steps,
        "train.checkpoint_every": 2,
        "train.calibrate": 0,
        **{f"train.weights.{name}": value for name, value in WITHOUT_FEATURES.items()},
        **dict.fromkeys(("train.networks.width", "train.networks.path_width"), 4),
    }
    assigned = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    return ["train", "--only", "--workspace", str(workspace), "-j", "1", *assigned, *more]


def faceprep(*arguments: str, code: int = 0):
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # The plot takes longer than a toy's training.
    monkeypatch.setattr("faceprep.stages.train.run._losses", lambda *_: None)


def test_killed_at_random_on_a_bare_machine_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        toy_workspace(tmp_path / name)
    faceprep(*words(tmp_path / "whole", "--quiet"))
    command = [sys.executable, "-c", _BARE, *words(tmp_path / "killed", "--quiet")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    checkpoint = generator_folder(tmp_path / "killed") / "training.safetensors"
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.3))
    process.kill()
    assert process.wait() == -signal.SIGKILL, process.stderr.read().decode()
    result = faceprep(*words(tmp_path / "killed"))
    assert "resuming after step" in result.stderr
    for name in ("training.safetensors", "generator.safetensors"):
        files = [generator_folder(tmp_path / run) / name for run in ("whole", "killed")]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    assert "finished before" in faceprep(*words(tmp_path / "killed")).output


def test_sigterm_is_a_code_of_its_own_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_workspace(tmp_path / "ws")
    update = Progress.update

    def send(self: Progress, done: int, note: str = "", left: float | None = None) -> None:
        update(self, done, note, left=left)
        os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr(Progress, "update", send)
    result = faceprep(*words(tmp_path / "ws"), code=143)
    assert "stopped by SIGUSR1 after step 1; everything is saved" in result.stderr
    assert "# resumes after this step" in result.stderr
    monkeypatch.undo()
    result = faceprep(*words(tmp_path / "ws", "--json"))
    data = json.loads(result.stdout)
    assert (data["outcome"]["began"], data["outcome"]["steps"]) == (1, 12)


def test_a_dry_run_prints_steps_parameters_and_memory(tmp_path: Path) -> None:
    toy_workspace(tmp_path / "ws")
    text = faceprep(*words(tmp_path / "ws", "--dry-run")).output
    for word in ("joint 12", "parameters", "memory", "encoder", "4 people"):
        assert word in text
    assert not generator_folder(tmp_path / "ws").exists()


def test_the_seed_is_the_trainings(tmp_path: Path) -> None:
    toy_workspace(tmp_path / "ws")
    faceprep(*words(tmp_path / "ws", "--seed", "7", "--quiet", steps=1))
    info = json.loads((generator_folder(tmp_path / "ws") / "train.json").read_text())
    assert info["config"]["seed"] == 7


def test_a_wrong_key_names_the_nearest(tmp_path: Path) -> None:
    result = faceprep("train", "--set", "train.presett=tiny", code=2)
    assert "did you mean train.preset?" in result.stderr
    result = faceprep("train", "--set", "train.preset=tini", code=2)
    assert "did you mean tiny?" in result.stderr


def test_show_still_knows_a_workspace_with_a_generator(tmp_path: Path) -> None:
    toy_workspace(tmp_path / "ws")
    faceprep(*words(tmp_path / "ws", "--quiet", steps=1))
    assert "align" in faceprep("show", str(tmp_path / "ws")).output


def test_crops_of_another_dataset_are_taken_as_they_are_with_the_usual_preset(
    tmp_path: Path,
) -> None:
    workspace = toy_workspace(tmp_path / "ws")
    recorded = {"demo": None, "select": {"dataset": "folder"}}
    info = {"shards": 1, "root": "/photographs", "settings": recorded["select"]}
    workspace.write_info("select", {"stage": "select", "config": recorded, **info})
    plan = ("--workspace", str(workspace.root), "--set", "train.size=32", "--dry-run")
    result = faceprep("train", *plan)
    assert "using the existing crops" in result.stderr
    assert "preset modern" in result.stdout
    assert "preset modern" in faceprep("train", "--only", *plan).stdout
    refused = faceprep("align", "--workspace", str(workspace.root), "--dry-run", code=2)
    assert "no folder /photographs (select.root)" in refused.stderr


def test_the_start_is_remembered_and_its_file_may_move_or_vanish(tmp_path: Path) -> None:
    for name in ("first", "second"):
        toy_workspace(tmp_path / name)
    faceprep(*words(tmp_path / "first", "--quiet", steps=2))
    start = tmp_path / "start.safetensors"
    generator_folder(tmp_path / "first").joinpath("generator.safetensors").rename(start)
    options = ["--set", "train.freeze=encoder,d_image", "--init-from", str(start)]
    begun = faceprep(*words(tmp_path / "second", *options, steps=2))
    assert "tensors kept (encoder" in begun.stderr
    assert "frozen" in begun.output
    again = ("train", "--only", "--workspace", str(tmp_path / "second"), "-j", "1")
    assert "finished before" in faceprep(*again).output
    moved = start.rename(tmp_path / "moved.safetensors")
    assert "finished before" in faceprep(*again, "--init-from", str(moved)).output
    moved.unlink()
    assert "finished before" in faceprep(*again).output
    assert f"{start} is not a file" in faceprep(*again, "--overwrite", code=2).stderr
    assert (generator_folder(tmp_path / "second") / "training.safetensors").is_file()
    assert "one of: " in faceprep(*again, "--set", "train.freeze=gen", code=2).stderr
