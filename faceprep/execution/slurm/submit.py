"""One array: submitit writes its sbatch file; sbatch takes it, and says the job's number.

sbatch runs in a session of its own: after a Ctrl-C it ends what it has begun, and the queue shows
the job to whoever comes next.
"""

import contextlib
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import SlurmConfig, SlurmJobConfig, SlurmTrainConfig
from faceprep.core.errors import FaceprepError, MissingToolError, UsageError
from faceprep.execution.slurm.queue import PREFIX, environment

if TYPE_CHECKING:
    from faceprep.execution.slurm.job_record import Array

INSTALL = "pip install 'faceprep[slurm]'"

_NOTICE_SECONDS = 30  # before a task's time limit; Slurm may give it a minute earlier
_BEAT_SECONDS = 30.0  # a claim is renewed as long as sbatch runs
_FILE = "submission.sh"
_NUMBER = re.compile(r"^(?:Submitted batch job )?(\d+)\b", re.MULTILINE)
_UNSURE = re.compile(
    r"timed? ?out|unable to contact|connect|zero bytes|endpoint|communication", re.IGNORECASE
)
_LIMIT = re.compile(r"limit|QOS|temporarily unable|array specification", re.IGNORECASE)

#: Flags by which a job is found again.
_OURS = ("array", "clusters", "job-name", "output", "wait")


class SubmitError(FaceprepError):
    """Slurm did not take a job.

    Attributes
    ----------
    limit
        Whether it may take a smaller one, or take it later.
    """

    limit = False


class UnsureError(SubmitError):
    """Slurm may have taken a job, and could not say so; its claim stands until the queue does."""


def submit(
    array: "Array",
    config: SlurmConfig,
    job: SlurmJobConfig,
    parallel: int | None,
    after: Sequence[str] = (),
) -> "Array":
    """Submit a claim, and return it with its job's number; one that is not submitted is removed.

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
        When an extra flag of ``slurm.sbatch`` is not one, or would hide the job from us.
    SubmitError
        When Slurm refuses the job, in its words.
    UnsureError
        When nobody knows whether it did.
    """
    try:
        script = _script(array, config, job, parallel, after)
    except BaseException:
        array.remove()
        raise
    try:
        number, array = _sbatch(script, array)
    except (SubmitError, MissingToolError) as error:
        if not isinstance(error, UnsureError):
            array.remove()
        raise
    with contextlib.suppress(OSError):
        script.rename(array.folder / f"{number}_{_FILE}")
    return array.with_job(number)


def _script(
    array: "Array",
    config: SlurmConfig,
    job: SlurmJobConfig,
    parallel: int | None,
    after: Sequence[str],
) -> Path:
    """Write the sbatch file of an array."""
    executor_of = _submitit()
    try:
        executor = executor_of(array.folder)
    except RuntimeError:
        raise _no_slurm("srun") from None
    executor.update_parameters(**parameters(array, config, job, parallel, after))
    if parallel is not None:
        executor.parameters["map_count"] = len(array.tasks)
    text = executor._make_submission_file_text(command(array.folder, config), "")
    path = array.folder / _FILE
    try:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise FaceprepError(
            f"cannot write {path}: {error.strerror}",
            "free space or change rights, then type the same command again",
        ) from error
    return path


def _sbatch(script: Path, array: "Array") -> "tuple[str, Array]":
    """Return the number that Slurm gave the job, and the claim as it was last renewed."""
    try:
        process = subprocess.Popen(
            ["sbatch", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment(),
            start_new_session=True,
        )
    except OSError:
        raise _no_slurm("sbatch") from None
    with process:
        while True:
            try:
                printed, words = process.communicate(timeout=_BEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                array = array.renewed()
    number = _NUMBER.search(printed)
    if number is not None and not process.returncode:
        return number[1], array
    raise _refusal(words.strip() or printed.strip(), bool(process.returncode))


def _refusal(words: str, refused: bool) -> SubmitError:
    """Error for what sbatch said in place of a number."""
    if not refused or _UNSURE.search(words):
        return UnsureError(
            f"Slurm did not say whether it took the job: {words}",
            "type the same command again in two minutes; squeue --me shows whether it did",
        )
    error = SubmitError(
        f"Slurm did not take the job: {words}",
        "set slurm.partition, slurm.account, slurm.time or slurm.mem as this cluster wants them"
        " (sinfo shows its partitions)",
    )
    error.limit = bool(_LIMIT.search(words))
    return error


def _no_slurm(program: str) -> MissingToolError:
    return MissingToolError(
        f"no {program}: this is not a machine of a Slurm cluster",
        "type the command on a login node, or use --engine local",
    )


def command(folder: Path, config: SlurmConfig) -> str:
    """What the sbatch file runs; in place of the shell, so that signals reach it."""
    python = config.python or shlex.quote(sys.executable)
    return f"exec {python} -u -m faceprep.execution.slurm.task {shlex.quote(str(folder))}"


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
        if any(own.startswith(name) for own in _OURS):  # sbatch takes any beginning of a flag
            words = f"slurm.sbatch: {line!r} would hide the job from this command"
            raise UsageError(words, f"leave it out; not for it: --{', --'.join(_OURS)}")
        flags[name] = value if separator else True
    return flags


def _submitit() -> Any:
    try:
        from submitit.slurm.slurm import SlurmExecutor
    except ImportError:
        raise MissingToolError("the slurm engine needs submitit", INSTALL) from None
    return SlurmExecutor
