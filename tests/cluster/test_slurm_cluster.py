"""A real one-node Slurm: arrays that are disturbed, and jobs that outlive their time limit.

It runs as root where Debian's slurm-wlm and munge are installed, and skips with the reason
elsewhere.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from builders.augment import generator_workspace
from builders.training import WITHOUT_FEATURES, toy_workspace
from cluster import slurm_cluster

from faceprep.execution.slurm.job_record import read_records
from faceprep.workspace import Workspace
from faceprep.workspace.pending import pending_shard, shards_in_hand

STEPS = 60
#: Only reached if what is waited for never happens.
MOST_SECONDS = 1800

Command = Callable[..., "subprocess.Popen[str]"]

_TRAIN = {
    "train.preset": "tiny",
    "train.size": 32,
    "train.batch": 4,
    "train.checkpoint_every": 8,
    "train.calibrate": 0,
    "train.networks.width": 4,
    "train.networks.path_width": 4,
    "train.recipe.augment": "false",
    **{f"train.weights.{name}": value for name, value in WITHOUT_FEATURES.items()},
}
_SLURM = {"slurm.poll_seconds": 0.3, "slurm.mem": "500M", "slurm.task_minutes": 0.002}
_TRAIN_JOB = {
    "slurm.train.gpus": 0,
    "slurm.train.cpus": 1,
    "slurm.train.mem": "1G",
    "slurm.train.time": 10,
}


def sets(*settings: dict[str, object]) -> list[str]:
    """Return the settings as words; later ones replace earlier ones."""
    merged = {key: value for each in settings for key, value in each.items()}
    return [word for key, value in merged.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    reason = slurm_cluster.missing()
    if reason:
        pytest.skip(f"no Slurm cluster: {reason}")
    with slurm_cluster.cluster(tmp_path_factory.mktemp("cluster"), cpus=4) as environment:
        yield {**environment, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def faceprep(cluster: dict[str, str]) -> Command:
    def start(*arguments: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "faceprep", *map(str, arguments)],
            env=cluster,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.fixture(scope="module", autouse=True)
def training(faceprep: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspace of a training whose job runs from now on."""
    place = tmp_path_factory.mktemp("training") / "cluster"
    toy_workspace(place)
    steps = {"train.steps": STEPS}
    settings = sets(_TRAIN, steps, _TRAIN_JOB, {"slurm.poll_seconds": 0.3})
    command = ["train", "--only", "--workspace", place, "--engine", "slurm", "--no-wait", *settings]
    process = faceprep(*command)
    assert process.wait() == 0, process.stderr.read()
    return place


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dataset") / "faces"
    words = ["demo", root, "--layout", "celeba", "--subjects", 3, "-q", "-j", 1]
    subprocess.run([sys.executable, "-m", "faceprep", *map(str, words)], check=True)
    return root


def run(root: Path, place: Path, *more: object) -> list[object]:
    base = [
        "run",
        "--dataset",
        "celeba",
        "--root",
        root,
        "--workspace",
        place,
        "--until",
        "heatmaps",
    ]
    return [*base, "--set", "shard_size=5", "--set", "align.detector=given", *more]


def content(place: Path) -> dict[str, bytes]:
    """Every file that a run leaves, but for what differs by intention.

    That is: seconds and host of markers, Slurm's logs, and the settings as they were typed.
    """
    found = {}
    for path in sorted(place.rglob("*")):
        if not path.is_file() or "slurm" in path.relative_to(place).parts:
            continue
        if path.name == "settings.toml":  # holds the keys that each command was given
            continue
        data = path.read_bytes()
        if path.name.startswith("part-") and path.suffix == ".json":
            marker = {k: v for k, v in json.loads(data).items() if k not in ("seconds", "host")}
            data = json.dumps(marker).encode()
        found[str(path.relative_to(place))] = data
    return found


def slurm(cluster: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=cluster, check=True, capture_output=True, text=True)
    return done.stdout


