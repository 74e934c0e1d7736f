"""``augment --engine slurm`` on the stand-in: the faces of one machine, by tasks of an array."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.augment import EveryThird, all_files, augment_config, generator_workspace, make_faces
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.worker import augment as augment_shards
from faceprep.config import Config
from faceprep.core.errors import FaceprepError, MissingToolError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.slurm.job_record import read_records
from faceprep.execution.slurm.queue import read_queue
from faceprep.report.status.status import status
from faceprep.stages.augment import run as augment
from faceprep.stages.augment.run import run_augment
from faceprep.stages.augment.shard import RemoteAugment
from faceprep.workspace import Workspace
from faceprep.workspace.synthetic import load_synthetic, synthetic_record

STAGE = "augment/exprgan"
GOLDEN = Path(__file__).parent / "golden"
FILTERED = {"mode": "mix", "mix": {"new": 1.0, "edit": 2.0}, "filter": "judge", "tries": 3}
QUIET = Progress(quiet=True)


@pytest.fixture
def slurm(slurm: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that says what goes wrong; the filter of every run is a toy."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # tasks unpickle the toy
    monkeypatch.setattr(augment, "_quality_filter", lambda plan, progress: EveryThird())
    return slurm


def config(root: Path, values: dict[str, Any] | None = None, **slurm: Any) -> Config:
    plain = augment_config(root, **(values or {}))
    settings = {"poll_seconds": 0.1, "task_minutes": 1, **slurm}
    return Config.model_validate(
        {**plain.model_dump(exclude={"slurm"}), "engine": "slurm", "slurm": settings}
    )


def until_ended() -> None:
    """Wait for tasks whose shards are done, but which are still in the queue."""
    while any(state.alive for tasks in read_queue().values() for state in tasks.values()):
        time.sleep(0.05)


def asked_for(root: Path) -> list[list[list[int]]]:
    return [array.tasks for array in read_records(root, STAGE)]


def test_tasks_make_the_faces_of_one_machine_and_what_died_again(
    tmp_path: Path, slurm: Path
) -> None:
    """The filter comes from the command: a task that trained its own would know no toy."""
    root, local = tmp_path / "ws", tmp_path / "local"
    for place in (root, local):
        generator_workspace(place)
    (slurm / "die").write_text("1")
    made = run_augment(config(root, FILTERED), 60, Options(), QUIET)
    assert (made.made, made.failed) == (60, {})
    assert asked_for(root) == [[[0, 1, 2]], [[0, 1, 2]]]
    make_faces(local, 60, **FILTERED)
    assert {k: v for k, v in all_files(root).items() if "slurm/" not in k} == all_files(local)
    assert synthetic_record(root) == synthetic_record(local)

    # The last shard had 12 of its 24 faces; nobody waits for the rest, the last task records it.
    until_ended()
    left = run_augment(config(root, FILTERED), 80, Options(wait=False), QUIET)
    assert left.jobs == ["3"]
    waited = run_augment(config(root, FILTERED), 80, Options(), QUIET)
    assert asked_for(root)[2:] == [[[2, 3]]]
    assert (waited.images, waited.failed) == (80, {})
    make_faces(local, 80, **FILTERED)
    assert load_synthetic(root)["crop_sha256"].equals(load_synthetic(local)["crop_sha256"])
    assert synthetic_record(root) == synthetic_record(local)
    again = run_augment(config(root, FILTERED), 80, Options(), QUIET)
    assert (again.todo, len(read_records(root, STAGE))) == ([], 3)


def test_a_task_refuses_another_generator_than_its_command_had(tmp_path: Path, slurm: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    (slurm / "hold").touch()
    run_augment(config(root), 24, Options(wait=False), QUIET)
    (array,) = read_records(root, STAGE)
    here = config(root).model_copy(update={"engine": "local"})
    only = Options(only=frozenset([0]))
    request = RemoteAugment.read(array.folder)
    changed = replace(request, input_hash="another")
    with pytest.raises(FaceprepError, match="changed since the job was submitted"):
        run_augment(here, request.count, only, QUIET, request.device, changed)
    assert not Workspace(root).shards(STAGE)
    assert augment_shards(array, here, only) == {}
    assert Workspace(root).shards(STAGE) == [0]


def test_tasks_with_a_gpu_compute_on_it_whatever_the_command_runs_on(
    tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    (slurm / "hold").touch()
    own = {"partition": "gpu", "gpus": 1, "cpus": 8, "time": 30}
    settings = config(root, partition="cpu", mem="8G", python="python", augment=own)
    settings = settings.model_copy(update={"device": "auto"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    left = run_augment(settings, 48, Options(wait=False), QUIET)
    assert left.device == "cuda"
    (array,) = read_records(root, STAGE)
    text = (array.folder / "1_submission.sh").read_text()
    text = text.replace(str(array.folder), "FOLDER").replace(array.name, "NAME")
    assert text == (GOLDEN / "slurm_augment.sh").read_text()
    with pytest.raises(MissingToolError, match="no GPU"):
        augment_shards(array, settings, Options(only=frozenset([0])))


def test_other_settings_wait_and_no_wait_is_for_slurm(tmp_path: Path, slurm: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    (slurm / "hold").touch()
    words = ["augment", "--n", "24", "--workspace", str(root), "--device", "cpu", "--no-wait"]
    engine = ["--engine", "slurm", "--json"]
    done = CliRunner().invoke(app, [*words, *engine])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["jobs"] == ["1"]
    stage = status(root)[1]["stages"][-1]
    assert (stage["stage"], stage["queued"], stage["jobs"]) == (STAGE, [0], {"1": "pending"})
    other = CliRunner().invoke(app, [*words, *engine, "--seed", "1"])
    assert other.exit_code == UsageError.exit_code
    assert "scancel 1" in other.stderr
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == UsageError.exit_code
    assert "--engine slurm" in refused.stderr


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("trouble", ["silent", "refuse"])
def test_a_cluster_that_does_not_answer_costs_no_face(
    trouble: str, wait: bool, tmp_path: Path, slurm: Path
) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    make_faces(root, 40)
    before = all_files(root)
    (slurm / trouble).write_text("sbatch: error: Invalid partition")
    options = Options(overwrite=True, wait=wait)
    with pytest.raises(FaceprepError):
        run_augment(config(root, {"seed": 1}), 20, options, QUIET)
    assert {k: v for k, v in all_files(root).items() if "slurm/" not in k} == before
    assert make_faces(root, 40).made == 0


def test_no_filter_is_trained_for_a_cluster_that_does_not_answer(
    tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    (slurm / "silent").touch()
    trained: list[object] = []
    monkeypatch.setattr(augment, "_quality_filter", lambda plan, progress: trained.append(plan))
    with pytest.raises(FaceprepError):
        run_augment(config(root, FILTERED), 20, Options(), QUIET)
    assert not trained
    assert not (root / STAGE).exists()
