"""A local command and one of the Slurm engine in one workspace, on one machine."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.slurm_stand_in import install

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options, StageResult
from faceprep.execution.runner import run_stage
from faceprep.stages import load_stage
from faceprep.workspace import Workspace
from faceprep.workspace.pending import shards_in_hand

HEATMAPS = load_stage("heatmaps")

# A local command with one worker, which has shard 0 in hand until the file is gone.
_LOCAL = """
import sys, time
from pathlib import Path
from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.stages import load_stage

root, held = Path(sys.argv[1]), Path(sys.argv[2])
stage = load_stage("heatmaps")
process = type(stage).process

def wait(self, inputs, todo, config, out):
    while held.exists():
        time.sleep(0.05)
    return process(self, inputs, todo, config, out)

type(stage).process = wait
config = Config.model_validate({"workspace": root, "workers": 1})
result = run_stage(stage, config, Options(), Progress(quiet=True))
sys.exit(1 if result.failed or result.rows_made != 20 else 0)
"""


def files(workspace: Workspace) -> dict[str, bytes]:
    """Parts and images of the stage, by their names."""
    folder = workspace.folder("heatmaps")
    found = [*folder.glob("part-*.parquet"), *folder.glob("images/*/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 900  # only reached if it never happens
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tasks_wait_for_a_local_command_and_nothing_is_damaged(
    aligned_workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task makes shard 1 and waits for shard 0, which the local command has in hand."""
    state = install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{state.parent / 'bin'}:{os.environ['PATH']}")
    alone, both = (aligned_workspace(faces=20, shard_size=10, name=name) for name in "ab")
    values = {"poll_seconds": 0.1, "task_minutes": 1, "cpus": 2}
    settings = Config.model_validate({"workspace": both.root, "engine": "slurm", "slurm": values})
    plain = Config.model_validate({"workspace": alone.root, "workers": 1})
    run_stage(HEATMAPS, plain, Options(), Progress(quiet=True))
    held = tmp_path / "held"
    held.touch()
    local = subprocess.Popen([sys.executable, "-c", _LOCAL, str(both.root), str(held)])
    results: list[StageResult] = []

    def on_slurm() -> None:
        results.append(run_stage(HEATMAPS, settings, Options(), Progress(quiet=True)))

    thread = threading.Thread(target=on_slurm)
    try:
        until(lambda: shards_in_hand(both, "heatmaps") == {0})
        thread.start()
        until(lambda: both.shards("heatmaps") == [1])
        folders = list(both.folder("heatmaps").glob("part-00000.*.tmp"))
        assert [folder.name.endswith(f"-{local.pid}.tmp") for folder in folders] == [True]
    finally:
        held.unlink()
        code = local.wait()
        thread.join()
    assert code == 0
    assert [(result.failed, result.rows_made) for result in results] == [({}, 20)]
    until(lambda: not list(both.folder("heatmaps").rglob("*.tmp")))
    assert files(both) == files(alone)
    again = run_stage(HEATMAPS, settings, Options(dry_run=True), Progress(quiet=True))
    assert again.todo == []
