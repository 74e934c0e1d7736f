"""One array through submitit: its sbatch file, and the job's number."""

import contextlib
import io
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import SlurmConfig, SlurmJobConfig, SlurmTrainConfig
from faceprep.engines.slurm.queue import PREFIX
from faceprep.errors import FaceprepError, MissingToolError, UsageError

if TYPE_CHECKING:
    from faceprep.engines.slurm.arrays import Array

INSTALL = "pip install 'faceprep[slurm]'"

_NOTICE_SECONDS = 30  # before a task's time limit; Slurm may give it a minute earlier


class SubmitError(FaceprepError):
    """Slurm did not take a job."""


def submit(
    array: "Array",
    config: SlurmConfig,
    job: SlurmJobConfig,
    parallel: int | None,
    after: Sequence[str] = (),
) -> str:
    """Submit an array and return its job's number.

    Parameters
    ----------
    job
        What a task asks for.
    parallel
        Tasks that may run at once; ``None`` for a job that is no array.
    after
        Numbers of jobs that must have ended first, however they ended.

    Raises
    ------
    MissingToolError
        Without submitit, or without Slurm.
    UsageError
        When an extra flag of ``slurm.sbatch`` is not one.
    SubmitError
        When Slurm refuses the job, in its words.
    """
    executor_of, errors = _submitit()
    try:
        executor = executor_of(array.folder)
    except RuntimeError:
        raise MissingToolError(
            "no srun: this is not a machine of a Slurm cluster",
            "type the command on a login node, or use --engine local",
        ) from None
    executor.update_parameters(**parameters(array, config, job, parallel, after))
    if parallel is not None:
        executor.parameters["map_count"] = len(array.tasks)
    refusal = io.StringIO()  # submitit prints it, and raises it too
    try:
        with contextlib.redirect_stderr(refusal):
            submitted = executor._submit_command(command(array.folder, config))
    except errors as error:
        words = str(error).strip() or refusal.getvalue().strip()
        raise SubmitError(
            f"Slurm did not take the job: {words}",
            "set slurm.partition, slurm.account, slurm.time or slurm.mem as this cluster wants them"
            " (sinfo shows its partitions)",
        ) from None
    return str(submitted.job_id)


def command(folder: Path, config: SlurmConfig) -> str:
    """What the sbatch file runs; in place of the shell, so that signals reach it."""
    python = config.python or shlex.quote(sys.executable)
    return f"exec {python} -u -m faceprep.engines.slurm.task {shlex.quote(str(folder))}"


def parameters(
    array: "Array",
    config: SlurmConfig,
    job: SlurmJobConfig,
    parallel: int | None,
    after: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the parameters in submitit's names; see its ``SlurmExecutor.update_parameters``."""
    log = array.log(0) if parallel is None else array.folder / "task-%a.log"
    notice = job.signal_seconds if isinstance(job, SlurmTrainConfig) else _NOTICE_SECONDS
    return {
        "job_name": PREFIX + array.name,
        "partition": job.partition or config.partition,
        "time": job.time,
        "mem": job.mem,
        "cpus_per_task": job.cpus,
        "gpus_per_node": job.gpus or None,
        "account": config.account,
        "qos": config.qos,
        "setup": list(config.setup) or None,
        "array_parallelism": parallel or 1,
        "dependency": f"afterany:{':'.join(after)}" if after else None,
        "stderr_to_stdout": True,
        "use_srun": False,
        "wckey": None,
        "additional_parameters": {
            "output": str(log),
            "requeue": True,
            # Before the limit; to the batch process alone, which is ours.
            "signal": f"B:USR1@{notice}",
            **_flags(config.sbatch),
        },
    }


def _flags(lines: Sequence[str]) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    for line in lines:
        name, separator, value = line.strip().removeprefix("--").partition("=")
        if not name or name.startswith("-") or " " in name:
            hint = "--set 'slurm.sbatch=[\"--constraint=avx2\"]'"
            raise UsageError(f"slurm.sbatch: {line!r} is no flag", hint)
        flags[name] = value if separator else True
    return flags


def _submitit() -> tuple[Any, tuple[type[Exception], ...]]:
    try:
        from submitit.core.utils import FailedJobError, FailedSubmissionError
        from submitit.slurm.slurm import SlurmExecutor
    except ImportError:
        raise MissingToolError("the slurm engine needs submitit", INSTALL) from None
    return SlurmExecutor, (FailedJobError, FailedSubmissionError)
