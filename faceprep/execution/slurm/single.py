"""Run a verb as a single job, which is requeued before its time limit until it is done."""

import time

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError, Hint, Shell, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.slurm.engine import RETRIES, SILENT_POLLS
from faceprep.execution.slurm.job_record import JobRecord
from faceprep.execution.slurm.queue import Queue, QueueError, TaskState, read_queue
from faceprep.execution.slurm.sbatch import SubmitError
from faceprep.execution.slurm.verb import (
    SingleJob,
    Verb,
    finished_job,
    job_in_queue,
    overwrites,
    read_result,
    single_job,
    submit_verb,
)

_GRACE_POLLS = 3


def run(
    verb: Verb,
    config: Config,
    progress: Progress,
    *,
    overwrite: bool = False,
    wait: bool = True,
    after: tuple[str, ...] = (),
) -> SingleJob:
    """Run a verb as a single job.

    If a job of the same verb and settings is in the queue, wait for it; a finished one is not
    repeated. A job that dies is resubmitted until it has died `RETRIES` times in a row without
    saving anything new. If Slurm does not answer, or refuses the resubmission, retry
    `SILENT_POLLS` times.

    Parameters
    ----------
    overwrite
        Restart from the beginning.
    wait
        Wait until the job is done; otherwise submit it and return.
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
    record = job_in_queue(verb, config, read_queue())
    if record is not None and overwrite and not record.overwrite:
        raise UsageError(
            f"job {record.job} continues an earlier training; --overwrite cannot change that",
            (
                Again({"overwrite": False}, note="waits for it"),
                Shell(("scancel", record.job), note="ends it"),
            ),
        )
    if record is None and not (overwrite or after):
        done = finished_job(verb, config)
        if done is not None:
            progress.say(f"{verb.name}: finished before by job {done.job}; --overwrite repeats it")
            return done
        verb.check(config)
    record = record or submit_verb(verb, config, overwrite, after)
    return _wait(_Watch(verb, config, record, progress)) if wait else single_job(record)


def _wait(watch: "_Watch") -> SingleJob:
    """Poll a job until it is done."""
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
    """A job that a command waits for, and resubmits if it has died."""

    def __init__(self, verb: Verb, config: Config, record: JobRecord, progress: Progress) -> None:
        self.verb, self.config, self.record, self.progress = verb, config, record, progress
        self.saved = verb.saved(config)
        self.tries = self.gone = 0
        self.died = ""

    def look(self) -> SingleJob | None:
        """Poll the job once; return it if it is done.

        Raises `QueueError`, `SubmitError`: Slurm temporarily does not answer, or refuses the
            resubmission.
        Raises `FaceprepError`: the verb raised an error, or the job must not be resubmitted.
        """
        queue = read_queue()  # before the result, so that a job that ends in between counts as done
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
        """Return the job with the output of the verb, once it is written."""
        result = read_result(self.record)
        return None if result is None else single_job(self.record, result)

    def how_to_come_back(self) -> Hint:
        """Return the commands to continue after Ctrl-C, or to end the job."""
        job = self.record.job
        if self.died:
            again = Again({"overwrite": False}, note="resumes after its last checkpoint")
            return f"job {job} died ({self.died})", again
        return (
            f"job {job} continues",
            Again({"overwrite": False}, note="waits for it again"),
            Shell(("scancel", job), note="ends it"),
        )

    def _cause_of_death(self, queue: Queue) -> str:
        """Return the cause of death; raise an error if the job must not be resubmitted."""
        error = self.record.error(0)
        if error is not None:
            raise error
        how, job = self.record.state(queue, 0), self.record.job
        if how.startswith("CANCELLED"):
            raise FaceprepError(
                f"job {job} was cancelled",
                Again({"overwrite": False}, note="resumes after its last checkpoint"),
            )
        saved = self.verb.saved(self.config)
        self.tries, self.saved = (self.tries + 1 if saved == self.saved else 1), saved
        if self.tries > RETRIES:
            raise FaceprepError(
                f"job {job} died {self.tries} times and saved nothing new: {how}",
                Shell(("tail", str(self.record.log(0)))),
            )
        return how

    def _submit_again(self, queue: Queue) -> None:
        """Resubmit the job, unless another waiting command has done so."""
        overwrite = overwrites(self.record)
        record = job_in_queue(self.verb, self.config, queue)
        record = record or submit_verb(self.verb, self.config, overwrite, ())
        name, job = self.verb.name, self.record.job
        self.progress.say(f"{name}: job {job} died ({self.died}), submitted again")
        self.record, self.gone, self.died = record, 0, ""


def _state_words(record: JobRecord, state: TaskState) -> tuple[str, str]:
    """Return the state of a job, and the last line of the verb's log."""
    reason = "" if state.running or state.reason in ("", "None") else f" ({state.reason})"
    said = [line for line in record.tail(0) if line.startswith(f"{record.stage}:")]
    words = f"{record.stage}: job {record.job} {state.state.lower()}{reason}"
    return words, said[-1] if said else ""
