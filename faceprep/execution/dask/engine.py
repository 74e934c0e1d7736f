"""The Dask engine: a running cluster, or worker processes on this machine.

Dask transfers jobs and markers, a few kilobytes each; rows and images are written to the disk that
all workers share. If a worker is killed, its nanny restarts it, and its shard is repeated.
"""

import contextlib
import json
import multiprocessing.resource_tracker
import pickle
import queue
import re
import uuid
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import DaskConfig
from faceprep.config.section import absolute
from faceprep.core.errors import Again, FaceprepError, MissingToolError, Shell, UsageError
from faceprep.core.signals import interrupts_blocked
from faceprep.execution.dask.workers import INSTALL_THERE, check_cluster, pack, scratch, warn
from faceprep.execution.job import Job, Outcome, Work, WorkerKilledError
from faceprep.execution.shard import ENVIRONMENT

if TYPE_CHECKING:
    from distributed import Client, Future


INSTALL = Shell(("pip", "install", "cloudpickle", "dask", "distributed"))
_AGAIN = Again(note="resumes where it stopped")
_POLL_SECONDS = 5.0
_ADDRESS = re.compile(r"((tcp|tls|ucx|ws|wss)://)?[^\s/]+:\d+")


def run(jobs: Sequence[Job], work: Work, workers: int) -> Iterator[Outcome]:
    """Run every job on a Dask cluster; see `faceprep.execution.job.Engine`.

    Parameters
    ----------
    workers
        Number of processes on this machine, if ``dask.scheduler`` names no running cluster.

    Raises
    ------
    MissingToolError
        If the package ``distributed`` is not installed here, or faceprep not on the cluster.
    UsageError
        If ``dask.scheduler`` is not an address.
    FaceprepError
        If the scheduler cannot be reached or is lost, or workers do not see the workspace.
    """
    if not jobs:
        return
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingToolError(f"--engine dask needs a package: {error}", INSTALL) from None
    settings = jobs[0].config.dask
    with _client(settings, min(workers, len(jobs))) as client:
        if settings.scheduler is not None:
            check_cluster(client, absolute(jobs[0].config))
        yield from _Run(client, jobs, work, settings).outcomes()


class _Run:
    """Jobs that a cluster has not finished."""

    def __init__(
        self, client: "Client", jobs: Sequence[Job], work: Work, settings: DaskConfig
    ) -> None:
        self.client, self.jobs, self.work, self.settings = client, jobs, work, settings
        self.deaths: Counter[int] = Counter()
        self.waiting: dict[Any, tuple[int, Future[Any]]] = {}
        self.finished: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of every job; cancel the remaining jobs if the caller stops early."""
        self._submit(range(len(self.jobs)))
        try:
            while self.waiting:
                future = self._next()
                number, _ = self.waiting.pop(future.key)
                outcome = self._outcome(number, future)
                if outcome is None:
                    self._submit([number])
                else:
                    yield outcome
        finally:
            if self.waiting and self.client.status == "running":
                self.client.cancel([future for _, future in self.waiting.values()])

    def _submit(self, numbers: Sequence[int]) -> None:
        jobs = [self.jobs[number] for number in numbers]
        keys = [f"{job.stage.name}-{job.shard}-{uuid.uuid4().hex}" for job in jobs]
        calls = [pack(self.work, replace(job, config=absolute(job.config))) for job in jobs]
        futures = self.client.map(pickle.loads, calls, key=keys, pure=False)
        for number, future in zip(numbers, futures, strict=True):
            self.waiting[future.key] = (number, future)
            future.add_done_callback(self.finished.put)

    def _next(self) -> "Future[Any]":
        """Wait for a future; print a warning if there are no workers."""
        warned = False
        while True:
            try:
                return self.finished.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if self.client.status != "running":
                    raise self._lost() from None
                if not warned and not self.client.nthreads():
                    warned = True
                    warn("the cluster has no workers now; waiting for one (Ctrl-C ends)")

    def _outcome(self, number: int, future: "Future[Any]") -> Outcome | None:
        """Return the outcome of a job; None if it must be repeated."""
        from distributed import KilledWorker

        job = self.jobs[number]
        if future.cancelled():
            raise self._lost()
        try:
            return Outcome(job, marker=future.result())
        except KilledWorker as error:
            # A running scheduler has its own limit, so deaths are counted here.
            self.deaths[number] += error.allowed_failures + 1
            if self.deaths[number] <= self.settings.allowed_failures:
                return None
            killed = WorkerKilledError(f"its worker was killed {self.deaths[number]} times")
            killed.__cause__ = error
            return Outcome(job, error=killed)
        except CancelledError:
            raise self._lost() from None
        except ModuleNotFoundError as error:  # from a worker that joined after the check
            missing = MissingToolError(f"a Dask worker lacks a package: {error}", INSTALL_THERE)
            return Outcome(job, error=missing)
        except Exception as error:
            return Outcome(job, error=error)

    def _lost(self) -> FaceprepError:
        place = self.settings.scheduler or "on this machine"
        return FaceprepError(f"lost the Dask scheduler {place}", _AGAIN)


def _client(settings: DaskConfig, workers: int) -> "contextlib.AbstractContextManager[Client]":
    if settings.scheduler is None:
        return _local_cluster(settings, workers)
    return _running_cluster(settings.scheduler, settings.timeout)


@contextlib.contextmanager
def _local_cluster(settings: DaskConfig, workers: int) -> "Iterator[Client]":
    """Start a scheduler in this process, and worker processes of one thread each."""
    import logging

    import dask
    from distributed import Client, LocalCluster

    choices = {
        "distributed.scheduler.allowed-failures": settings.allowed_failures,
        # Workers have no queue: a killed worker loses only its current shard.
        "distributed.scheduler.worker-saturation": 1.0,
        # After this time, the cluster would close the nanny of a repeatedly killed worker.
        "distributed.deploy.lost-worker-timeout": "365d",
    }
    with scratch() as folder, dask.config.set(choices):
        multiprocessing.resource_tracker.ensure_running()  # started later, it would reset the mask
        with interrupts_blocked():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                memory_limit=None,  # as with the local engine: no limit
                local_directory=folder,
                env=ENVIRONMENT,
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client


@contextlib.contextmanager
def _running_cluster(scheduler: str, timeout: float) -> "Iterator[Client]":
    """Connect to a running scheduler."""
    from distributed import Client

    address = _address(scheduler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hides its long table of versions
            client = Client(address, timeout=timeout, set_as_default=False)
    except OSError:
        raise FaceprepError(
            f"no Dask scheduler answered at {address} within {timeout:g} s",
            (
                Shell(("dask", "scheduler"), note="starts one"),
                Again({"dask.scheduler": "none", "engine": "dask"}, note="with workers here"),
            ),
        ) from None
    with client:
        yield client


def _address(scheduler: str) -> str:
    """Return the address of a scheduler, given directly or by a scheduler file."""
    address = scheduler
    if scheduler.endswith(".json"):
        try:
            address = str(json.loads(Path(scheduler).expanduser().read_text())["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{scheduler} is not the file of a Dask scheduler: {error}",
                Shell(("dask", "scheduler", "--scheduler-file", scheduler), note="writes it"),
            ) from None
    if not _ADDRESS.fullmatch(address):
        like = Again({"dask.scheduler": "tcp://localhost:8786"}, note="for a scheduler here")
        raise UsageError(f"not the address of a scheduler: {address}", like)
    return address
