"""What Slurm's own commands say about our jobs."""

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
#: Every job of ours begins so; what follows is the name of its folder.
PREFIX = "faceprep-"

_DEFAULT_ARRAY = 1001  # Slurm's own MaxArraySize
_SECONDS = 60
_WIDTH = 79  # of what is said of an outage
_SHOW = "sinfo shows whether the controller answers"
#: What they make of sbatch and squeue is not what we told them, or not what we look for; an array
#: task that submits a job would lend it its own number.
_MISLEADING = re.compile(
    r"SQUEUE_\w+|SLURM_ARRAY_\w+"
    r"|SBATCH_(ARRAY_INX|CLUSTERS|ERROR|JOB_NAME|NO_REQUEUE|OUTPUT|SIGNAL|WAIT)"
)
_SAYS_WHO = re.compile(r"^\w+: ((error|fatal): )?")

_answered = threading.Event()  # by Slurm, in this process: an outage after that will pass


class QueueError(FaceprepError):
    """Slurm does not answer now; it may in a minute."""


@dataclass(frozen=True)
class TaskState:
    """One task of an array, or a job without an array (task 0).

    Attributes
    ----------
    job
        Number of the array's job, for scancel.
    state, reason
        In Slurm's words.
    """

    job: str
    state: str
    reason: str = ""

    @property
    def alive(self) -> bool:
        """Whether it runs, or may still run."""
        return self.state not in ENDED

    @property
    def running(self) -> bool:
        """Whether it is on a node."""
        return self.alive and self.state not in ("PENDING", "REQUEUED", "REQUEUE_HOLD")


Queue = dict[str, dict[int, TaskState]]


def look() -> Queue:
    """Return all our jobs that Slurm still knows: array's name → task → state.

    Raises
    ------
    MissingToolError
        When there is no squeue here, or no controller that ever answered.
    QueueError
        When Slurm does not answer any more.
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


def how_it_ended(job: str, task: int) -> str | None:
    """State of a task that squeue has forgotten; ``None`` without Slurm's accounting."""
    ends = how_they_ended([job])
    return ends.get(f"{job}_{task}") or ends.get(job)


def how_they_ended(jobs: Sequence[str]) -> dict[str, str]:
    """``job_task`` or job → how it ended, of all asked for; empty without Slurm's accounting."""
    words = ("--allocations", "--noheader", "--parsable2", "--format=JobID,State")
    try:
        lines = ask("sacct", *words, f"--jobs={','.join(jobs)}").splitlines()
    except FaceprepError:
        return {}
    pairs = (line.split("|", 1) for line in lines if "|" in line)
    return {job: state.split()[0] for job, state in pairs if state}


def environment() -> dict[str, str]:
    """Return the environment for Slurm's commands: ours, but for what would mislead them."""
    return {key: value for key, value in os.environ.items() if not _MISLEADING.fullmatch(key)}


def ask(*command: str) -> str:
    """Run one of Slurm's commands; return what it prints.

    Raises
    ------
    MissingToolError
        When it is not installed, or fails before Slurm has answered anything.
    QueueError
        When it fails later.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=_SECONDS,
            env=environment(),
        )
    except FileNotFoundError:
        raise MissingToolError(
            f"no {command[0]}: this is not a machine of a Slurm cluster",
            "type the command on a login node, or use --engine local",
        ) from None
    except subprocess.TimeoutExpired:
        raise _silent(command[0], f"nothing within {_SECONDS} s") from None
    if done.returncode:
        raise _silent(command[0], done.stderr.strip() or f"exit code {done.returncode}")
    _answered.set()
    return done.stdout


def _silent(program: str, words: str) -> FaceprepError:
    """Error for a command that failed, with the first line of what it said."""
    said = _SAYS_WHO.sub("", words.splitlines()[0])
    line = textwrap.shorten(f"Slurm does not answer {program}: {said}", _WIDTH, placeholder=" …")
    if _answered.is_set():
        return QueueError(line, f"{_SHOW}; the same command goes on where it was")
    return MissingToolError(line, f"{_SHOW}; --engine local works without one")
