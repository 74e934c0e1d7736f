"""Slurm's programs without a controller: an error before the first job, patience after it."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.slurm_stand_in import release

from faceprep.cli.remedies import spell
from faceprep.cli.single_jobs import SINGLE_JOBS
from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.execution.job import Job
from faceprep.execution.plan import Options, config_hash
from faceprep.execution.runner import run_stage
from faceprep.execution.shard import run_shard
from faceprep.execution.slurm import engine, queue, single
from faceprep.execution.slurm import submission as orders
from faceprep.execution.slurm.job_record import read_records
from faceprep.execution.submit import submit_stage
from faceprep.report.status.status import status
from faceprep.stages import load_stage
from faceprep.workspace import Workspace

HEATMAPS = load_stage("heatmaps")
WORDS = """\
squeue: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host, asked for in vain
squeue: error: fetch_config: DNS SRV lookup failed
squeue: fatal: Could not establish a configuration source
"""
LINE = "Slurm does not answer squeue: resolve_ctls_from_dns_srv: res_nsearch error: …"


@pytest.fixture
def slurm(slurm: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that says what goes wrong, for a command that has not asked Slurm yet."""
    monkeypatch.setattr(queue, "_answered", threading.Event())
    return slurm


def config(workspace: Workspace, **values: object) -> Config:
    slurm = {"poll_seconds": 0.1, "task_minutes": 1}
    return Config.model_validate(
        {"workspace": workspace.root, "engine": "slurm", "slurm": slurm, **values}
    )


def watched(settings: Config, note: Callable[[str], None]) -> list[int]:
    """Draw with the engine; return the shards that were made."""
    workspace = Workspace(settings.workspace)
    hashed = config_hash(HEATMAPS, settings)
    jobs = []
    for shard in workspace.shards("align"):
        marker = workspace.marker("align", shard)
        assert marker is not None
        jobs.append(Job(HEATMAPS, shard, settings, digest([marker.sha256]), hashed))
    outcomes = engine.run(jobs, run_shard, 1, note)
    return sorted(outcome.job.shard for outcome in outcomes if outcome.marker is not None)


def waiting(settings: Config) -> object:
    return run_stage(HEATMAPS, settings, Options(), Progress(quiet=True))


def leaving(settings: Config) -> object:
    return submit_stage(HEATMAPS, settings, Options(), Progress(quiet=True), (), ())


@pytest.mark.parametrize("command", [waiting, leaving])
def test_without_a_controller_nothing_is_waited_for(
    aligned_workspace, slurm: Path, command: Callable[[Config], object]
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "silent").write_text(WORDS)
    with pytest.raises(MissingToolError) as caught:
        command(config(workspace))
    assert (caught.value.message, caught.value.exit_code) == (LINE, 5)
    assert caught.value.hint is not None
    assert "sinfo   # shows" in spell(caught.value.hint)
    assert "--engine local" in spell(caught.value.hint)
    assert read_records(workspace.root, "heatmaps") == []


def test_a_training_is_not_left_to_a_silent_controller(aligned_workspace, slurm: Path) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm / "silent").write_text(WORDS)
    with pytest.raises(MissingToolError, match="does not answer squeue"):
        single.run(SINGLE_JOBS["train"].verb, config(workspace), Progress(quiet=True))
    assert read_records(workspace.root, "train") == []


def test_an_outage_after_the_submission_is_waited_through_in_one_line(
    aligned_workspace, slurm: Path
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    silent, notes = slurm / "silent", list[str]()

    def note(words: str) -> None:
        notes.append(words)
        if len(notes) == 1:
            silent.write_text(WORDS)
        elif words == LINE:
            silent.unlink(missing_ok=True)

    assert watched(config(workspace), note) == [0, 1]
    assert LINE in notes
    assert all(len(line) < 80 for words in notes for line in words.splitlines())
    assert len(read_records(workspace.root, "heatmaps")) == 1


def test_an_outage_at_a_second_submission_does_not_end_what_is_under_way(
    aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is seen, and the question before sbatch is not answered any more."""
    workspace = aligned_workspace(faces=20, shard_size=10)
    settings = config(workspace)
    hold, asked, notes = slurm / "hold", queue.ask, list[str]()
    hold.touch()
    orders.submit_missing(
        orders.Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0])
    )

    def ask(*command: str) -> str:
        if command[0] == "scontrol" and hold.exists():
            raise queue.QueueError("silent for a moment")
        return asked(*command)

    def note(words: str) -> None:
        notes.append(words)
        if hold.exists():
            release(slurm)

    monkeypatch.setattr(queue, "ask", ask)
    assert watched(settings, note) == [0, 1]
    assert notes[0].endswith("silent for a moment; later again")
    assert sorted(array.tasks for array in read_records(workspace.root, "heatmaps")) == [
        [[0]],
        [[1]],
    ]


def test_status_says_in_a_line_that_nobody_answers(aligned_workspace, slurm: Path) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm / "hold").touch()
    settings = config(workspace)
    hashed = config_hash(HEATMAPS, settings)
    orders.submit_missing(orders.Submission(HEATMAPS, settings, hashed, [0]))
    (slurm / "silent").write_text(WORDS)
    assert status(workspace.root)[1]["queue_error"] == LINE
