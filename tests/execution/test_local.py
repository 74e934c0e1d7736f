"""The local engine: every job has an outcome, whatever happens to its worker."""

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import psutil
import pytest

from faceprep.execution import local
from faceprep.execution.runner import load_engine

# Workers cannot import this file by name; its functions travel by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def job(**values):
    return SimpleNamespace(**values)


def square(job):
    if job.number == 3:
        raise ValueError("three")
    return job.number**2


def die_in_hand(job):
    """Kill the worker at the first tries of a job; each try leaves a file."""
    tries = len(list(job.folder.glob(f"{job.number}.*")))
    (job.folder / f"{job.number}.{tries}").touch()
    if tries < job.deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return job.number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_has_an_outcome(workers: int) -> None:
    jobs = [job(number=number) for number in range(6)]
    outcomes = sorted(load_engine("local")(jobs, square, workers), key=lambda o: o.job.number)
    assert [o.marker for o in outcomes] == [0, 1, 4, None, 16, 25]
    assert isinstance(outcomes[3].error, ValueError)


def test_a_killed_worker_costs_its_own_job_only(tmp_path: Path) -> None:
    jobs = [job(number=n, folder=tmp_path, deaths=2 if n == 4 else 0) for n in range(10)]
    outcomes = list(local.run(jobs, die_in_hand, 2))
    assert sorted(o.marker for o in outcomes) == list(range(10))
    tries = {n: len(list(tmp_path.glob(f"{n}.*"))) for n in range(10)}
    assert tries == {n: 3 if n == 4 else 1 for n in range(10)}


def test_a_job_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    jobs = [job(number=n, folder=tmp_path, deaths=9 if n == 0 else 0) for n in range(3)]
    outcomes = {o.job.number: o for o in local.run(jobs, die_in_hand, 2)}
    assert isinstance(outcomes[0].error, local.WorkerKilledError)
    assert [outcomes[n].marker for n in (1, 2)] == [1, 2]
    assert len(list(tmp_path.glob("0.*"))) == local.RETRIES + 1


def finish_first(job):
    """Do job 0; stay in every other job until the worker is ended."""
    (job.folder / str(os.getpid())).touch()
    while job.number:
        time.sleep(0.05)
    return job.number


def test_leaving_early_ends_the_workers(tmp_path: Path) -> None:
    outcomes = local.run([job(number=n, folder=tmp_path) for n in range(200)], finish_first, 2)
    assert next(outcomes).marker == 0
    outcomes.close()
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert 1 <= len(pids) <= 2
    assert not [pid for pid in pids if psutil.pid_exists(pid) and alive(pid)]


def alive(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
