"""What was submitted: one folder an array, below the stage.

    <workspace>/<stage>/slurm/<array>/  array.json          settings, and the shards of every task
                                        errand.pickle       what the settings do not say
                                        task-<k>.log        what task k printed
                                        failed/task-<k>.json  an error that stopped task k
                                        <job>_submission.sh the sbatch file

The folder's name is part of the job's name in the queue, and it is made before the job is
submitted: whoever comes meanwhile sees the claim. A claim that is in no queue after `CLAIM_SECONDS`
was never submitted, an array whose tasks have ended is history; neither stands in anyone's way.
Which of two claims made at the same moment holds is for `faceprep.execution.slurm.claims` to say.
"""

import contextlib
import json
import os
import pickle
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import write_json
from faceprep.execution.job import Errand
from faceprep.execution.slurm.queue import Queue, TaskState, how_it_ended

FOLDER = "slurm"
CLAIM_SECONDS = 120.0

#: Tasks of one array: as many logs lie in its folder.
MOST_TASKS = 900
#: Arrays of a stage that are kept for their logs.
_KEPT = 20
_FILE = "array.json"
_ERRAND = "errand.pickle"
_SUBMITTING = TaskState("", "PENDING", "being submitted")
_NOT_IN_A_PATH = "%\\\n"  # sbatch makes something else of them in the name of a log


@dataclass(frozen=True)
class Array:
    """A job array over shards of one stage (or the job of a training).

    Attributes
    ----------
    folder
        Its own; see the module.
    stage, settings
        What it makes, and the hash of the settings (`faceprep.execution.plan.config_hash`).
    tasks
        Shards of every task.
    config
        The configuration, as JSON.
    before
        Shard → when the marker was written that is to be replaced; a shard whose marker is another
        one was made since.
    overwrite, retry_failed
        As `faceprep.execution.options.Options`.
    created
        Seconds since the epoch; as long as sbatch runs, when that was last seen.
    job
        Number of the job; empty until Slurm has taken it.
    """

    folder: Path
    stage: str
    settings: str
    tasks: list[list[int]]
    config: dict[str, Any]
    before: dict[int, int] = field(default_factory=dict)
    overwrite: bool = False
    retry_failed: bool = False
    created: float = field(default_factory=time.time)
    job: str = ""

    @property
    def name(self) -> str:
        """Name of its folder; the job's name ends in it."""
        return self.folder.name

    def log(self, task: int) -> Path:
        """What a task printed."""
        return self.folder / f"task-{task}.log"

    def tail(self, task: int, lines: int = 12) -> list[str]:
        """Last lines of that."""
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

    def with_job(self, job: str) -> "Array":
        """Note the number that Slurm gave it; where that cannot be written, the queue says it."""
        array = replace(self, job=job)
        with contextlib.suppress(OSError):
            array.write()
        return array

    def renewed(self) -> "Array":
        """Let a claim count from now on."""
        array = replace(self, created=time.time())
        with contextlib.suppress(OSError):
            array.write()
        return array

    def numbered(self, queue: Queue) -> "Array":
        """Return it with its number, when the queue knows one that nobody lived to note."""
        known = "" if self.job else next((s.job for s in self.states(queue).values()), "")
        return replace(self, job=known) if known else self

    def give(self, errand: Errand) -> None:
        """Leave the tasks what they do in place of `faceprep.execution.runner.run_stage`.

        A pickle: it lives as long as the job, and holds what was trained for it.
        """
        (self.folder / _ERRAND).write_bytes(pickle.dumps(errand))

    def errand(self) -> Errand | None:
        """What was left; None where the stage says it all."""
        path = self.folder / _ERRAND
        return pickle.loads(path.read_bytes()) if path.exists() else None

    def remove(self) -> None:
        """Take a claim back."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_error(self, task: int, error: FaceprepError) -> None:
        """Leave word of an error that stopped a task, for whoever waits."""
        note = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        with contextlib.suppress(OSError):
            self._error(task).parent.mkdir(exist_ok=True)
            write_json(self._error(task), note)

    def clear_error(self, task: int) -> None:
        """Take that word back: the task runs again."""
        self._error(task).unlink(missing_ok=True)

    def error(self, task: int) -> FaceprepError | None:
        """What stopped a task, when it was an error of ours."""
        try:
            note = json.loads(self._error(task).read_text())
        except (OSError, ValueError):
            return None
        error = FaceprepError(str(note.get("message")), note.get("hint"))
        error.exit_code = int(note.get("exit_code", 1))
        return error

    def _error(self, task: int) -> Path:
        return self.folder / "failed" / f"task-{task}.json"

    def states(self, queue: Queue) -> dict[int, TaskState]:
        """Task → its state, of those that Slurm knows, or is about to."""
        known = queue.get(self.name)
        if known is not None:
            return known
        if abs(time.time() - self.created) < CLAIM_SECONDS:
            return dict.fromkeys(range(len(self.tasks)), _SUBMITTING)
        return {}

    def alive(self, queue: Queue) -> dict[int, TaskState]:
        """Task → its state, of those that run or wait."""
        return {task: state for task, state in self.states(queue).items() if state.alive}

    def end(self, queue: Queue, task: int) -> str:
        """How a task is, or how it ended, in Slurm's words."""
        state = self.states(queue).get(task)
        return state.state if state else how_it_ended(self.job, task) or "gone from the queue"


