"""A verb as one job: told before its time limit, it saves, is queued again, and goes on."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faceprep.config import Config, SlurmTrainConfig, digest
from faceprep.engines.slurm.arrays import Array, arrays, claim, prune
from faceprep.engines.slurm.engine import RETRIES
from faceprep.engines.slurm.queue import Queue, QueueError, TaskState, how_it_ended, look
from faceprep.engines.slurm.submit import submit
from faceprep.engines.slurm.task import here
from faceprep.engines.slurm.verbs import VERBS, Verb
from faceprep.errors import FaceprepError, UsageError
from faceprep.manifest import write_json
from faceprep.progress import Progress
from faceprep.report.tables import as_text

_RESULT = "result.json"
_BEGUN = "begun"
_GRACE_POLLS = 3


@dataclass(frozen=True)
class SingleJob:
    """A job in the queue, or one that has ended.

    Attributes
    ----------
    job, log
        Number of the job and what it prints.
    text, data
        What the verb prints, and prints with ``--json``, once it is done.
    """

    job: str
    log: Path
    text: str = ""
    data: dict[str, Any] | None = None


def run(
    name: str,
    config: Config,
    progress: Progress,
    *,
    overwrite: bool = False,
    wait: bool = True,
    after: tuple[str, ...] = (),
) -> SingleJob:
    """Have one job do a verb of `VERBS`.

    A job of the same verb and settings that is in the queue is waited for in place of a second
    one. A job that dies is submitted again, `RETRIES` times in a row with nothing new saved.

    Parameters
    ----------
    overwrite
        Do it anew.
    wait
        Wait until it is done; otherwise submit it and leave.
    after
        Numbers of jobs that must have ended first.

    Raises
    ------
    UsageError
        When the verb is in the queue for this workspace with other settings.
    MissingToolError, FaceprepError
        As `faceprep.engines.slurm.submit.submit`, and what the verb itself raised.
    KeyboardInterrupt
        After SIGINT, with the job's number; it goes on.
    """
    verb = VERBS[name]
    array = _in_queue(verb, config, look()) or _submit(verb, config, overwrite, after)
    if not wait:
        return SingleJob(array.job, array.log(0))
    try:
        return _wait(verb, config, array, progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"job {array.job} goes on; the same command waits for it again, scancel {array.job}"
            " ends it"
        ) from None


def run_here(array: Array) -> int:
    """Do the verb of a job on this node; return the exit code."""
    verb, config = VERBS[array.stage], here(array)
    workers = array.config.get("workers") or verb.workers(_asks(verb, config))
    begun = array.folder / _BEGUN
    overwrite = array.overwrite and not begun.exists()
    begun.touch()
    printed = verb.work(config.model_copy(update={"workers": workers}), overwrite)
    if printed is None:
        return 128 + signal.SIGTERM
    renderables, data = printed
    text = as_text(renderables)
    print(text, flush=True)
    write_json(array.folder / _RESULT, {"text": text, "data": data})
    return 0


def _wait(verb: Verb, config: Config, array: Array, progress: Progress) -> SingleJob:
    poll = config.slurm.poll_seconds
    tries = gone = 0
    stamp = verb.saved(config)
    while True:
        queue = _look(verb, progress)
        result = _result(array)
        if result is not None:
            return SingleJob(array.job, array.log(0), result["text"], result["data"])
        state = array.alive(queue).get(0) if queue is not None else None
        gone = 0 if state is not None or queue is None else gone + 1
        if state is not None:
            progress.status(*_words(array, state))
        if gone > _GRACE_POLLS and queue is not None:
            error = array.error(0)
            if error is not None:
                raise error
            later = verb.saved(config)
            tries, stamp = (tries + 1 if later == stamp else 1), later
            how = _how(array, queue)
            if how.startswith("CANCELLED"):
                raise FaceprepError(
                    f"job {array.job} was cancelled",
                    "type the same command again; it goes on there",
                )
            if tries > RETRIES:
                raise FaceprepError(
                    f"job {array.job} died {tries} times and saved nothing new: {how}",
                    f"tail {array.log(0)}",
                )
            progress.say(f"{verb.name}: job {array.job} died ({how}), submitted again")
            overwrite = array.overwrite and not (array.folder / _BEGUN).exists()
            array, gone = _submit(verb, config, overwrite, ()), 0
        time.sleep(poll)


def _words(array: Array, state: TaskState) -> tuple[str, str]:
    """How a job stands, and the last that the verb said."""
    reason = "" if state.running or state.reason in ("", "None") else f" ({state.reason})"
    said = [line for line in array.tail(0) if line.startswith(f"{array.stage}:")]
    return f"{array.stage}: job {array.job} {state.state.lower()}{reason}", said[-1] if said else ""


def _look(verb: Verb, progress: Progress) -> Queue | None:
    try:
        return look()
    except QueueError as error:
        progress.status(verb.name, error.message)
        return None


def _how(array: Array, queue: Queue) -> str:
    state = array.states(queue).get(0)
    return state.state if state else how_it_ended(array.job, 0) or "gone from the queue"


def _result(array: Array) -> dict[str, Any] | None:
    try:
        return dict(json.loads((array.folder / _RESULT).read_text()))
    except (OSError, ValueError):
        return None


def _in_queue(verb: Verb, config: Config, queue: Queue) -> Array | None:
    """Return the living job of these settings; refuses one of others in the same place."""
    for array in arrays(config.workspace, verb.name):
        if not array.alive(queue):
            continue
        if array.settings != _settings(verb, config):
            raise UsageError(
                f"job {array.job}: {verb.name} with other settings in {config.workspace} now",
                f"wait for it, or end it: scancel {array.job}",
            )
        return array
    return None


def _submit(verb: Verb, config: Config, overwrite: bool, after: tuple[str, ...]) -> Array:
    queue = look()
    prune(config.workspace, verb.name, queue)
    array = Array(
        folder=config.workspace,
        stage=verb.name,
        settings=_settings(verb, config),
        tasks=[[]],
        config=config.model_dump(mode="json"),
        overwrite=overwrite,
    )
    claimed = claim(config.workspace.absolute(), array)
    older = [a for a in arrays(config.workspace, verb.name) if a.name < claimed.name]
    if any(a.alive(queue) for a in older):
        claimed.remove()
        raise FaceprepError(
            f"another command submits {verb.name} of {config.workspace} now",
            "type the same command again; it waits for that job",
        )
    try:
        job = submit(claimed, config.slurm, _asks(verb, config), None, after)
    except FaceprepError:
        claimed.remove()
        raise
    return claimed.with_job(job)


def _asks(verb: Verb, config: Config) -> SlurmTrainConfig:
    return cast(SlurmTrainConfig, getattr(config.slurm, verb.name))


def _settings(verb: Verb, config: Config) -> str:
    own = getattr(config, verb.name).settings()
    return digest({verb.name: own, "device": config.device})