def until(condition: Callable[[], object], seconds: float = MOST_SECONDS) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def tasks_of(place: Path) -> list[psutil.Process]:
    """Processes of tasks that work on a workspace."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "faceprep.cli.worker" in line and str(place) in line:
            found.append(process)
    return found


@contextlib.contextmanager
def held(workspace: Workspace, stage: str, shards: Iterable[int]) -> Iterator[None]:
    """Keep shards in hand, so that tasks that come to them run until this is over."""
    workspace.make_folder(stage)
    with contextlib.ExitStack() as stack:
        for shard in shards:
            stack.enter_context(pending_shard(workspace, stage, shard))
        yield


def cancel_a_task(cluster: dict[str, str], stage: str) -> None:
    """Cancel a running task of a stage, and wait until it is gone."""
    squeue = ("squeue", "--noheader", "--array", "--format=%j|%i")

    def tasks(states: str) -> list[str]:
        lines = slurm(cluster, *squeue, f"--states={states}").splitlines()
        named = (line.split("|") for line in lines)
        return [task for name, task in named if name.startswith(f"faceprep-{stage}")]

    task = until(lambda: tasks("RUNNING"))[0]
    slurm(cluster, "scancel", task)
    until(lambda: task not in tasks("RUNNING,COMPLETING"))


def kill_a_task(place: Path) -> None:
    """Kill the process of a task that works on a workspace."""

    def killed() -> bool:
        for process in tasks_of(place):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                return True
        return False

    until(killed)


def test_a_training_beyond_its_time_limit_equals_an_undisturbed_one(
    cluster: dict[str, str], faceprep: Command, training: Path, tmp_path: Path
) -> None:
    """It was submitted first. Slurm's notice, a checkpoint, scontrol requeue, and on it goes.

    The notice is sent by hand: Slurm's shortest limit is a minute (`benchmarks/slurm.py` waits for
    several of those).
    """
    (array,) = read_records(training, "train")
    until((training / "train" / "exprgan" / "training.safetensors").exists)
    slurm(cluster, "scancel", "--batch", "--signal=USR1", array.job)
    alone = tmp_path / "alone"
    toy_workspace(alone)
    steps = {"train.steps": STEPS}
    words = ["train", "--only", "-q", "-j", 1, *sets(_TRAIN, steps)]
    process = faceprep(*words, "--workspace", alone)
    assert process.wait() == 0, process.stderr.read()
    command = ["train", "--only", "-q", "--workspace", training, "--engine", "slurm"]
    waiting = faceprep(*command, *sets(_TRAIN, steps, _TRAIN_JOB, {"slurm.poll_seconds": 0.3}))
    _, said = waiting.communicate(timeout=MOST_SECONDS)
    assert waiting.returncode == 0, said
    log = array.log(0).read_text()
    assert "stopped by SIGUSR1" in log, log
    assert "resuming after step" in log, log
    for name in ("generator.safetensors", "training.safetensors"):
        files = [place / "train" / "exprgan" / name for place in (alone, training)]
        assert files[0].read_bytes() == files[1].read_bytes(), name


def test_disturbed_arrays_end_with_the_bytes_of_a_local_run(
    cluster: dict[str, str], faceprep: Command, dataset: Path, tmp_path: Path
) -> None:
    """One task is cancelled, another killed, the node drained and resumed; two commands wait."""
    local, place = tmp_path / "local", tmp_path / "cluster"
    alone = faceprep(*run(dataset, local, "-j", 1, "-q"))
    assert alone.wait() == 0, alone.stderr.read()

    selected = faceprep(*run(dataset, place, "--until", "select", "-q"))
    assert selected.wait() == 0, selected.stderr.read()
    workspace = Workspace(place)
    engine = ["--engine", "slurm", *sets(_SLURM)]
    with held(workspace, "align", workspace.shards("select")):
        first = faceprep(*run(dataset, place, *engine))
        cancel_a_task(cluster, "align")
        second = faceprep(*run(dataset, place, *engine))
        kill_a_task(place)
        node = slurm(cluster, "sinfo", "--noheader", "--format=%n").strip()
        slurm(cluster, "scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    until(lambda: not tasks_of(place))
    state = slurm(cluster, "squeue", "--noheader", "--format=%j|%T|%r")
    assert first.poll() is None, first.stderr.read()
    slurm(cluster, "scontrol", "update", f"nodename={node}", "state=resume")
    for process in (first, second):
        _, said = process.communicate(timeout=MOST_SECONDS)
        assert process.returncode == 0, said + state
    assert content(place) == content(local)
    again = [array for array in read_records(place, "align") if array.tasks]
    assert len(again) >= 2  # what died was submitted again
    assert not shards_in_hand(workspace, "align")
    folders = [path for path in place.rglob("*") if path.is_dir()]
    assert max(len(list(folder.iterdir())) for folder in folders) <= 1000


def test_a_task_short_of_time_is_queued_again_alone(
    cluster: dict[str, str], faceprep: Command, dataset: Path, tmp_path: Path
) -> None:
    """The last task of an array, for its job has the number that means all of them.

    Its last shard is kept waiting, so that the notice comes when it has made the others.
    """
    place = tmp_path / "cluster"
    selected = faceprep(*run(dataset, place, "--until", "select", "-q"))
    assert selected.wait() == 0, selected.stderr.read()
    workspace = Workspace(place)
    last = workspace.shards("select")[-1]
    engine = ["--engine", "slurm", *sets(_SLURM, {"slurm.task_minutes": 0.0035})]
    with pending_shard(workspace, "align", last):
        process = faceprep(*run(dataset, place, "--until", "align", *engine))
        until(lambda: workspace.shards("align") == list(range(last)))
        (array,) = read_records(place, "align")
        task = len(array.tasks) - 1
        assert len(array.tasks[task]) > 1
        shown = slurm(cluster, "scontrol", "show", "job", array.job)
        assert f"JobId={array.job} ArrayJobId={array.job} ArrayTaskId={task} " in shown
        slurm(cluster, "scancel", "--batch", "--signal=USR1", f"{array.job}_{task}")

        def restarts() -> dict[int, int]:
            shown = slurm(cluster, "scontrol", "show", "job", array.job)
            pairs = re.findall(r"ArrayTaskId=(\d+) .*?Restarts=(\d+)", shown, re.DOTALL)
            return {int(number): int(count) for number, count in pairs}

        until(lambda: any(restarts().values()))
        assert restarts() == {**dict.fromkeys(range(task), 0), task: 1}
    _, said = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == 0, said
    assert workspace.shards("align") == list(range(last + 1))
    assert len(read_records(place, "align")) == 1


def test_stages_that_are_chained_go_on_alone(
    cluster: dict[str, str], faceprep: Command, dataset: Path, tmp_path: Path
) -> None:
    place = tmp_path / "chained"
    engine = ["--engine", "slurm", "--no-wait", *sets(_SLURM, {"slurm.task_minutes": 1})]
    started = faceprep(*run(dataset, place, *engine))
    assert started.wait() == 0, started.stderr.read()
    workspace = Workspace(place)
    shards = len(workspace.shards("select"))
    until(lambda: len(workspace.shards("heatmaps")) == shards)
    assert workspace.counts("heatmaps") == {"ok": workspace.info("select")["rows"]}


def test_disturbed_tasks_leave_the_faces_of_a_local_run(
    cluster: dict[str, str], faceprep: Command, tmp_path: Path
) -> None:
    """One task is cancelled, another killed; the command submits them again."""
    local, place = tmp_path / "local", tmp_path / "cluster"
    faces = {"augment.shard_size": 24, "augment.mode": "edit"}
    words = ["augment", "--n", 90, "--device", "cpu", "-q", *sets(faces), "--workspace"]
    generator_workspace(local)
    shutil.copytree(local, place)
    alone = faceprep(*words, local, "-j", 1)
    with held(Workspace(place), "augment/exprgan", range(4)):
        process = faceprep(*words, place, "--engine", "slurm", *sets(_SLURM))
        cancel_a_task(cluster, "augment")
        kill_a_task(place)
    for one in (alone, process):
        _, said = one.communicate(timeout=MOST_SECONDS)
        assert one.returncode == 0, said
    assert len(read_records(place, "augment/exprgan")) >= 2
    assert content(place) == content(local)


def test_a_table_told_to_stop_goes_on_with_the_trainings_that_are_left(
    cluster: dict[str, str], faceprep: Command, tmp_path: Path
) -> None:
    local, place = tmp_path / "local", tmp_path / "cluster"
    settings = {"size": 32, "updates": 120, "batch": 8, "look_every": 40, "near_duplicates": 0}
    words = ["classify", "--only", "--sweep", 0, "--seeds", 6, "--device", "cpu", "--json", "-q"]
    words += sets({f"classify.{key}": value for key, value in settings.items()})
    for workspace in (local, place):
        toy_workspace(workspace, people=8)
    job = {"gpus": 0, "cpus": 1, "mem": "1G", "time": 10}
    engine = {f"slurm.classify.{key}": value for key, value in job.items()}
    engine["slurm.poll_seconds"] = 0.3
    process = faceprep(*words, "--workspace", place, "--engine", "slurm", *sets(engine))
    until(lambda: len(list((place / "classify" / "cells").glob("*.parquet"))) >= 2)
    (array,) = read_records(place, "classify")
    slurm(cluster, "scancel", "--batch", "--signal=USR1", array.job)
    alone = faceprep(*words, "--workspace", local, "-j", 1)
    tables = []
    for one in (alone, process):
        printed, said = one.communicate(timeout=MOST_SECONDS)
        assert one.returncode == 0, said
        tables.append(json.loads(printed)["rows"])
    assert tables[0] == tables[1]
    log = array.log(0).read_text()
    before, after = log.split("DUE TO JOB REQUEUE")
    assert "6 of 6 trainings to do" in before
    assert "6 of 6 trainings to do" not in after
    assert len(read_records(place, "classify")) == 1
