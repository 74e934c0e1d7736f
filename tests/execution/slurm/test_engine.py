"""The Slurm engine on a stand-in for Slurm's commands; `tests/cluster` has the real ones."""

import json
import re
from pathlib import Path

import pytest
from builders.slurm_stand_in import release

from faceprep.cli.remedies import spell
from faceprep.config import Config, SelectConfig
from faceprep.core.errors import FaceprepError, MissingToolError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options, config_hash
from faceprep.execution.runner import run_jobs, run_stage
from faceprep.execution.slurm import job_record
from faceprep.execution.slurm.engine import RETRIES
from faceprep.execution.slurm.sbatch import command
from faceprep.execution.slurm.submission import Submission, submit_missing
from faceprep.report.status.status import status
from faceprep.stages import load_stage
from faceprep.stages.pipeline import run as run_pipeline
from faceprep.workspace import Workspace

GOLDEN = Path(__file__).parent / "golden"
QUIET = Progress(quiet=True)
HEATMAPS = load_stage("heatmaps")


def config(workspace: Workspace, sigma: float = 2.0, engine: str = "slurm", **slurm) -> Config:
    settings = {"poll_seconds": 0.1, "task_minutes": 1, "partition": "cpu", **slurm}
    return Config.model_validate(
        {
            "workspace": workspace.root,
            "engine": engine,
            "slurm": settings,
            "heatmaps": {"sigma": sigma},
        }
    )


def draw(workspace: Workspace, options: Options = Options(), **settings):  # noqa: B008
    return run_stage(HEATMAPS, config(workspace, **settings), options, QUIET)


def bytes_of(workspace: Workspace) -> dict[str, bytes]:
    folder = workspace.folder("heatmaps")
    found = {p.name: p.read_bytes() for p in folder.glob("part-*.parquet")}
    found |= {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("images/*/*")}
    return found | {"stage.json": (folder / "stage.json").read_bytes()}


def submitted(state: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(state.glob("*.job"))]


def test_shards_made_by_tasks_are_the_bytes_of_the_local_engine(aligned_workspace, slurm) -> None:
    local, there = (aligned_workspace(faces=30, shard_size=10, name=name) for name in "ab")
    draw(local, engine="local")
    result = draw(there, task_minutes=0.001)
    assert (result.rows_made, result.failed) == (30, {})
    assert bytes_of(local) == bytes_of(there)
    sizes = [len(job["tasks"]) for job in submitted(slurm)]
    assert sizes == [2, 1]  # MaxArraySize is 2
    assert draw(there).todo == []


def test_a_task_that_dies_is_submitted_again(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "die").write_text("1")
    assert draw(workspace).failed == {}
    assert len(submitted(slurm)) == 2
    assert workspace.shards("heatmaps") == [0, 1]


def test_a_shard_whose_tasks_die_each_time_is_given_up_and_said(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm / "die").write_text("99")
    result = draw(workspace)
    assert re.search(rf"died {RETRIES + 1} times.*OUT_OF_MEMORY", result.failed[0])
    assert len(submitted(slurm)) == RETRIES + 1
    stage = status(workspace.root)[1]["stages"][2]
    assert [failure["shards"] for failure in stage["failed"]] == [[0]]
    (slurm / "die").write_text("0")
    assert draw(workspace).failed == {}
    assert status(workspace.root)[1]["stages"][2]["failed"] == []


def test_an_error_of_a_shard_is_told_not_tried_again(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    workspace.part("align", 1).write_bytes(b"PAR1")
    result = draw(workspace)
    assert list(result.failed) == [1]
    assert "not readable" in result.failed[1]
    assert len(submitted(slurm)) == 1


def test_an_error_that_stops_everything_keeps_its_code(
    aligned_workspace, slurm, monkeypatch
) -> None:
    """A node that comes to other settings does not fill the workspace with other bytes."""
    workspace = aligned_workspace(faces=10, shard_size=10)
    monkeypatch.setattr("faceprep.execution.plan.config_hash", lambda stage, config: "another")
    with pytest.raises(FaceprepError, match="other settings of heatmaps") as caught:
        draw(workspace)
    assert "doctor" in spell(caught.value.hint)
    assert len(submitted(slurm)) == 1


def test_a_second_command_waits_for_the_jobs_of_the_first(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "hold").touch()
    settings = config(workspace)
    wanted = Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0, 1])
    assert submit_missing(wanted) == ["1"]
    assert submit_missing(wanted) == ["1"]  # all is under way
    release(slurm)
    assert draw(workspace).failed == {}
    assert len(submitted(slurm)) == 1


def test_other_settings_are_refused_while_jobs_are_under_way(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "hold").touch()
    settings = config(workspace)
    submit_missing(Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0, 1]))
    with pytest.raises(UsageError, match="job 1 makes heatmaps with other settings") as caught:
        draw(workspace, sigma=3.0)
    assert "scancel 1" in spell(caught.value.hint)
    assert status(workspace.root)[1]["stages"][2]["queued"] == [0, 1]


