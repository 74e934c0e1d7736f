"""Functions of a job on its node: configuration and requeueing."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import FrameType

from faceprep.config import Config
from faceprep.execution.slurm.job_record import JobRecord


def config_on_node(record: JobRecord) -> Config:
    """Return the configuration of a job for a local run on this node."""
    config = Config.model_validate(record.config)
    cpus = config.slurm.task(record.stage).cpus
    return config.model_copy(update={"engine": "local", "workers": cpus})


def requeue(task: int | None = None) -> bool:
    """Ask Slurm to run this job again later; return whether it will.

    Slurm ends the job soon afterwards.

    Parameters
    ----------
    task
        Task of the array to requeue; None for a job without an array. Needed because one task of
        every array has the job number of the whole array.
    """
    if task is None:
        job = os.environ.get("SLURM_JOB_ID", "")
    else:
        job = f"{os.environ.get('SLURM_ARRAY_JOB_ID', '')}_{task}"
    words = ["scontrol", "requeue", job]
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True)
    except OSError as error:  # a container without Slurm's commands
        print(f"job {job}: no scontrol: {error.strerror}", file=sys.stderr, flush=True)
        return False
    said = done.stderr.strip() if done.returncode else "queued again"
    print(f"job {job}: {said}", file=sys.stderr, flush=True)
    return done.returncode == 0


def requeue_at_notice(advanced: Callable[[], bool], task: int | None = None) -> None:
    """Requeue the task at SIGUSR1, before its time limit, if it has made progress.

    A task without progress would be requeued forever, so it runs until its limit, like a task that
    cannot reach Slurm, and a waiting command submits the remaining shards.

    Parameters
    ----------
    advanced
        Function that returns whether the task has made progress.
    """

    def notice(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):  # an error would be raised within a shard
            if advanced():
                requeue(task)

    signal.signal(signal.SIGUSR1, notice)
