"""Submit one job with sbatch.

sbatch runs in its own session: after Ctrl-C it completes the submission, and the next command finds
the job in the queue.
"""

import contextlib
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from faceprep.config import SlurmConfig, SlurmJobConfig, SlurmTrainConfig
from faceprep.core.errors import Again, FaceprepError, MissingToolError, Shell, UsageError
from faceprep.execution.slurm.job_record import JobRecord
from faceprep.execution.slurm.queue import PREFIX, environment, no_slurm

_RENEW_SECONDS = 30.0  # interval at which the record is renewed while sbatch runs
_FILE = "submission.sh"
_NUMBER = re.compile(r"^(?:Submitted batch job )?(\d+)\b", re.MULTILINE)
_UNSURE = re.compile(
    r"timed? ?out|unable to contact|connect|zero bytes|endpoint|communication", re.IGNORECASE
)
_LIMIT = re.compile(r"limit|QOS|temporarily unable|array specification", re.IGNORECASE)


class SubmitError(FaceprepError):
    """Error for a job that Slurm did not accept.

    Attributes
    ----------
    limit
        Whether Slurm may accept a smaller job, or this job later.
    """

    limit = False


class UnsureError(SubmitError):
    """Error for a lost answer of sbatch; the record is kept until the state of the job is known."""


def submit(
    record: JobRecord,
    config: SlurmConfig,
    job: SlurmJobConfig,
    parallel: int | None,
    after: Sequence[str] = (),
) -> JobRecord:
    """Submit a job, and return its record with the job number; remove the record on failure.

    Parameters
    ----------
    record
        Record without a job number.
    parallel
        Number of tasks that may run at once; None for a job without an array.
    after
        Numbers of jobs that must have ended first, whether they succeeded or not.

    Raises
    ------
    MissingToolError
        Slurm is not installed.
    UsageError
        An entry of ``slurm.sbatch`` is not a flag, or would hide the job from this command.
    SubmitError
        Slurm refuses the job.
    UnsureError
        It is unknown whether Slurm accepted the job.
    """
    try:
        path = _write_script(record, script(record, config, job, parallel, after))
    except BaseException:
        record.remove()
        raise
    try:
        number, record = _run_sbatch(path, record)
    except (SubmitError, MissingToolError) as error:
        if not isinstance(error, UnsureError):
            record.remove()
        raise
    with contextlib.suppress(OSError):
        path.rename(record.folder / f"{number}_{_FILE}")
    return record.with_job(number)


def _write_script(record: JobRecord, text: str) -> Path:
    path = record.folder / _FILE
    try:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise FaceprepError(
            f"cannot write {path}: {error.strerror}",
            Again(note="when there is space, and the right to write"),
        ) from error
    return path


def _run_sbatch(path: Path, record: JobRecord) -> tuple[str, JobRecord]:
    """Return the job number, and the last renewed record."""
    try:
        process = subprocess.Popen(
            ["sbatch", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment(),
            start_new_session=True,
        )
    except OSError:
        raise no_slurm("sbatch") from None
    with process:
        while True:
            try:
                printed, words = process.communicate(timeout=_RENEW_SECONDS)
                break
            except subprocess.TimeoutExpired:
                record = record.renewed()
    number = _NUMBER.search(printed)
    if number is not None and not process.returncode:
        return number[1], record
    raise _refusal(words.strip() or printed.strip(), bool(process.returncode))


def _refusal(words: str, refused: bool) -> SubmitError:
    """Return the error for an output of sbatch without a job number."""
    if not refused or _UNSURE.search(words):
        return UnsureError(
            f"Slurm did not say whether it took the job: {words}",
            (Shell(("squeue", "--me"), note="shows whether it did"), Again(note="in two minutes")),
        )
    error = SubmitError(
        f"Slurm did not take the job: {words}",
        "set slurm.partition, slurm.account, slurm.time or slurm.mem as this cluster wants them"
        " (sinfo shows its partitions)",
    )
    error.limit = bool(_LIMIT.search(words))
    return error


#: Seconds between SIGUSR1 and a task's time limit; Slurm may send it a minute earlier.
_NOTICE_SECONDS = 30
#: Flags that identify a job, which users must not set.
_RESERVED = ("array", "clusters", "job-name", "output", "wait")


def script(
    record: JobRecord,
    config: SlurmConfig,
    job: SlurmJobConfig,
    parallel: int | None,
    after: Sequence[str] = (),
) -> str:
    """Return the text of an sbatch file.

    `record`: the job.
    `job`: resources of a task.
    `parallel`: number of tasks that may run at once; None for a job without an array.
    `after`: numbers of jobs that must have ended first, whether they succeeded or not.
    Raises `UsageError`: a line of ``slurm.sbatch`` is not a flag, or sets a reserved one.
    """
    last = len(record.tasks) - 1
    array = None if parallel is None else f"0-{last}%{min(parallel, last + 1)}"
    notice = job.signal_seconds if isinstance(job, SlurmTrainConfig) else _NOTICE_SECONDS
    flags: dict[str, object] = {
        "account": config.account,
        "array": array,
        "cpus-per-task": job.cpus,
        "dependency": f"afterany:{':'.join(after)}" if after else None,
        "gpus-per-node": job.gpus or None,
        "job-name": PREFIX + record.name,
        "mem": job.mem,
        "nodes": 1,
        "open-mode": "append",
        "output": record.log(0) if parallel is None else record.folder / "task-%a.log",
        "partition": job.partition or config.partition,
        "qos": config.qos,
        "requeue": True,
        # Signal only the batch process, which is the worker.
        "signal": f"B:USR1@{notice}",
        "time": job.time,
        **_extra_flags(config.sbatch),
    }
    lines = ["#!/bin/bash", "", "# Parameters"]
    lines += [_line(name, value) for name, value in sorted(flags.items()) if value is not None]
    if config.setup:
        lines += ["", "# setup", *config.setup]
    return "\n".join([*lines, "", "# command", command(record.folder, config), ""])


def command(folder: Path, config: SlurmConfig) -> str:
    """Return the command of the sbatch file, which replaces the shell to receive signals."""
    python = config.python or shlex.quote(sys.executable)
    return f"exec {python} -u -m faceprep.cli.worker {shlex.quote(str(folder))}"


def _line(name: str, value: object) -> str:
    flag = f"#SBATCH --{name}"
    return flag if value is True else f"{flag}={shlex.quote(str(value))}"


def _extra_flags(lines: Sequence[str]) -> dict[str, str | bool]:
    flags: dict[str, str | bool] = {}
    for line in lines:
        name, separator, value = line.strip().removeprefix("--").partition("=")
        if not name or name.startswith("-") or " " in name:
            hint = "a line looks like --constraint=avx2"
            raise UsageError(f"slurm.sbatch: {line!r} is no flag", hint)
        if any(own.startswith(name) for own in _RESERVED):  # sbatch accepts abbreviated flags
            words = f"slurm.sbatch: {line!r} would hide the job from this command"
            raise UsageError(words, f"leave it out; not for it: --{', --'.join(_RESERVED)}")
        flags[name] = value if separator else True
    return flags
