"""The record of a submitted job: one folder for each array, below the stage.

    <workspace>/<stage>/slurm/<name>/  array.json          settings, and the shards of every task
                                       task-<k>.log        output of task k
                                       failed/task-<k>.json  error that stopped task k
                                       <job>_submission.sh the sbatch file

The folder's name is part of the job's name in the queue, and the folder is made before the job is
submitted, so that other commands see the reserved shards. A record without a job number that is
not in the queue after `RESERVED_SECONDS` was never submitted. Such records, and arrays whose tasks
have ended, do not block other jobs. `faceprep.execution.slurm.reservation` decides between
concurrent records.
"""

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from faceprep.core.errors import TYPED, Again, FaceprepError, Hint, Shell, UsageError
from faceprep.core.files import write_json
from faceprep.execution.job import Request
from faceprep.execution.slurm.queue import Queue, TaskState, end_state

FOLDER = "slurm"
#: Time for which a record without a job number reserves its shards.
RESERVED_SECONDS = 120.0

#: Most tasks of one array; its folder holds as many logs.
MOST_TASKS = 900
#: Number of ended arrays of a stage that are kept for their logs.
_KEPT = 20
_FILE = "array.json"
_SUBMITTING = TaskState("", "PENDING", "being submitted")
_NOT_IN_A_PATH = "%\\\n"  # sbatch replaces them in the name of a log


def wait_or_end(record: "JobRecord") -> Hint:
    """Return the hint for a command that a living job is in the way of."""
    if not record.job:
        return "wait for it"
    return "wait for it, or:", Shell(("scancel", record.job), note="ends it")


