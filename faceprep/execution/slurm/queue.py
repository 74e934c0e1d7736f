"""The state of our jobs, read with Slurm's commands."""

import os
import re
import subprocess
import textwrap
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from faceprep.core.errors import Again, FaceprepError, MissingToolError, Shell

#: Final job states (squeue(1), JOB STATE CODES).
ENDED = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    }
)
#: Prefix of the names of our jobs, followed by the name of the job's folder.
PREFIX = "faceprep-"

_DEFAULT_ARRAY = 1001  # Slurm's default MaxArraySize
_TIMEOUT_SECONDS = 60
_WIDTH = 79  # of the message about an outage
_SHOW = Shell(("sinfo",), note="shows whether the controller answers")
#: Variables that change the behaviour of sbatch or the output of squeue. An array task that submits
#: a job would also pass on its task number.
_MISLEADING = re.compile(
    r"SQUEUE_\w+|SLURM_ARRAY_\w+"
    r"|SBATCH_(ARRAY_INX|CLUSTERS|ERROR|JOB_NAME|NO_REQUEUE|OUTPUT|SIGNAL|WAIT)"
)
_PROGRAM_NAME = re.compile(r"^\w+: ((error|fatal): )?")

#: Set once Slurm has answered this process; later outages count as temporary.
_answered = threading.Event()


class QueueError(FaceprepError):
    """Error for a temporary outage of Slurm."""


@dataclass(frozen=True)
class TaskState:
    """State of one task of an array, or of a job without an array (task 0)."""

    job: str  # number of the array's job, for scancel
    #: As squeue prints them.
    state: str
    reason: str = ""

    @property
    def alive(self) -> bool:
        """Whether the task runs or may still run."""
        return self.state not in ENDED

    @property
    def running(self) -> bool:
        """Whether the task is on a node."""
        return self.alive and self.state not in ("PENDING", "REQUEUED", "REQUEUE_HOLD")


#: Name of a job's folder → task → state.
Queue = dict[str, dict[int, TaskState]]


def read_queue() -> Queue:
    """Return all our jobs that Slurm still lists.

    Raises
    ------
    MissingToolError
        squeue is not installed, or the controller has never answered.
    QueueError
        Slurm no longer answers.
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
    """Return the largest number of tasks of an array on this cluster."""
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"), re.MULTILINE)
    return max(int(match[1]), 1) if match else _DEFAULT_ARRAY


def end_state(job: str, task: int) -> str | None:
    """Return the final state of a task that squeue no longer lists; None without accounting."""
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
    """Return the environment without variables that change Slurm's commands."""
    return {key: value for key, value in os.environ.items() if not _MISLEADING.fullmatch(key)}


def ask(*command: str) -> str:
    """Run one of Slurm's commands, and return its output.

    Raises `MissingToolError`: it is not installed, or fails before Slurm has answered any command.
    Raises `QueueError`: it fails later.
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
        ("type the command on a login node of the cluster", Again({"engine": "local"})),
    )


def _no_answer(program: str, words: str) -> FaceprepError:
    """Return the error for a failed command, with the first line of its message."""
    said = _PROGRAM_NAME.sub("", words.splitlines()[0])
    line = textwrap.shorten(f"Slurm does not answer {program}: {said}", _WIDTH, placeholder=" …")
    if _answered.is_set():
        return QueueError(line, (_SHOW, Again(note="resumes where it stopped")))
    return MissingToolError(line, (_SHOW, Again({"engine": "local"}, note="works without one")))
