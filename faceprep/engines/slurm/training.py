"""``train`` as one job: told before its time limit, it saves, is queued again, and goes on."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceprep.config import Config, digest
from faceprep.engines.slurm.arrays import Array, arrays, claim, prune
from faceprep.engines.slurm.engine import RETRIES
from faceprep.engines.slurm.queue import Queue, QueueError, TaskState, how_it_ended, look
from faceprep.engines.slurm.submit import submit
from faceprep.engines.slurm.task import here, requeue
from faceprep.errors import FaceprepError, UsageError
from faceprep.manifest import write_json
from faceprep.progress import Progress

STAGE = "train"

_RESULT = "result.json"
_BEGUN = "begun"
_GRACE_POLLS = 3


@dataclass(frozen=True)
class TrainingJob:
    """A training in the queue, or one that has ended.

    Attributes
    ----------
    job, log
        Number of the job and what it prints.
    result
        What ``train --json`` prints, once it is done.
    """

    job: str
    log: Path
    result: dict[str, Any] | None = None


def train(
    config: Config,
    progress: Progress,
    *,
    overwrite: bool = False,
    wait: bool = True,
    after: tuple[str, ...] = (),
) -> TrainingJob:
    """Have the generator of a workspace trained by one job.

    A job of the same training that is in the queue is waited for in place of a second one. A job
    that dies is submitted again, `RETRIES` times in a row without a new checkpoint.

    Parameters
    ----------
    wait
        Wait until it is done; otherwise submit it and leave.
    after
        Numbers of jobs that must have ended first.

    Raises
    ------
    UsageError
        When another training of the workspace is in the queue.
    MissingToolError, FaceprepError
        As `faceprep.engines.slurm.submit.submit`, and what the training itself raised.
    KeyboardInterrupt
        After SIGINT, with the job's number; it goes on.
    """
    array = _in_queue(config, look()) or _submit(config, overwrite, after)
    if not wait:
        return TrainingJob(array.job, array.log(0))
    try:
        return _wait(config, array, progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"job {array.job} goes on; the same command waits for it again, scancel {array.job}"
            " ends it"
        ) from None


def train_here(array: Array) -> int:
    """Train on this node; queue the job again when its time is up."""
    from faceprep.report.train_table import train_tables
    from faceprep.stages.train import run_train

    # Until the training listens itself, there is nothing to save.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    config = here(array)
    if not array.config.get("workers"):
        config = config.model_copy(update={"workers": config.slurm.train.cpus})
    begun = array.folder / _BEGUN
    overwrite = array.overwrite and not begun.exists()
    begun.touch()
    result = run_train(config, Progress(), overwrite=overwrite)
    if result.outcome is not None and result.outcome.stopped:
        print(f"stopped by {result.outcome.stopped} after step {result.outcome.steps}", flush=True)
        # SIGTERM comes from scancel, or from a preemption after which Slurm queues it again itself.
        if result.outcome.stopped == "SIGUSR1" and requeue():
            signal.pause()  # Slurm ends it
        return 128 + signal.SIGTERM
    write_json(array.folder / _RESULT, train_tables(result)[1])
    return 0


def _wait(config: Config, array: Array, progress: Progress) -> TrainingJob:
    poll = config.slurm.poll_seconds
    tries = gone = 0
    stamp = _checkpoint_time(config)
    while True:
        queue = _look(progress)
        result = _result(array)
        if result is not None:
            return TrainingJob(array.job, array.log(0), result)
        state = array.alive(queue).get(0) if queue is not None else None
        gone = 0 if state is not None or queue is None else gone + 1
        if state is not None:
            progress.status(*_words(array, state))
        if gone > _GRACE_POLLS and queue is not None:
            error = array.error(0)
            if error is not None:
                raise error
            later = _checkpoint_time(config)
            tries, stamp = (tries + 1 if later == stamp else 1), later
            how = _how(array, queue)
            if how.startswith("CANCELLED"):
                raise FaceprepError(
                    f"job {array.job} was cancelled",
                    "type the same command again; it goes on there",
                )
            if tries > RETRIES:
                raise FaceprepError(
                    f"job {array.job} died {tries} times without a checkpoint: {how}",
                    f"tail {array.log(0)}",
                )
            progress.say(f"train: job {array.job} died ({how}), submitted again")
            overwrite = array.overwrite and not (array.folder / _BEGUN).exists()
            array, gone = _submit(config, overwrite, ()), 0
        time.sleep(poll)


def _words(array: Array, state: TaskState) -> tuple[str, str]:
    """How a job stands, and the last that the training said."""
    reason = "" if state.running or state.reason in ("", "None") else f" ({state.reason})"
    said = [line for line in array.tail(0) if line.startswith("train:")]
    return f"train: job {array.job} {state.state.lower()}{reason}", said[-1] if said else ""


def _look(progress: Progress) -> Queue | None:
    try:
        return look()
    except QueueError as error:
        progress.status("train", error.message)
        return None


def _how(array: Array, queue: Queue) -> str:
    state = array.states(queue).get(0)
    return state.state if state else how_it_ended(array.job, 0) or "gone from the queue"


def _result(array: Array) -> dict[str, Any] | None:
    try:
        return dict(json.loads((array.folder / _RESULT).read_text()))
    except (OSError, ValueError):
        return None


def _in_queue(config: Config, queue: Queue) -> Array | None:
    """Return the living job of this training; refuses another training in the same place."""
    for array in arrays(config.workspace, STAGE):
        if not array.alive(queue):
            continue
        if array.settings != _settings(config):
            raise UsageError(
                f"job {array.job} trains with other settings in {config.workspace} now",
                f"wait for it, or end it: scancel {array.job}",
            )
        return array
    return None


def _submit(config: Config, overwrite: bool, after: tuple[str, ...]) -> Array:
    queue = look()
    prune(config.workspace, STAGE, queue)
    array = Array(
        folder=config.workspace,
        stage=STAGE,
        settings=_settings(config),
        tasks=[[]],
        config=config.model_dump(mode="json"),
        overwrite=overwrite,
    )
    claimed = claim(config.workspace.absolute(), array)
    older = [a for a in arrays(config.workspace, STAGE) if a.name < claimed.name]
    if any(a.alive(queue) for a in older):
        claimed.remove()
        raise FaceprepError(
            f"another command submits a training of {config.workspace} now",
            "type the same command again; it waits for that job",
        )
    try:
        job = submit(claimed, config.slurm, config.slurm.train, None, after)
    except FaceprepError:
        claimed.remove()
        raise
    return claimed.with_job(job)


def _settings(config: Config) -> str:
    return digest({"train": config.train.settings(), "device": config.device})


def _checkpoint_time(config: Config) -> int:
    from faceprep.stages.trained import folder_of

    try:
        file = folder_of(config.workspace, config.train.generator) / "training.safetensors"
        return file.stat().st_mtime_ns
    except OSError:
        return 0
