"""A verb as one job: told before its time limit, it saves, is queued again, and goes on."""

import json
import shlex
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faceprep.config import Config, SlurmTrainConfig
from faceprep.config.section import absolute
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import digest, write_json
from faceprep.core.progress import Progress
from faceprep.execution.slurm.claims import hold, pause
from faceprep.execution.slurm.engine import RETRIES, SILENT_POLLS
from faceprep.execution.slurm.job_record import Array, arrays, claim, prune
from faceprep.execution.slurm.queue import Queue, QueueError, TaskState, look
from faceprep.execution.slurm.submit import SubmitError, UnsureError, submit
from faceprep.execution.slurm.task import here
from faceprep.execution.slurm.verbs import VERBS, Verb
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
    one; what one has done is not done again. A job that dies is submitted again, `RETRIES` times in
    a row with nothing new saved. A Slurm that does not answer, or does not take it again, is asked
    `SILENT_POLLS` times more.

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
        When the verb is in the queue for this workspace with other settings, or without
        ``overwrite``.
    MissingToolError, FaceprepError
        As `faceprep.execution.slurm.submit.submit`, and what the verb itself raised.
    KeyboardInterrupt
        After SIGINT, with the job's number; it goes on.
    """
    verb = VERBS[name]
    array = _in_queue(verb, config, look())
    if array is not None and overwrite and not array.overwrite:
        raise UsageError(
            f"job {array.job} goes on with what is there; --overwrite comes too late for it",
            f"without --overwrite it is waited for; scancel {array.job} ends it",
        )
    if array is None and not (overwrite or after):
        done = _finished(verb, config)
        if done is not None:
            progress.say(f"{name}: finished before by job {done.job}; --overwrite does it anew")
            return done
    array = array or _submit(verb, config, overwrite, after)
    return _wait(_Watch(verb, config, array, progress)) if wait else _job(array)


def run_here(array: Array) -> int:
    """Do the verb of a job on this node; return the exit code."""
    verb, config = VERBS[array.stage], here(array)
    workers = array.config.get("workers") or verb.workers(_asks(verb, config))
    begun = array.folder / _BEGUN
    overwrite = array.overwrite and not begun.exists()
    begun.touch()
    made_of = verb.made_of(config)
    printed = verb.work(config.model_copy(update={"workers": workers}), overwrite)
    if printed is None:
        return 128 + signal.SIGTERM
    renderables, data = printed
    text = as_text(renderables)
    print(text, flush=True)
    result = {"text": text, "data": data, "made_of": made_of, "saved": verb.saved(config)}
    write_json(array.folder / _RESULT, result)
    return 0


def _wait(watch: "_Watch") -> SingleJob:
    """Look at a job until it is done."""
    silent = 0
    try:
        while True:
            try:
                done = watch.look()
                silent = 0
            except (QueueError, SubmitError) as error:
                done = watch.done()
                silent += 1
                if done is None and silent > SILENT_POLLS:
                    raise
                watch.progress.status(watch.verb.name, error.message)
            if done is not None:
                return done
            time.sleep(watch.config.slurm.poll_seconds)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(watch.how_to_come_back()) from None


class _Watch:
    """A job that is waited for, and submitted again when it has died."""

    def __init__(self, verb: Verb, config: Config, array: Array, progress: Progress) -> None:
        self.verb, self.config, self.array, self.progress = verb, config, array, progress
        self.saved = verb.saved(config)
        self.tries = self.gone = 0
        self.died = ""

    def look(self) -> SingleJob | None:
        """Look at it once; return it when it is done.

        Raises
        ------
        QueueError, SubmitError
            When Slurm does not answer, or does not take it again, now.
        FaceprepError
            What the verb raised, or when it is not to be submitted again.
        """
        queue = look()  # before the result: what ends in between is done, not dead
        done = self.done()
        if done is not None:
            return done
        state = self.array.alive(queue).get(0)
        if state is not None:
            self.gone, self.died = 0, ""
            self.progress.status(*_words(self.array, state))
            return None
        self.gone += 1
        if self.gone > _GRACE_POLLS:
            self.died = self.died or self._judged(queue)
            self._submit_again(queue)
        return None

    def done(self) -> SingleJob | None:
        """Return the job with what the verb printed, once that is there."""
        result = _result(self.array)
        return None if result is None else _job(self.array, result)

    def how_to_come_back(self) -> str:
        """What to type after Ctrl-C."""
        job = self.array.job
        if self.died:
            return f"job {job} died ({self.died}); the same command goes on there"
        return f"job {job} goes on; the same command waits for it again, scancel {job} ends it"

    def _judged(self, queue: Queue) -> str:
        """How it died; raises where it is not to be submitted again."""
        error = self.array.error(0)
        if error is not None:
            raise error
        how, job = self.array.end(queue, 0), self.array.job
        if how.startswith("CANCELLED"):
            raise FaceprepError(
                f"job {job} was cancelled", "type the same command again; it goes on there"
            )
        saved = self.verb.saved(self.config)
        self.tries, self.saved = (self.tries + 1 if saved == self.saved else 1), saved
        if self.tries > RETRIES:
            raise FaceprepError(
                f"job {job} died {self.tries} times and saved nothing new: {how}",
                f"tail {shlex.quote(str(self.array.log(0)))}",
            )
        return how

    def _submit_again(self, queue: Queue) -> None:
        """Submit it, unless another command that waits for it has."""
        overwrite = self.array.overwrite and not (self.array.folder / _BEGUN).exists()
        array = _in_queue(self.verb, self.config, queue)
        array = array or _submit(self.verb, self.config, overwrite, ())
        name, job = self.verb.name, self.array.job
        self.progress.say(f"{name}: job {job} died ({self.died}), submitted again")
        self.array, self.gone, self.died = array, 0, ""


def _words(array: Array, state: TaskState) -> tuple[str, str]:
    """How a job stands, and the last that the verb said."""
    reason = "" if state.running or state.reason in ("", "None") else f" ({state.reason})"
    said = [line for line in array.tail(0) if line.startswith(f"{array.stage}:")]
    return f"{array.stage}: job {array.job} {state.state.lower()}{reason}", said[-1] if said else ""


def _result(array: Array) -> dict[str, Any] | None:
    try:
        return dict(json.loads((array.folder / _RESULT).read_text()))
    except (OSError, ValueError):
        return None


def _job(array: Array, result: dict[str, Any] | None = None) -> SingleJob:
    done = result or {"text": "", "data": None}
    return SingleJob(array.job, array.log(0), done["text"], done["data"])


def _finished(verb: Verb, config: Config) -> SingleJob | None:
    """Return the job of these settings that did it, where all is still as it left it."""
    made_of, saved = verb.made_of(config), verb.saved(config)
    for array in reversed(arrays(config.workspace, verb.name)):
        result = _result(array) if array.settings == _settings(verb, config) else None
        if result is not None and made_of is not None:
            same = (result.get("made_of"), result.get("saved")) == (made_of, saved)
            return _job(array, result) if same and saved else None
    return None


def _in_queue(verb: Verb, config: Config, queue: Queue) -> Array | None:
    """Return the living job of these settings; refuses one of others in the same place.

    One that another command is about to submit is waited for until it has a number.
    """
    while True:
        known = [array.numbered(queue) for array in arrays(config.workspace, verb.name)]
        living = [array for array in known if array.alive(queue)]
        for array in living:
            if array.settings != _settings(verb, config):
                who = f"job {array.job}" if array.job else "another command"
                end = f", or end it: scancel {array.job}" if array.job else ""
                raise UsageError(
                    f"{who}: {verb.name} with other settings in {config.workspace} now",
                    f"wait for it{end}",
                )
        numbered = [array for array in living if array.job]
        if numbered or not living:
            return numbered[0] if numbered else None
        pause(config.slurm.poll_seconds)
        queue = look()


def _submit(verb: Verb, config: Config, overwrite: bool, after: tuple[str, ...]) -> Array:
    """Submit the job, or return that of a command that was quicker."""
    workspace = config.workspace.absolute()
    while True:
        prune(workspace, verb.name, look())
        array = Array(
            folder=workspace,
            stage=verb.name,
            settings=_settings(verb, config),
            tasks=[[]],
            config=absolute(config).model_dump(mode="json"),
            overwrite=overwrite,
        )
        mine, unsure = hold(workspace, claim(workspace, array), config.slurm.poll_seconds), None
        try:
            if mine is not None:
                return submit(mine, config.slurm, _asks(verb, config), None, after)
        except UnsureError as error:
            unsure = error
        found = _in_queue(verb, config, look())
        if found is not None:
            return found
        if unsure is not None:
            raise unsure


def _asks(verb: Verb, config: Config) -> SlurmTrainConfig:
    return cast(SlurmTrainConfig, getattr(config.slurm, verb.name))


def _settings(verb: Verb, config: Config) -> str:
    own = getattr(config, verb.name).settings()
    return digest({verb.name: own, "device": config.device})
