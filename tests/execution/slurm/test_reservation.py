"""Two commands at the same moment: one submits, the other waits for the number of its job."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from builders.slurm_stand_in import install

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.execution.plan import config_hash
from faceprep.execution.slurm import job_record, reservation, verb
from faceprep.execution.slurm.job_record import JobRecord, create_record, read_records
from faceprep.execution.slurm.submission import Submission, submit_missing
from faceprep.stages import load_stage
from faceprep.workspace import Workspace

HEATMAPS = load_stage("heatmaps")
QUIET = Progress(quiet=True)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    state = install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{state.parent / 'bin'}:/usr/bin:/bin")
    (state / "hold").touch()
    return state


def order(workspace: Workspace) -> Submission:
    settings = Config.model_validate({"workspace": workspace.root, "engine": "slurm"})
    return Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0, 1])


def of_another(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, token: str) -> JobRecord:
    """The reservation of another command, whose name ends in a token; ours ends in eights."""
    wanted = order(workspace)
    plain = JobRecord(workspace.root, "heatmaps", wanted.settings, [[0, 1]], {})
    monkeypatch.setattr(job_record.time, "strftime", lambda *words: "s")  # in the same second
    monkeypatch.setattr(job_record.secrets, "token_hex", lambda size: token)
    other = create_record(workspace.root.absolute(), plain)
    monkeypatch.setattr(job_record.secrets, "token_hex", lambda size: "888888")
    return other


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> list[str]:
    """Let something happen while a command waits for another."""
    waited: list[str] = []

    def pause(seconds: float) -> None:
        waited.append("")
        happens()
        assert len(waited) < 9

    for module in (reservation, sys.modules[submit_missing.__module__], verb):
        monkeypatch.setattr(module, "pause", pause)
    return waited


def jobs(slurm: Path) -> list[str]:
    return [json.loads(path.read_text())["name"] for path in sorted(slurm.glob("*.job"))]


@pytest.mark.parametrize("token", ["111111", "999999"])
def test_whoever_gets_the_number_first_has_won(
    token: str, aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later claim may have the smaller name: clocks differ, and a second has many claims."""
    workspace = aligned_workspace(faces=20, shard_size=10)
    other = of_another(workspace, monkeypatch, token)
    waited = meanwhile(monkeypatch, lambda: other.with_job("9"))
    assert submit_missing(order(workspace)) == ["9"]
    assert waited
    assert jobs(slurm) == []
    assert [array.name for array in read_records(workspace.root, "heatmaps")] == [other.name]


@pytest.mark.parametrize("token", ["111111", "999999"])
def test_a_claim_that_is_given_up_is_followed(
    token: str, aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    other = of_another(workspace, monkeypatch, token)
    meanwhile(monkeypatch, other.remove)
    assert submit_missing(order(workspace)) == ["1"]


def test_a_claim_that_was_never_submitted_binds_nobody_for_long(
    aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    other = of_another(workspace, monkeypatch, "111111")
    long_ago = time.time() - job_record.RESERVED_SECONDS - 1
    meanwhile(monkeypatch, replace(other, created=long_ago).write)
    words: list[str] = []
    assert submit_missing(order(workspace), say=words.append) == ["1"]
    assert words == ["heatmaps: another command is submitting its jobs; waiting for their numbers"]


def test_a_number_that_nobody_lived_to_note_stands_in_the_queue(
    aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between sbatch and the note: the job is the dependency of the next stage."""
    workspace = aligned_workspace(faces=20, shard_size=10)
    with monkeypatch.context() as patch:
        patch.setattr(JobRecord, "with_job", lambda self, job: self)
        meanwhile(patch, lambda: None)
        assert submit_missing(order(workspace)) == ["1"]
    (array,) = read_records(workspace.root, "heatmaps")
    assert array.job == ""
    assert submit_missing(order(workspace)) == ["1"]
    other = replace(order(workspace), settings="another")
    with pytest.raises(UsageError, match="job 1 makes heatmaps") as caught:
        submit_missing(other)
    assert spell(caught.value.hint) == "wait for it, or:\nscancel 1   # ends it"


_TRAIN = """
import sys
from faceprep.config import Config
from faceprep.cli.single_jobs import SINGLE_JOBS
from faceprep.execution.slurm import single
from faceprep.core.progress import Progress
verb = SINGLE_JOBS["train"].verb
settings = {"workspace": sys.argv[1], "engine": "slurm"}
config = Config.model_validate({**settings, "slurm": {"poll_seconds": 0.2}})
sys.stdin.readline()
print(single.run(verb, config, Progress(quiet=True), wait=False).job)
"""


def test_two_trainings_typed_at_once_are_one_job(tmp_path: Path, slurm: Path) -> None:
    sbatch = slurm.parent / "bin" / "sbatch"
    sbatch.write_text(sbatch.read_text().replace("exec", "sleep 0.5\nexec", 1))
    words = [sys.executable, "-c", _TRAIN, str(tmp_path)]
    both = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=900)[0] for process in both] == ["1\n", "1\n"]
    assert len(jobs(slurm)) == 1


def test_a_command_that_ends_before_sbatch_leaves_no_claim(
    aligned_workspace, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)

    def interrupted(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faceprep.execution.slurm.sbatch.script", interrupted)
    with pytest.raises(KeyboardInterrupt):
        submit_missing(order(workspace))
    assert read_records(workspace.root, "heatmaps") == []
