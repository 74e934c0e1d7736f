"""Engine of ``augment`` for a GPU: one process computes, and worker processes write.

The pixels of a whole shard are passed to a worker, which writes PNG files and commits the shard. At
most two shards wait per worker, to bound memory.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.errors import Again, FaceprepError
from faceprep.core.signals import interrupts_blocked
from faceprep.execution.job import Outcome, Work
from faceprep.execution.local import follow_parent, uninterrupted
from faceprep.execution.shard import ENVIRONMENT
from faceprep.stages.augment.shard import AugmentJob, Block, blocks, sampler_of, write_shard
from faceprep.workspace import Marker
from faceprep.workspace.synthetic import STAGE

_WAITING_PER_WORKER = 2


def device_of(config: Config) -> str:
    """Return the device that computes the faces; on Slurm, that of the tasks."""
    if config.engine != "slurm":
        return choose_device(config.device)
    asked = "cuda" if config.slurm.task(STAGE).gpus else "cpu"
    return asked if config.device == "auto" else config.device


def run_on_gpu(jobs: Sequence[AugmentJob], work: Work, workers: int) -> Iterator[Outcome]:
    """Compute every job in this process and write it in others.

    `work`: not used, because computing and writing are separate.
    Yields the outcome of every job, once its shard is written.
    Raises `FaceprepError`: a writing process was killed.
    """
    from loky import ProcessPoolExecutor

    _use_deterministic_kernels()
    writing: dict[Future[Marker], AugmentJob] = {}
    pool = ProcessPoolExecutor(
        max_workers=workers, initializer=follow_parent, initargs=(os.getpid(),), env=ENVIRONMENT
    )
    try:
        for job in jobs:
            made = list(blocks(job, sampler_of(job)))
            with interrupts_blocked():  # it starts the processes
                future = pool.submit(_write, replace(job, quality=None, remote=None), made)
            writing[future] = job
            yield from _written(writing, _WAITING_PER_WORKER * workers)
        yield from _written(writing, 0)
    finally:
        pool.shutdown(kill_workers=True)


def _write(job: AugmentJob, made: list[Block]) -> Marker:
    """Write a shard; runs in a worker."""
    return uninterrupted(write_shard, job, made)


def _written(writing: dict[Future[Marker], AugmentJob], most: int) -> Iterator[Outcome]:
    """Yield the outcomes of written shards, until at most `most` are left."""
    from loky.process_executor import TerminatedWorkerError

    while len(writing) > most:
        for future in wait(writing, return_when=FIRST_COMPLETED).done:
            job = writing.pop(future)
            error = future.exception()
            if isinstance(error, TerminatedWorkerError):
                raise FaceprepError(
                    "a process that writes pictures was killed",
                    Again({"overwrite": False}, note="resumes where it stopped"),
                ) from error
            yield Outcome(job, error=error) if error else Outcome(job, marker=future.result())


def _use_deterministic_kernels() -> None:
    """Select deterministic kernels, so that results are reproducible."""
    import torch

    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