def test_an_interrupt_leaves_the_jobs_and_says_how_to_come_back(
    aligned_workspace, slurm, monkeypatch
) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm / "hold").touch()

    def sleep(seconds: float) -> None:
        if seconds == 0.123:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("faceprep.execution.slurm.engine.time.sleep", sleep)
        with pytest.raises(KeyboardInterrupt, match=r"the jobs continue: 1'.*'scancel', '1'"):
            draw(workspace, poll_seconds=0.123)
    assert [job["tasks"] for job in submitted(slurm)] == [["PENDING"]]


def test_stages_are_chained_by_dependency(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "hold").touch()
    dataset = SelectConfig(root=workspace.root)
    settings = config(workspace).model_copy(update={"select": dataset})
    options = Options(wait=False, replace=True)  # the crops are of settings that nobody knows
    result = run_pipeline(settings, ["align", "heatmaps", "aus"], options, QUIET)
    assert result.jobs == {"align": ["1"], "heatmaps": ["2"], "aus": ["3"]}
    texts = [Path(job["script"]).read_text() for job in submitted(slurm)]
    waits = [re.findall(r"--dependency=(\S+)", text) for text in texts]
    assert waits == [[], ["afterany:1"], ["afterany:1"]]
    again = run_pipeline(settings, ["align", "heatmaps"], options, QUIET)
    assert again.jobs == {"align": ["1"], "heatmaps": ["2"]}
    assert len(submitted(slurm)) == 3


def test_overwrite_redoes_every_shard_once(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    draw(workspace)
    before = workspace.stamps("heatmaps")
    (slurm / "die").write_text("1")
    assert draw(workspace, Options(overwrite=True)).failed == {}
    after = workspace.stamps("heatmaps")
    assert all(after[shard] > before[shard] for shard in (0, 1))


def test_a_queue_that_is_silent_for_a_moment_costs_nothing(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm / "silent").touch()
    settings = config(workspace)
    with pytest.raises(FaceprepError, match="Unable to contact"):
        submit_missing(Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0]))
    _, data = status(workspace.root)
    assert data["queue_error"] is None  # never given to Slurm
    (slurm / "silent").unlink()
    assert draw(workspace).failed == {}


def test_a_refusal_is_told_in_slurms_words(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm / "refuse").write_text("sbatch: error: invalid partition specified: cpu")
    with pytest.raises(FaceprepError, match="invalid partition specified: cpu") as caught:
        draw(workspace)
    assert "slurm.partition" in spell(caught.value.hint)
    assert job_record.read_records(workspace.root, "heatmaps") == []


def test_without_slurm_the_error_names_the_other_engine(
    aligned_workspace, slurm, monkeypatch
) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    (slurm.parent / "bin" / "sbatch").unlink()
    monkeypatch.setenv("PATH", str(slurm.parent / "bin"))
    with pytest.raises(MissingToolError, match="no sbatch") as caught:
        draw(workspace)
    assert "--engine local" in spell(caught.value.hint)
    assert job_record.read_records(workspace.root, "heatmaps") == []
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="no squeue"):
        draw(workspace)


def test_what_is_no_stage_is_not_handed_to_slurm(aligned_workspace, slurm) -> None:
    from faceprep.execution.job import Job

    workspace = aligned_workspace(faces=10, shard_size=10)
    settings = config(workspace)
    with pytest.raises(UsageError, match="cannot be handed to Slurm"):
        run_jobs("x", [Job(HEATMAPS, 0, settings, "", "")], lambda job: None, settings, QUIET, 1)


def test_no_wait_is_for_slurm(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    with pytest.raises(UsageError, match="--no-wait"):
        run_pipeline(config(workspace, engine="local"), ["heatmaps"], Options(wait=False), QUIET)


def test_the_sbatch_file_is_the_golden_one(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=20, shard_size=10)
    (slurm / "hold").touch()
    settings = config(
        workspace,
        task_minutes=0.0001,
        account="faces",
        qos="long",
        gpus=1,
        cpus=2,
        mem="8G",
        time=90,
        array_parallel=3,
        sbatch=["--constraint=avx2", "exclusive"],
        setup=["module load python/3.11", "source /shared/venv/bin/activate"],
        python="apptainer exec faceprep.sif python",
    )
    submit_missing(
        Submission(HEATMAPS, settings, config_hash(HEATMAPS, settings), [0, 1]), after=["11", "12"]
    )
    (array,) = job_record.read_records(workspace.root, "heatmaps")
    text = (array.folder / "1_submission.sh").read_text()
    text = text.replace(str(array.folder), "FOLDER").replace(array.name, "NAME")
    assert text == (GOLDEN / "slurm_array.sh").read_text()


def test_a_flag_that_is_none_is_refused(aligned_workspace, slurm) -> None:
    workspace = aligned_workspace(faces=10, shard_size=10)
    with pytest.raises(UsageError, match="'-C avx2' is no flag"):
        draw(workspace, sbatch=["-C avx2"])


def test_the_command_is_safe_for_a_shell(tmp_path: Path) -> None:
    words = command(tmp_path / "my faces", config(Workspace(tmp_path)).slurm)
    assert words.endswith(f"-m faceprep.cli.worker '{tmp_path}/my faces'")
