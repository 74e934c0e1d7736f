"""The state of our jobs, as Slurm's own commands report it."""

import os
import re
import subprocess
import textwrap
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from faceprep.core.errors import FaceprepError, MissingToolError

#: Job states in which a task will not run any more (squeue(1), JOB STATE CODES).
ENDED = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    }
)
#: Start of the name of each of our jobs; the name of the job's folder follows.
PREFIX = "faceprep-"

_DEFAULT_ARRAY = 1001  # Slurm's default MaxArraySize
_TIMEOUT_SECONDS = 60
_WIDTH = 79  # of the message about an outage
_SHOW = "sinfo shows whether the controller answers"
#: Variables that change what sbatch does or what squeue prints. A task of an array that submits a
#: job would also pass on its own task number.
_MISLEADING = re.compile(
    r"SQUEUE_\w+|SLURM_ARRAY_\w+"
    r"|SBATCH_(ARRAY_INX|CLUSTERS|ERROR|JOB_NAME|NO_REQUEUE|OUTPUT|SIGNAL|WAIT)"
)
_PROGRAM_NAME = re.compile(r"^\w+: ((error|fatal): )?")

#: Set once Slurm has answered this process: an outage after that is taken to be temporary.
_answered = threading.Event()


class QueueError(FaceprepError):
    """Slurm does not answer now; it may answer in a minute."""


@dataclass(frozen=True)
class TaskState:
    """State of one task of an array, or of a job without an array (task 0).

    Attributes
    ----------
    job
        Number of the array's job, for scancel.
    state, reason
        As squeue prints them.
    """

    job: str
    state: str
    reason: str = ""

    @property
    def alive(self) -> bool:
        """Whether the task runs, or may still run."""
        return self.state not in ENDED

    @property
    def running(self) -> bool:
        """Whether the task is on a node."""
        return self.alive and self.state not in ("PENDING", "REQUEUED", "REQUEUE_HOLD")


#: Name of a job's folder → task → state.
Queue = dict[str, dict[int, TaskState]]


def read_queue() -> Queue:
    """Return all our jobs that Slurm still knows.

    Raises
    ------
    MissingToolError
        If there is no squeue here, or the controller has never answered.
    QueueError
        If Slurm does not answer any more.
    """
    words = ("--noheader", "--array", "--states=all", f"--user={os.getuid()}")
    queue: Queue = {}
    for line in ask("squeue", *words, "--format=%F|%K|%T|%j|%r").splitlines():
        job, index, state, name, reason = (line.split("|", 4) + [""] * 5)[:5]
        if name.startswith(PREFIX):
            task = int(index) if index.isdigit() else 0
            queue.setdefault(name.removeprefix(PREFIX), {})[task] = TaskState(job, state, reason)
    return queue


def largest_array() -> int:
    """Return how many tasks an array of this cluster may have."""
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"), re.MULTILINE)
    return max(int(match[1]), 1) if match else _DEFAULT_ARRAY


def end_state(job: str, task: int) -> str | None:
    """Return the final state of a task that squeue has forgotten; None without accounting."""
    ends = end_states([job])
    return ends.get(f"{job}_{task}") or ends.get(job)


def end_states(jobs: Sequence[str]) -> dict[str, str]:
    """Return ``job_task`` or job → final state of several jobs; empty without accounting."""
    words = ("--allocations", "--noheader", "--parsable2", "--format=JobID,State")
    try:
        lines = ask("sacct", *words, f"--jobs={','.join(jobs)}").splitlines()
    except FaceprepError:
        return {}
    pairs = (line.split("|", 1) for line in lines if "|" in line)
    return {job: state.split()[0] for job, state in pairs if state}


def environment() -> dict[str, str]:
    """Return our environment without the variables that would mislead Slurm's commands."""
    return {key: value for key, value in os.environ.items() if not _MISLEADING.fullmatch(key)}


def ask(*command: str) -> str:
    """Run one of Slurm's commands, and return what it prints.

    Raises
    ------
    MissingToolError
        If it is not installed, or fails before Slurm has answered any command.
    QueueError
        If it fails later.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=_TIMEOUT_SECONDS,
            env=environment(),
        )
    except FileNotFoundError:
        raise no_slurm(command[0]) from None
    except subprocess.TimeoutExpired:
        raise _no_answer(command[0], f"nothing within {_TIMEOUT_SECONDS} s") from None
    if done.returncode:
        raise _no_answer(command[0], done.stderr.strip() or f"exit code {done.returncode}")
    _answered.set()
    return done.stdout


def no_slurm(program: str) -> MissingToolError:
    """Return the error for a machine that lacks one of Slurm's commands."""
    return MissingToolError(
        f"no {program}: this is not a machine of a Slurm cluster",
        "type the command on a login node, or use --engine local",
    )


def _no_answer(program: str, words: str) -> FaceprepError:
    """Return the error for a command that failed, with the first line of its message."""
    said = _PROGRAM_NAME.sub("", words.splitlines()[0])
    line = textwrap.shorten(f"Slurm does not answer {program}: {said}", _WIDTH, placeholder=" …")
    if _answered.is_set():
        return QueueError(line, f"{_SHOW}; the same command goes on where it was")
    return MissingToolError(line, f"{_SHOW}; --engine local works without one")
