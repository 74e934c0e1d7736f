"""What Slurm, the environment and other commands put in the way of the engine's jobs."""

import io
import json
import os
import time
from pathlib import Path

import pytest
from builders.slurm_stand_in import work

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.execution import runner
from faceprep.execution.plan import Options, StageResult, config_hash
from faceprep.execution.runner import run_stage
from faceprep.execution.slurm import queue
from faceprep.execution.slurm.engine import RETRIES
from faceprep.execution.slurm.job_record import (
    FOLDER,
    RESERVED_SECONDS,
    JobRecord,
    create_record,
    read_records,
    remove_old_records,
)
from faceprep.execution.slurm.submission import Submission, submit_missing
from faceprep.stages import load_stage
from faceprep.workspace import Workspace

HEATMAPS = load_stage("heatmaps")


def config(place: Path, **values: object) -> Config:
    slurm = {"poll_seconds": 0.1, **values}
    return Config.model_validate({"workspace": place, "engine": "slurm", "slurm": slurm})


def draw(place: Path, stream: io.StringIO | None = None, **values: object) -> StageResult:
    return run_stage(HEATMAPS, config(place, **values), Options(), Progress(stream=stream))


def jobs(slurm: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(slurm.glob("*.job"))]


def before_sbatch(slurm: Path, words: str) -> None:
    """Have sbatch run some lines of shell first."""
    path = slurm.parent / "bin" / "sbatch"
    path.write_text(path.read_text().replace("exec", f"{words}\nexec", 1))


def test_shards_that_end_while_a_command_plans_are_not_made_again(
    aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "hold").touch()
    settings = config(workspace.root)
    submit_missing(Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0, 1]))
    plan = runner.plan_stage

    def slowly(*words: object) -> object:
        planned = plan(*words)
        work(slurm, ["1"])
        return planned

    monkeypatch.setattr(runner, "plan_stage", slowly)
    assert draw(workspace.root).rows_made == 20
    assert len(jobs(slurm)) == 1


def test_an_environment_that_cannot_work_is_tried_a_few_times(
    aligned_workspace, slurm: Path
) -> None:
    workspace, said = aligned_workspace(faces=30, shard_size=10), io.StringIO()
    result = draw(workspace.root, said, python="/nonexistent/python")
    assert list(result.failed) == [0, 1, 2]
    assert len(jobs(slurm)) == RETRIES + 1
    told = [line for line in said.getvalue().splitlines() if "submitted again" in line]
    assert len(told) == 1
    assert "task 1_0 ended (FAILED)" in told[0]
    assert "/nonexistent/python" in told[0]


def test_a_limit_of_the_queue_is_met_with_smaller_arrays(aligned_workspace, slurm: Path) -> None:
    workspace = aligned_workspace(faces=30, shard_size=10)
    before_sbatch(slurm, 'grep -q "array=0-0%" "$1" || { echo "job submit limit" >&2; exit 1; }')
    assert draw(workspace.root, task_minutes=0.0001).failed == {}
    assert [len(job["tasks"]) for job in jobs(slurm)] == [1, 1, 1]


def test_a_job_that_sbatch_could_not_tell_of_is_found_in_the_queue(
    aligned_workspace, slurm: Path
) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    path = slurm.parent / "bin" / "sbatch"
    words = "echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1"
    path.write_text(path.read_text().replace("exec ", "", 1) + words)
    assert draw(workspace.root).failed == {}
    assert len(jobs(slurm)) == len(read_records(workspace.root, "heatmaps")) == 1


def test_a_setup_that_changes_the_folder_changes_no_workspace(
    aligned_workspace, slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    monkeypatch.chdir(workspace.root.parent)
    assert draw(Path(workspace.root.name), setup=[f"cd {slurm}"]).failed == {}
    assert workspace.shards("heatmaps") == [0]


def test_slurm_is_asked_without_what_would_mislead_it(
    slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SBATCH_JOB_NAME", "SQUEUE_FORMAT", "SLURM_ARRAY_TASK_ID", "SBATCH_PARTITION"):
        monkeypatch.setenv(name, "1")
    left = {name for name in queue.environment() if name.startswith(("SBATCH", "SQ", "SLURM_A"))}
    assert left == {"SBATCH_PARTITION"}
    monkeypatch.setenv("LOGNAME", "daemon")
    squeue = slurm.parent / "bin" / "squeue"
    line = f"printf '7|0|PENDING|faceprep-x|\\377'; case \"$*\" in *--user={os.getuid()}*) ;; *) "
    squeue.write_text(f"#!/bin/sh\n{line}exit 1;; esac\n")
    assert queue.read_queue()["x"][0].job == "7"


@pytest.mark.parametrize("flag", ["--job-name=x", "array=0-9", "--out=x", "--clusters=y"])
def test_flags_that_would_hide_a_job_are_refused(flag: str, aligned_workspace, slurm: Path) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    with pytest.raises(UsageError, match="would hide the job"):
        draw(workspace.root, sbatch=[flag])
    assert read_records(workspace.root, "heatmaps") == []


@pytest.mark.parametrize("name", ["100%u set", "a\\b", "50%a"])
def test_a_folder_that_slurm_would_misread_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="means something else"):
        create_record(tmp_path / name, JobRecord(tmp_path, "align", "x", [[0]], {}))
    assert not (tmp_path / name).exists()


def test_a_claim_that_was_never_written_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "align" / FOLDER
    for name in ("old", "new"):
        (folder / name).mkdir(parents=True)
    long_ago = time.time() - 11 * RESERVED_SECONDS
    os.utime(folder / "old", (long_ago, long_ago))
    remove_old_records(tmp_path, "align", {})
    assert [entry.name for entry in folder.iterdir()] == ["new"]


def test_jobs_submitted_before_a_refusal_are_named(aligned_workspace, slurm: Path) -> None:
    workspace: Workspace = aligned_workspace(faces=30, shard_size=10)
    (slurm / "hold").touch()
    before_sbatch(slurm, f"test -e {slurm}/1.job && {{ echo 'no such account' >&2; exit 1; }}")
    settings = config(workspace.root, task_minutes=0.0001)
    with pytest.raises(Exception, match="no such account") as caught:
        submit_missing(
            Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0, 1, 2]), ["8"]
        )
    assert spell(caught.value.hint).endswith("submitted before and not finished: 8 1")
