"""What ``faceprep status`` says of work by any engine."""

import json
import os
from pathlib import Path

import pytest
from builders.augment import generator_workspace, make_faces
from rich.console import Console
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.config import Config
from faceprep.core.files import here
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.execution.slurm.job_record import JobRecord, create_record
from faceprep.execution.slurm.queue import TaskState
from faceprep.report.status.status import status
from faceprep.stages import load_stage
from faceprep.workspace.synthetic import note_asked


def heatmaps(root: Path) -> dict:
    return next(stage for stage in status(root)[1]["stages"] if stage["stage"] == "heatmaps")


def draw(root: Path, **options):
    config = Config.model_validate({"workspace": root, "workers": 1})
    return run_stage(load_stage("heatmaps"), config, Options(**options), Progress(quiet=True))


def printed(root: Path, width: int = 200) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        for part in status(root)[0]:
            console.print(part)
    return capture.get()


def command(folder: Path, name: str, text: str) -> None:
    """Put a command of Slurm's into a folder for ``PATH``; none without a text."""
    folder.mkdir(exist_ok=True)
    if text:
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def test_shards_are_done_running_failed_or_missing(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=50, shard_size=10)
    workspace.part("align", 3).write_bytes(b"PAR1")
    result = draw(workspace.root, only=frozenset((0, 1, 3)))
    assert list(result.failed) == [3]
    mine = workspace.folder("heatmaps") / f"part-00002.{here()}-{os.getpid()}.tmp"
    mine.mkdir()
    found = heatmaps(workspace.root)
    assert (found["shards"], found["done"], found["running"], found["missing"]) == (5, 2, [2], 1)
    (failure,) = found["failed"]
    assert failure["shards"] == [3]
    assert "not readable" in failure["error"]
    assert failure["log"]
    assert "heatmaps shard 3" in printed(workspace.root)