@dataclass(frozen=True)
class JobRecord:
    """A job array over shards of one stage, or the single job of a verb."""

    folder: Path  # folder of the record
    #: Name of the stage, and hash of its settings (`faceprep.execution.plan.config_hash`).
    stage: str
    settings: str
    tasks: list[list[int]]  # shards of every task
    config: dict[str, Any]  # configuration, as JSON
    #: Shard → modification time (ns) of the marker to replace. A shard with another marker has been
    #: made since.
    before: dict[int, int] = field(default_factory=dict)
    #: See `faceprep.execution.plan.Options`.
    overwrite: bool = False
    retry_failed: bool = False
    #: Seconds since the epoch; renewed while sbatch runs.
    created: float = field(default_factory=time.time)
    job: str = ""  # number of the job; empty until Slurm has accepted it
    #: Words of the command that submitted it, for hints.
    typed: list[str] = field(default_factory=lambda: list(TYPED.get()))

    @property
    def name(self) -> str:
        """Name of the folder, the end of the job's name."""
        return self.folder.name

    def log(self, task: int) -> Path:
        """Return the path of a task's log."""
        return self.folder / f"task-{task}.log"

    def tail(self, task: int, lines: int = 12) -> list[str]:
        """Return the last lines of a task's log."""
        try:
            with self.log(task).open("rb") as stream:
                stream.seek(max(stream.seek(0, os.SEEK_END) - 8192, 0))
                text = stream.read().decode(errors="replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def write(self) -> None:
        """Write ``array.json``."""
        plain = {key: value for key, value in asdict(self).items() if key != "folder"}
        write_json(self.folder / _FILE, plain)

    def with_job(self, job: str) -> "JobRecord":
        """Record the job number; ignore write errors, because the queue has it too."""
        record = replace(self, job=job)
        with contextlib.suppress(OSError):
            record.write()
        return record

    def with_job_of(self, queue: Queue) -> "JobRecord":
        """Return the record with the job number from the queue if it has none yet."""
        known = "" if self.job else next((s.job for s in self.states(queue).values()), "")
        return replace(self, job=known) if known else self

    def renewed(self) -> "JobRecord":
        """Restart the time of the reservation."""
        record = replace(self, created=time.time())
        with contextlib.suppress(OSError):
            record.write()
        return record

    def remove(self) -> None:
        """Remove the record, and with it the reservation."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_error(self, task: int, message: str, hint: str | None, exit_code: int) -> None:
        """Write the error that stopped a task, for the waiting command."""
        note = {"message": message, "hint": hint, "exit_code": exit_code}
        with contextlib.suppress(OSError):
            self._error_path(task).parent.mkdir(exist_ok=True)
            write_json(self._error_path(task), note)

    def clear_error(self, task: int) -> None:
        """Remove the error of a task that runs again."""
        self._error_path(task).unlink(missing_ok=True)

    def error(self, task: int) -> FaceprepError | None:
        """Return the error that stopped a task, if it wrote one."""
        try:
            note = json.loads(self._error_path(task).read_text())
        except (OSError, ValueError):
            return None
        error = FaceprepError(str(note.get("message")), note.get("hint"))
        error.exit_code = int(note.get("exit_code", 1))
        return error

    def _error_path(self, task: int) -> Path:
        return self.folder / "failed" / f"task-{task}.json"

    def states(self, queue: Queue) -> dict[int, TaskState]:
        """Return task → state of the tasks that Slurm lists or is about to list."""
        known = queue.get(self.name)
        if known is not None:
            return known
        if abs(time.time() - self.created) < RESERVED_SECONDS:
            return dict.fromkeys(range(len(self.tasks)), _SUBMITTING)
        return {}

    def alive(self, queue: Queue) -> dict[int, TaskState]:
        """Return task → state of running and waiting tasks."""
        return {task: state for task, state in self.states(queue).items() if state.alive}

    def state(self, queue: Queue, task: int) -> str:
        """Return Slurm's name of the current or final state of a task."""
        state = self.states(queue).get(task)
        return state.state if state else end_state(self.job, task) or "gone from the queue"


def create_record(workspace: Path, record: JobRecord, request: Request | None = None) -> JobRecord:
    """Create the record and the folder of a job before its submission.

    `request`: data that its tasks need besides the configuration.
    Raises `UsageError`: Slurm would write the logs elsewhere.
    Raises `FaceprepError`: the folder cannot be written.
    """
    strange = sorted(set(_NOT_IN_A_PATH) & set(str(workspace)))
    if strange:
        raise UsageError(
            f"Slurm cannot write its logs below {str(workspace)!r}: {strange[0]!r} means something"
            " else to it",
            "rename the folder, or choose another with --workspace",
        )
    stamp = time.strftime("%y%m%d-%H%M%S", time.gmtime(record.created))
    folder = workspace / record.stage / FOLDER
    name = record.stage.replace("/", "-")
    named = replace(record, folder=folder / f"{name}-{stamp}-{secrets.token_hex(3)}")
    try:
        named.folder.mkdir(parents=True)
        if request is not None:
            request.write(named.folder)
        named.write()
    except OSError as error:
        raise FaceprepError(
            f"cannot write below {folder}: {error.strerror}",
            Again(note="when there is space, and the right to write"),
        ) from error
    return named


def read_record(folder: Path) -> JobRecord:
    """Return the record of a folder.

    Raises
    ------
    OSError, ValueError, TypeError, KeyError
        If there is none.
    """
    values = json.loads((folder / _FILE).read_text())
    values["before"] = {int(shard): stamp for shard, stamp in values["before"].items()}
    return JobRecord(folder=folder, **values)


def read_records(workspace: Path, stage: str) -> list[JobRecord]:
    """Return every readable record of a stage, oldest first."""
    folder = workspace / stage / FOLDER
    found = []
    for entry in folder.iterdir() if folder.is_dir() else []:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found.append(read_record(entry))
    # Names hold whole seconds only.
    return sorted(found, key=lambda record: (record.created, record.name))


class LivingTask(NamedTuple):
    """A running or waiting task, with the record of its job."""

    record: JobRecord
    task: int
    state: TaskState


def living_tasks(records: Sequence[JobRecord], queue: Queue) -> dict[int, LivingTask]:
    """Return shard → living task that makes it."""
    return {
        shard: LivingTask(record, task, state)
        for record in (each.with_job_of(queue) for each in records)
        for task, state in record.alive(queue).items()
        if task < len(record.tasks)
        for shard in record.tasks[task]
    }


def remove_old_records(workspace: Path, stage: str, queue: Queue) -> None:
    """Remove the folders of old ended jobs and of incomplete records."""
    ended = [record for record in read_records(workspace, stage) if not record.alive(queue)]
    for record in ended[:-_KEPT]:
        record.remove()
    for folder in (workspace / stage / FOLDER).glob("*/"):
        with contextlib.suppress(OSError):
            old = time.time() - folder.stat().st_mtime > 10 * RESERVED_SECONDS
            if old and not (folder / _FILE).exists():
                shutil.rmtree(folder, ignore_errors=True)
