"""A verb as one job, which is requeued before its time limit until it is done."""

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faceprep.config import Config, SlurmTrainConfig
from faceprep.config.section import absolute
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import digest, write_json
from faceprep.core.progress import Progress
from faceprep.execution.slurm.engine import RETRIES, SILENT_POLLS
from faceprep.execution.slurm.job_record import JobRecord, read_records, remove_old_records
from faceprep.execution.slurm.queue import Queue, QueueError, TaskState, read_queue
from faceprep.execution.slurm.reservation import pause, reserve
from faceprep.execution.slurm.sbatch import SubmitError, UnsureError, submit

_RESULT = "result.json"
_BEGUN = "begun"
_GRACE_POLLS = 3


@dataclass(frozen=True)
class Verb:
    """A verb that Slurm runs as one job.

    Attributes
    ----------
    name
        Name of the verb, of its section, of its section below ``[slurm]``, and of its folder in
        the workspace.
    saved
        Returns a number that changes whenever more is saved to continue from; 0 if nothing is.
    inputs
        Returns what the verb reads, JSON-ready; None if that takes long to find out.
    """

    name: str
    saved: Callable[[Config], int]
    inputs: Callable[[Config], dict[str, Any] | None]


@dataclass(frozen=True)
class SingleJob:
    """A job in the queue, or one that has ended.

    Attributes
    ----------
    job, log
        Number of the job, and the path of its log.
    text, data
        What the verb printed, and prints with ``--json``; empty and None until it is done.
    """

    job: str
    log: Path
    text: str = ""
    data: dict[str, Any] | None = None


def run(
    verb: Verb,
    config: Config,
    progress: Progress,
    *,
    overwrite: bool = False,
    wait: bool = True,
    after: tuple[str, ...] = (),
) -> SingleJob:
    """Run a verb as one job.

    If a job of the same verb and settings is in the queue, wait for that one; do not repeat what
    such a job has done. A job that dies is submitted again, until it has died `RETRIES` times in a
    row without saving anything new. If Slurm does not answer, or does not take the job again, ask
    `SILENT_POLLS` more times.

    Parameters
    ----------
    overwrite
        Do it again from the beginning.
    wait
        Wait until it is done; otherwise submit the job and return.
    after
        Numbers of jobs that must have ended first.

    Raises
    ------
    UsageError
        If the verb is in the queue for this workspace with other settings, or without
        ``overwrite``.
    MissingToolError, FaceprepError
        As `faceprep.execution.slurm.sbatch.submit`, and any error of the verb itself.
    KeyboardInterrupt
        After SIGINT, with the number of the job, which continues.
    """
    record = _in_queue(verb, config, read_queue())
    if record is not None and overwrite and not record.overwrite:
        raise UsageError(
            f"job {record.job} goes on with what is there; --overwrite comes too late for it",
            f"without --overwrite it is waited for; scancel {record.job} ends it",
        )
    if record is None and not (overwrite or after):
        done = _finished(verb, config)
        if done is not None:
            progress.say(
                f"{verb.name}: finished before by job {done.job}; --overwrite does it anew"
            )
            return done
    record = record or _submit(verb, config, overwrite, after)
    return _wait(_Watch(verb, config, record, progress)) if wait else _job(record)


def begin(record: JobRecord) -> bool:
    """Note on the node that a job has begun; return whether it is to overwrite what is there.

    A job that runs again continues with what it has made itself.
    """
    begun = record.folder / _BEGUN
    overwrite = record.overwrite and not begun.exists()
    begun.touch()
    return overwrite


