"""What a task does on its node, without a cluster: `tests/cluster` has real notices."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from faceprep.cli import worker
from faceprep.cli.worker import main
from faceprep.config import Config
from faceprep.core.errors import FaceprepError
from faceprep.execution.plan import Options
from faceprep.execution.slurm.job_record import JobRecord, create_record, read_record
from faceprep.execution.slurm.node import requeue
from faceprep.workspace import Workspace

Submit = Callable[..., Path]
Made = list[frozenset[int]]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What scontrol was asked for, in task 3 of job 12, which has the number of the whole array."""
    program, log = tmp_path / "bin" / "scontrol", tmp_path / "asked"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for name, value in {"JOB_ID": 12, "ARRAY_JOB_ID": 12, "ARRAY_TASK_ID": 3}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    return lambda: log.read_text().splitlines() if log.exists() else []


def marked(workspace: Workspace, shard: int, when: int) -> None:
    """Have a marker, written at a time (ns)."""
    path = workspace.root / "heatmaps" / f"part-{shard:05d}.json"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, ns=(when, when))


def submitted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, work: Callable[[Options], None], **kind
) -> Path:
    """Folder of an array whose task 3 makes shards 0 to 3, with some work."""

    def do(record: JobRecord, config: Config, options: Options) -> Mapping[int, str]:
        work(options)
        return {}

    monkeypatch.setattr(worker, "run_stage_of", do)
    config = Config(workspace=workspace.root).model_dump(mode="json")
    before = workspace.stamps("heatmaps") if kind else {}
    tasks = [[], [], [], [0, 1, 2, 3]]
    array = JobRecord(workspace.root, "heatmaps", "x", tasks, config, before, **kind)
    return create_record(workspace.root, array).folder


def test_a_task_short_of_time_queues_itself_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked
) -> None:
    workspace = Workspace(tmp_path)

    def notice(options: Options) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert asked() == []  # nothing made yet: it would be so forever
        marked(workspace, 0, 1)
        os.kill(os.getpid(), signal.SIGUSR1)

    assert main(submitted(workspace, monkeypatch, notice)) == 0
    assert asked() == ["requeue 12_3"]


def test_a_task_that_is_cancelled_says_so_and_has_the_code_of_the_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked, capsys: pytest.CaptureFixture[str]
) -> None:
    def cancelled(options: Options) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    assert main(submitted(Workspace(tmp_path), monkeypatch, cancelled)) == 143
    assert capsys.readouterr().err == "stopped by SIGTERM\n"


def test_a_job_submitted_by_a_task_of_an_array_is_none_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked
) -> None:
    """It inherits the variables of the array."""
    array = create_record(tmp_path, JobRecord(tmp_path, "train", "x", [[]], {}))
    refused = FaceprepError("no faces", "…")

    def run_verb(record: JobRecord) -> int:
        assert requeue()
        raise refused

    monkeypatch.setattr(worker, "run_verb", run_verb)
    assert main(array.folder) == refused.exit_code
    assert asked() == ["requeue 12"]
    told = read_record(array.folder).error(0)
    assert told is not None
    assert told.message == "no faces"


def test_a_notice_that_cannot_be_answered_leaves_the_shard_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a container without Slurm's commands."""
    workspace, done = Workspace(tmp_path), list[int]()

    def notice(options: Options) -> None:
        marked(workspace, 0, 1)
        os.kill(os.getpid(), signal.SIGUSR1)
        done.append(1)

    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert main(submitted(workspace, monkeypatch, notice)) == 0
    assert done == [1]
    assert "job 12_3: no scontrol" in capsys.readouterr().err
    assert not requeue()


@pytest.mark.parametrize("kind", [{}, {"overwrite": True}, {"retry_failed": True}])
def test_a_task_that_runs_again_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked, kind: dict[str, bool]
) -> None:
    """Of shards 0 to 3, two had a marker; one of those, and one without, are made at first."""
    workspace, seen = Workspace(tmp_path), Made()
    marked(workspace, 0, 1)
    marked(workspace, 2, 1)

    def stopped(options: Options) -> None:
        assert (options.overwrite, options.retry_failed) == (
            kind.get("overwrite", False),
            kind.get("retry_failed", False),
        )
        assert options.only is not None
        seen.append(options.only)
        marked(workspace, 0, 2)
        marked(workspace, 1, 2)

    folder = submitted(workspace, monkeypatch, stopped, **kind)
    assert [main(folder) for _ in range(2)] == [0, 0]
    every = frozenset(range(4))
    # Without a flag, a marker says itself whether its shard is up to date.
    assert seen == [every, frozenset({2, 3}) if kind else every]
