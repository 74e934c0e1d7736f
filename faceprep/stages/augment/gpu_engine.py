"""Where ``augment`` computes; with a GPU one process does and many write, an engine of its own.

The pixels of a whole shard go to a worker, which makes PNG files of them and commits the shard. At
most two shards a worker wait, so that memory does not grow.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.core.errors import FaceprepError
from faceprep.execution.job import Outcome
from faceprep.execution.local import follow_parent, uninterrupted
from faceprep.execution.threads import ENVIRONMENT
from faceprep.stages.augment.shard import AugmentJob, Block, blocks, studio, write_shard
from faceprep.workspace.synthetic import STAGE

if TYPE_CHECKING:
    from faceprep.execution.job import Work
    from faceprep.workspace import Marker

_WAITING_PER_WORKER = 2


def device_of(config: Config) -> str:
    """Where faces are computed: on Slurm as its tasks have a GPU, whatever this machine has."""
    from faceprep.core.device import choose_device

    if config.engine != "slurm":
        return choose_device(config.device)
    asked = "cuda" if config.slurm.task(STAGE).gpus else "cpu"
    return asked if config.device == "auto" else config.device


def compute_here(jobs: Sequence[AugmentJob], work: "Work", workers: int) -> Iterator[Outcome]:
    """Compute every job in this process and write it in others; see `Engine`.

    Parameters
    ----------
    work
        Not used: computing and writing are done apart.

    Raises
    ------
    FaceprepError
        A writing process was killed.
    """
    from loky import ProcessPoolExecutor

    _repeatable()
    writing: dict[Future[Marker], AugmentJob] = {}
    pool = ProcessPoolExecutor(
        max_workers=workers, initializer=follow_parent, initargs=(os.getpid(),), env=ENVIRONMENT
    )
    try:
        for job in jobs:
            made = list(blocks(job, studio(job)))
            writing[pool.submit(_write, replace(job, quality=None), made)] = job
            yield from _done(writing, _WAITING_PER_WORKER * workers)
        yield from _done(writing, 0)
    finally:
        pool.shutdown(kill_workers=True)


def _write(job: AugmentJob, made: list[Block]) -> "Marker":
    """Write a shard; runs in a worker."""
    return uninterrupted(write_shard, job, made)


def _done(writing: "dict[Future[Marker], AugmentJob]", most: int) -> Iterator[Outcome]:
    """Outcomes of shards that are written, until at most so many are left."""
    from loky.process_executor import TerminatedWorkerError

    while len(writing) > most:
        for future in wait(writing, return_when=FIRST_COMPLETED).done:
            job = writing.pop(future)
            error = future.exception()
            if isinstance(error, TerminatedWorkerError):
                raise FaceprepError(
                    "a process that writes pictures was killed",
                    "type the same command again; it goes on where it was",
                ) from error
            yield Outcome(job, error=error) if error else Outcome(job, marker=future.result())


def _repeatable() -> None:
    """Let the same network give the same digits every time."""
    import torch

    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