def write_result(
    record: JobRecord, text: str, data: dict[str, Any], inputs: dict[str, Any] | None, saved: int
) -> None:
    """Write what a verb printed, for the command that waits for it.

    Parameters
    ----------
    inputs, saved
        As `Verb`, when the verb began and when it ended.
    """
    result = {"text": text, "data": data, "made_of": inputs, "saved": saved}
    write_json(record.folder / _RESULT, result)


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
    """A job that a command waits for, and submits again if it has died."""

    def __init__(self, verb: Verb, config: Config, record: JobRecord, progress: Progress) -> None:
        self.verb, self.config, self.record, self.progress = verb, config, record, progress
        self.saved = verb.saved(config)
        self.tries = self.gone = 0
        self.died = ""

    def look(self) -> SingleJob | None:
        """Look at the job once; return it when it is done.

        Raises
        ------
        QueueError, SubmitError
            If Slurm does not answer, or does not take the job again, now.
        FaceprepError
            Any error of the verb, or if the job is not to be submitted again.
        """
        queue = read_queue()  # before the result: what ends in between is done, not dead
        done = self.done()
        if done is not None:
            return done
        state = self.record.alive(queue).get(0)
        if state is not None:
            self.gone, self.died = 0, ""
            self.progress.status(*_state_words(self.record, state))
            return None
        self.gone += 1
        if self.gone > _GRACE_POLLS:
            self.died = self.died or self._cause_of_death(queue)
            self._submit_again(queue)
        return None

    def done(self) -> SingleJob | None:
        """Return the job with what the verb printed, once that is written."""
        result = _result(self.record)
        return None if result is None else _job(self.record, result)

    def how_to_come_back(self) -> str:
        """Return what to type after Ctrl-C."""
        job = self.record.job
        if self.died:
            return f"job {job} died ({self.died}); the same command goes on there"
        return f"job {job} goes on; the same command waits for it again, scancel {job} ends it"

    def _cause_of_death(self, queue: Queue) -> str:
        """Return how the job died; raise an error if it is not to be submitted again."""
        error = self.record.error(0)
        if error is not None:
            raise error
        how, job = self.record.state(queue, 0), self.record.job
        if how.startswith("CANCELLED"):
            raise FaceprepError(
                f"job {job} was cancelled", "type the same command again; it goes on there"
            )
        saved = self.verb.saved(self.config)
        self.tries, self.saved = (self.tries + 1 if saved == self.saved else 1), saved
        if self.tries > RETRIES:
            raise FaceprepError(
                f"job {job} died {self.tries} times and saved nothing new: {how}",
                f"tail {shlex.quote(str(self.record.log(0)))}",
            )
        return how

    def _submit_again(self, queue: Queue) -> None:
        """Submit the job again, unless another command that waits for it has done so."""
        overwrite = self.record.overwrite and not (self.record.folder / _BEGUN).exists()
        record = _in_queue(self.verb, self.config, queue)
        record = record or _submit(self.verb, self.config, overwrite, ())
        name, job = self.verb.name, self.record.job
        self.progress.say(f"{name}: job {job} died ({self.died}), submitted again")
        self.record, self.gone, self.died = record, 0, ""


def _state_words(record: JobRecord, state: TaskState) -> tuple[str, str]:
    """Return the state of a job, and the last line that the verb printed about itself."""
    reason = "" if state.running or state.reason in ("", "None") else f" ({state.reason})"
    said = [line for line in record.tail(0) if line.startswith(f"{record.stage}:")]
    words = f"{record.stage}: job {record.job} {state.state.lower()}{reason}"
    return words, said[-1] if said else ""


def _result(record: JobRecord) -> dict[str, Any] | None:
    try:
        return dict(json.loads((record.folder / _RESULT).read_text()))
    except (OSError, ValueError):
        return None


def _job(record: JobRecord, result: dict[str, Any] | None = None) -> SingleJob:
    done = result or {"text": "", "data": None}
    return SingleJob(record.job, record.log(0), done["text"], done["data"])


def _finished(verb: Verb, config: Config) -> SingleJob | None:
    """Return the job of these settings that did it, if inputs and results are unchanged since."""
    inputs, saved = verb.inputs(config), verb.saved(config)
    for record in reversed(read_records(config.workspace, verb.name)):
        result = _result(record) if record.settings == _settings(verb, config) else None
        if result is not None and inputs is not None:
            same = (result.get("made_of"), result.get("saved")) == (inputs, saved)
            return _job(record, result) if same and saved else None
    return None


def _in_queue(verb: Verb, config: Config, queue: Queue) -> JobRecord | None:
    """Return the living job of these settings; wait if another command is about to submit it.

    Raises
    ------
    UsageError
        If a job of other settings is in the queue.
    """
    while True:
        known = [record.with_job_of(queue) for record in read_records(config.workspace, verb.name)]
        living = [record for record in known if record.alive(queue)]
        for record in living:
            if record.settings != _settings(verb, config):
                who = f"job {record.job}" if record.job else "another command"
                end = f", or end it: scancel {record.job}" if record.job else ""
                raise UsageError(
                    f"{who}: {verb.name} with other settings in {config.workspace} now",
                    f"wait for it{end}",
                )
        numbered = [record for record in living if record.job]
        if numbered or not living:
            return numbered[0] if numbered else None
        pause(config.slurm.poll_seconds)
        queue = read_queue()


def _submit(verb: Verb, config: Config, overwrite: bool, after: tuple[str, ...]) -> JobRecord:
    """Submit the job, or return that of another command that was faster."""
    workspace = config.workspace.absolute()
    while True:
        remove_old_records(workspace, verb.name, read_queue())
        record = JobRecord(
            folder=workspace,
            stage=verb.name,
            settings=_settings(verb, config),
            tasks=[[]],
            config=absolute(config).model_dump(mode="json"),
            overwrite=overwrite,
        )
        mine, unsure = reserve(workspace, record, config.slurm.poll_seconds), None
        try:
            if mine is not None:
                resources = cast(SlurmTrainConfig, getattr(config.slurm, verb.name))
                return submit(mine, config.slurm, resources, None, after)
        except UnsureError as error:
            unsure = error
        found = _in_queue(verb, config, read_queue())
        if found is not None:
            return found
        if unsure is not None:
            raise unsure


def _settings(verb: Verb, config: Config) -> str:
    own = getattr(config, verb.name).settings()
    return digest({verb.name: own, "device": config.device})
