"""The Dask engine: the local engine's bytes, whoever is killed; one clear error for the rest."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cloudpickle
import pytest

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.core.errors import FaceprepError, ManifestError, MissingToolError, UsageError
from faceprep.execution.dask import workers
from faceprep.execution.job import Job
from faceprep.execution.plan import config_hash
from faceprep.execution.runner import load_engine
from faceprep.execution.shard import run_shard
from faceprep.stages import load_stage
from faceprep.workspace import Workspace
from faceprep.workspace.pending import remove_abandoned

distributed = pytest.importorskip(
    "distributed", reason="distributed is not installed: pip install cloudpickle dask distributed"
)
# Workers cannot import this file by name; its functions travel by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

KILLS = 5


def config(workspace: Workspace, **values: object) -> Config:
    return Config.model_validate({"workspace": workspace.root, **values})


def jobs_of(workspace: Workspace, **values: object) -> list[Job]:
    stage, settings = load_stage("heatmaps"), config(workspace, **values)
    hashed = config_hash(stage, settings)
    return [Job(stage, shard, settings, "input", hashed) for shard in workspace.shards("align")]


def content(workspace: Workspace) -> dict[str, bytes]:
    """Every file of a stage; markers without their seconds and host, and input's stand-in."""
    files = {}
    for path in sorted(workspace.folder("heatmaps").rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".json":
            marker = json.loads(data)
            data = str([marker[key] for key in ("rows", "status", "sha256", "files")]).encode()
        files[str(path.relative_to(workspace.root))] = data
    return files


def under_fire(job: Job):
    """Make a shard; worker 0 waits to be killed in each of its first five.

    The other worker keeps its first shard until that has happened, so that worker 0 has work left
    however slow its restarts are.
    """
    from distributed import get_worker

    shots = job.config.workspace / "shots"
    (job.config.workspace / "tries" / f"{job.shard}-{time.time_ns()}").touch()
    fired = len(list(shots.iterdir()))
    if get_worker().name == 0 and fired < KILLS:
        (shots / f"{fired}-{os.getpid()}").touch()
        run_shard(job)
        threading.Event().wait()
    marker = run_shard(job)
    while len(list(shots.iterdir())) < KILLS:
        time.sleep(0.05)
    return marker


def shoot(shots: Path, clusters: list) -> None:
    """Kill worker 0 at some moment of each of its first five shards.

    A worker gets its first task before its nanny knows that it runs, and Dask does not replace one
    that is killed before.
    """
    for shot in range(KILLS):
        while not (found := list(shots.glob(f"{shot}-*"))):
            time.sleep(0.01)
        pid = int(found[0].name.partition("-")[2])
        nanny = clusters[0].workers[0]
        while nanny.pid != pid or nanny.process.status.name != "running":
            time.sleep(0.01)
        time.sleep(random.Random(shot).uniform(0, 0.1))
        os.kill(pid, signal.SIGKILL)


def test_a_worker_killed_five_times_loses_and_doubles_nothing(
    aligned_workspace, monkeypatch
) -> None:
    there, here = (aligned_workspace(faces=80, shard_size=10, name=name) for name in "ab")
    for folder in ("shots", "tries"):
        (there.root / folder).mkdir()
    clusters = []

    class Cluster(distributed.LocalCluster):
        def __init__(self, **settings) -> None:
            clusters.append(self)
            super().__init__(**settings)

    monkeypatch.setattr(distributed, "LocalCluster", Cluster)
    threading.Thread(target=shoot, args=(there.root / "shots", clusters), daemon=True).start()
    jobs = jobs_of(there)
    outcomes = list(load_engine("dask")(jobs, under_fire, 2))
    assert sorted(o.job.shard for o in outcomes) == list(range(8))
    assert all(
        o.job in jobs and o.marker == there.marker("heatmaps", o.job.shard) for o in outcomes
    )
    assert len(list((there.root / "shots").iterdir())) == KILLS
    tries = Counter(path.name.split("-")[0] for path in (there.root / "tries").iterdir())
    assert sum(tries.values()) <= len(jobs) + KILLS  # a kill costs the shard in hand
    remove_abandoned(there, "heatmaps")
    for outcome in load_engine("local")(jobs_of(here), run_shard, 1):
        assert outcome.error is None
    assert content(there) == content(here)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a scheduler without workers, in this process."""
    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def worker(scheduler: str, folder: Path, first: str, threads: int = 1) -> Iterator[None]:
    """Start a worker process in a folder of its own, which executes some Python first."""
    start = f"{first}\nfrom distributed.cli.dask_worker import main; main()"
    flags = ["--no-nanny", "--nthreads", str(threads), "--no-dashboard", "--memory-limit", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", start, scheduler, *flags],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


#: Starts when the command has said that it waits for a worker, and with another version.
LATE_WITH_OLD_DASK = """
import pathlib, time
while not pathlib.Path("waited-for").exists():
    time.sleep(0.05)
import distributed
distributed.__version__ = "2020.1"
"""


def test_a_running_cluster_does_the_shards(
    aligned_workspace, scheduler, tmp_path, monkeypatch, capsys
) -> None:
    there, here = (aligned_workspace(faces=40, shard_size=10, name=name) for name in "ab")
    there.part("align", 2).write_bytes(b"PAR1 garbage")
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings = {"dask": {"scheduler": scheduler}, "select": {"root": "."}}

    def warn(message: str) -> None:
        print(message, file=sys.stderr)
        (elsewhere / "waited-for").touch()

    monkeypatch.setattr(workers, "warn", warn)
    with worker(scheduler, elsewhere, LATE_WITH_OLD_DASK, threads=2):
        jobs = jobs_of(Workspace(Path("a")), **settings)
        outcomes = {o.job.shard: o for o in load_engine("dask")(jobs, run_shard, 2)}
    assert {shard for shard, outcome in outcomes.items() if outcome.error is None} == {0, 1, 3}
    assert isinstance(outcomes[2].error, ManifestError)
    list(load_engine("local")(jobs_of(here), run_shard, 1))
    third = ("heatmaps/part-00002", "heatmaps/images/00002")
    whole = content(here)
    assert content(there) == {k: whole[k] for k in whole if not k.startswith(third)}
    said = capsys.readouterr().err
    assert "waiting for one" in said
    assert "distributed 2020.1 (here " in said
    assert "--nthreads 1" in said


def test_workers_without_faceprep_are_named(aligned_workspace, scheduler, tmp_path) -> None:
    jobs = jobs_of(aligned_workspace(), dask={"scheduler": scheduler})
    with (
        worker(scheduler, tmp_path, "import sys; sys.modules['faceprep'] = None"),
        pytest.raises(MissingToolError, match="faceprep cannot be imported on tcp://") as caught,
    ):
        list(load_engine("dask")(jobs, run_shard, 2))
    assert "pip install" in spell(caught.value.hint)


def test_a_scheduler_that_does_not_answer_is_an_error_after_the_timeout(
    aligned_workspace, monkeypatch
) -> None:
    timeouts = []
    client = distributed.Client

    def connect(address: str, timeout: float, **settings):
        timeouts.append(timeout)
        return client(address, timeout=timeout, **settings)

    monkeypatch.setattr(distributed, "Client", connect)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    jobs = jobs_of(aligned_workspace(), dask={"scheduler": address, "timeout": 0.5})
    with pytest.raises(FaceprepError, match=f"no Dask scheduler answered at {address}"):
        list(load_engine("dask")(jobs, run_shard, 2))
    assert timeouts == [0.5]


@pytest.mark.parametrize("scheduler", ["nonsense", "file:///tmp:1", "missing.json"])
def test_what_is_no_address_is_a_usage_error(aligned_workspace, scheduler: str) -> None:
    jobs = jobs_of(aligned_workspace(), dask={"scheduler": scheduler})
    with pytest.raises(UsageError) as caught:
        list(load_engine("dask")(jobs, run_shard, 2))
    assert scheduler in caught.value.message


def test_without_the_package_the_command_to_install_it_is_named(
    aligned_workspace, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingToolError) as caught:
        list(load_engine("dask")(jobs_of(aligned_workspace()), run_shard, 2))
    assert spell(caught.value.hint) == "pip install cloudpickle dask distributed"


def test_nothing_to_do_starts_no_cluster(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert list(load_engine("dask")([], run_shard, 2)) == []