def test_a_shard_that_is_made_has_not_failed(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    good = workspace.part("align", 1).read_bytes()
    workspace.part("align", 1).write_bytes(b"PAR1")
    assert draw(workspace.root).failed
    workspace.part("align", 1).write_bytes(good)
    assert not draw(workspace.root).failed
    found = heatmaps(workspace.root)
    assert (found["done"], found["failed"], found["missing"]) == (2, [], 0)


def test_tasks_that_ended_without_their_shards_have_failed(
    aligned_workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=60, shard_size=10)
    tasks = [[0, 1, 2], [3], [4]]
    made = create_record(
        workspace.root, JobRecord(workspace.root, "heatmaps", "x", tasks, {}, created=1.0)
    )
    made.with_job("7").log(0).write_text("first line\nlast words\n")
    monkeypatch.setattr("faceprep.report.status.stage.read_queue", dict)
    found = heatmaps(workspace.root)
    (failure,) = found["failed"]  # task 1 and 2 never began
    assert (failure["shards"], failure["log"]) == ([0, 1, 2], ["first line", "last words"])
    assert "task 7_0 has left the queue" in failure["error"]
    assert found["missing"] == 3
    assert "heatmaps shards 0–2" in printed(workspace.root)


def test_without_an_answer_of_slurm_the_rest_is_still_told(
    aligned_workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    create_record(
        workspace.root, JobRecord(workspace.root, "heatmaps", "x", [[0]], {}, created=1.0)
    )
    monkeypatch.setenv("PATH", "/nowhere")
    assert "Slurm jobs is unknown: no squeue" in printed(workspace.root)
    assert heatmaps(workspace.root)["missing"] == 2


@pytest.mark.parametrize("squeue", ["", "#!/bin/sh\nexit 1\n"], ids=["none", "silent"])
def test_while_slurm_is_silent_only_notes_tell_of_failures(
    aligned_workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, squeue: str
) -> None:
    workspace = aligned_workspace(faces=40, shard_size=10)
    for verb, tasks in (("heatmaps", [[0, 1], [2]]), ("train", [[]])):
        made = create_record(workspace.root, JobRecord(workspace.root, verb, "x", tasks, {}))
        made.with_job("7").log(0).write_text("at work\n")
    workspace.note_failure("heatmaps", 1, "no memory")
    command(tmp_path / "bin", "squeue", squeue)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = heatmaps(workspace.root)
    assert [failure["shards"] for failure in found["failed"]] == [[1]]
    assert (found["unknown"], found["queued"], found["missing"]) == ([0, 2], [], 3)
    words = printed(workspace.root)
    assert "unknown" in next(line for line in words.splitlines() if "heatmaps" in line)
    assert "train: job 7 unknown" in words
    assert "left the queue" not in words
    assert words.count("Slurm jobs is unknown:") == 1


def test_the_accounting_is_asked_once_for_all_jobs(
    aligned_workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=50, shard_size=10)
    for job, tasks in (("7", [[0], [1], [2]]), ("8", [[3], [4]])):
        array = JobRecord(workspace.root, "heatmaps", "x", tasks, {}, created=float(job))
        made = create_record(workspace.root, array)
        for task in range(len(tasks)):
            made.with_job(job).log(task).write_text("last words\n")
    ends = "7_0|TIMEOUT\n7_2|CANCELLED by 0\n8_1|FAILED"
    asked = tmp_path / "asked"
    command(tmp_path / "bin", "squeue", "#!/bin/sh\n")
    words = f"#!/bin/sh\necho \"$@\" >> '{asked}'\necho '{ends}'\n"
    command(tmp_path / "bin", "sacct", words)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = [failure["error"].partition(",")[0] for failure in heatmaps(workspace.root)["failed"]]
    assert found == [
        "task 7_0 timeout",
        "task 7_1 has left the queue",
        "task 7_2 cancelled",
        "task 8_0 has left the queue",
        "task 8_1 failed",
    ]
    (line,) = asked.read_text().splitlines()
    assert line.endswith("--jobs=7,8")


def test_a_dead_task_of_another_host_is_not_at_work(
    aligned_workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=40, shard_size=10)
    tasks = [[0], [1], [2]]
    made = create_record(
        workspace.root, JobRecord(workspace.root, "heatmaps", "x", tasks, {}, created=1.0)
    )
    made.with_job("7").log(0).write_text("killed\n")
    workspace.make_folder("heatmaps")
    for shard in range(4):
        (workspace.folder("heatmaps") / f"part-{shard:05d}.node-7-1.tmp").mkdir()
    states = {1: TaskState("7", "RUNNING"), 2: TaskState("7", "PENDING")}
    monkeypatch.setattr("faceprep.report.status.stage.read_queue", lambda: {made.name: states})
    found = heatmaps(workspace.root)
    assert found["running"] == [1, 3]  # 3 was never given to Slurm
    assert found["queued"] == [2]
    assert [failure["shards"] for failure in found["failed"]] == [[0]]


def test_the_command_prints_json_and_names_the_nearest_workspace(
    aligned_workspace, tmp_path: Path
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (workspace.root / "train" / "exprgan").mkdir(parents=True)
    about = {"steps": 3, "plan": {"steps": {"joint": 5}}}
    (workspace.root / "train" / "exprgan" / "train.json").write_text(json.dumps(about))
    done = CliRunner().invoke(app, ["status", "--workspace", str(workspace.root), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["train"] == {"steps": {"exprgan": [3, 5]}}
    lost = CliRunner().invoke(app, ["status", "--workspace", str(workspace.root.with_name("wss"))])
    assert lost.exit_code == 2
    assert f"faceprep status --workspace {workspace.root}" in lost.stderr


def test_the_job_of_a_table_is_told(aligned_workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    made = create_record(workspace.root, JobRecord(workspace.root, "classify", "x", [[]], {}))
    made.with_job("7").log(0).write_text("classify: 4 of 6 trainings to do\n")
    state = TaskState("7", "RUNNING")
    monkeypatch.setattr("faceprep.report.status.stage.read_queue", lambda: {made.name: {0: state}})
    assert status(workspace.root)[1]["classify"]["state"] == "running"
    assert "classify: job 7 running" in printed(workspace.root)
    assert "4 of 6 trainings" in printed(workspace.root)


def test_a_shard_with_fewer_faces_than_asked_is_missing(tmp_path: Path) -> None:
    workspace, name = generator_workspace(tmp_path / "ws"), "augment/exprgan"
    make_faces(workspace.root, 30)

    def counts() -> tuple[int, int, int]:
        (stage,) = (each for each in status(workspace.root)[1]["stages"] if each["stage"] == name)
        return stage["shards"], stage["done"], stage["missing"]

    assert counts() == (2, 2, 0)
    marker = workspace.marker(name, 1)
    assert marker is not None
    note_asked(workspace, name, 40, 2, marker.input, marker.config)
    assert counts() == (2, 1, 1)
    note_asked(workspace, name, 60, 3, marker.input, marker.config)
    assert counts() == (3, 1, 2)
    note_asked(workspace, name, 20, 1, marker.input, marker.config)
    assert counts() == (2, 2, 0)
    assert make_faces(workspace.root, 60).images == 60
    assert counts() == (3, 3, 0)


def test_folds_can_be_told_apart_in_a_narrow_terminal(tmp_path: Path) -> None:
    workspace = generator_workspace(tmp_path / "ws")
    for fold in ("fold00", "fold01"):
        workspace.write_info(f"augment/exprgan-{fold}", {})
    text = printed(workspace.root, width=80)
    for word in ("augment/exprgan-fold00 ", "augment/exprgan-fold01 ", " running ", " missing "):
        assert word in text