def claim(workspace: Path, array: Array, errand: Errand | None = None) -> Array:
    """Make the folder of an array that is about to be submitted; its name is chosen here.

    Parameters
    ----------
    errand
        What its tasks do; None: what the stage says.

    Raises
    ------
    UsageError
        When Slurm would write its logs elsewhere.
    FaceprepError
        When it cannot be written.
    """
    strange = sorted(set(_NOT_IN_A_PATH) & set(str(workspace)))
    if strange:
        raise UsageError(
            f"Slurm cannot write its logs below {str(workspace)!r}: {strange[0]!r} means something"
            " else to it",
            "rename the folder, or choose another place with --workspace DIR",
        )
    stamp = time.strftime("%y%m%d-%H%M%S", time.gmtime(array.created))
    folder = workspace / array.stage / FOLDER
    name = array.stage.replace("/", "-")
    named = replace(array, folder=folder / f"{name}-{stamp}-{secrets.token_hex(3)}")
    try:
        named.folder.mkdir(parents=True)
        named.write()
        if errand is not None:
            named.give(errand)
    except OSError as error:
        raise FaceprepError(
            f"cannot write below {folder}: {error.strerror}",
            "free space or change rights, then type the same command again",
        ) from error
    return named


def read(folder: Path) -> Array:
    """Return the array of a folder; ValueError, OSError or TypeError when there is none."""
    values = json.loads((folder / _FILE).read_text())
    values["before"] = {int(shard): stamp for shard, stamp in values["before"].items()}
    return Array(folder=folder, **values)


def arrays(workspace: Path, stage: str) -> list[Array]:
    """Every array of a stage whose folder can be read, oldest first."""
    folder = workspace / stage / FOLDER
    found = []
    for entry in folder.iterdir() if folder.is_dir() else []:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found.append(read(entry))
    return sorted(found, key=lambda array: (array.created, array.name))  # names know seconds only


def in_flight(of: Sequence[Array], queue: Queue) -> dict[int, tuple[Array, int, TaskState]]:
    """Shard → the living task that has it; its array with the number that the queue knows."""
    return {
        shard: (array, task, state)
        for array in (each.numbered(queue) for each in of)
        for task, state in array.alive(queue).items()
        if task < len(array.tasks)
        for shard in array.tasks[task]
    }


def prune(workspace: Path, stage: str, queue: Queue) -> None:
    """Remove the folders of old arrays that have ended, and of claims that were never written."""
    ended = [array for array in arrays(workspace, stage) if not array.alive(queue)]
    for array in ended[:-_KEPT]:
        shutil.rmtree(array.folder, ignore_errors=True)
    for folder in (workspace / stage / FOLDER).glob("*/"):
        with contextlib.suppress(OSError):
            old = time.time() - folder.stat().st_mtime > 10 * CLAIM_SECONDS
            if old and not (folder / _FILE).exists():
                shutil.rmtree(folder, ignore_errors=True)


def groups(seconds: Mapping[int, float], minutes: float, at_once: int = 1) -> Iterator[list[int]]:
    """Put shards together so that a task takes about as long as wanted, and all about equally long.

    Parameters
    ----------
    seconds
        Shard → how long it will take on one core.
    minutes
        Aim for a task.
    at_once
        Shards that a task makes at the same time.
    """
    total = sum(seconds.values())
    tasks = min(max(-(-total // (minutes * 60 * at_once)), 1), len(seconds))
    share, taken, group = total / tasks if tasks else 0.0, 0.0, list[int]()
    ends = 1
    for shard in sorted(seconds):
        if group and taken + seconds[shard] / 2 > ends * share:
            yield group
            group, ends = [], ends + 1
        group.append(shard)
        taken += seconds[shard]
    if group:
        yield group
