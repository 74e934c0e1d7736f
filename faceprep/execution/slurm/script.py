"""The sbatch file of a job."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from faceprep.config import SlurmConfig, SlurmJobConfig, SlurmTrainConfig
from faceprep.core.errors import UsageError
from faceprep.execution.slurm.job_record import JobRecord
from faceprep.execution.slurm.queue import PREFIX

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

    Parameters
    ----------
    record
        The job.
    job
        Resources of a task.
    parallel
        Number of tasks that may run at once; None for a job without an array.
    after
        Numbers of jobs that must have ended first, whether they succeeded or not.

    Raises
    ------
    UsageError
        A line of ``slurm.sbatch`` is not a flag, or sets a reserved one.
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
            hint = "--set 'slurm.sbatch=[\"--constraint=avx2\"]'"
            raise UsageError(f"slurm.sbatch: {line!r} is no flag", hint)
        if any(own.startswith(name) for own in _RESERVED):  # sbatch accepts abbreviated flags
            words = f"slurm.sbatch: {line!r} would hide the job from this command"
            raise UsageError(words, f"leave it out; not for it: --{', --'.join(_RESERVED)}")
        flags[name] = value if separator else True
    return flags
