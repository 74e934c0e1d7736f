"""The single job of a verb: its record, its result, and its submission."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faceprep.config import Config, SlurmTrainConfig
from faceprep.config.section import absolute
from faceprep.core.errors import UsageError
from faceprep.core.files import digest, write_json
from faceprep.execution.slurm.job_record import (
    JobRecord,
    read_records,
    remove_old_records,
    wait_or_end,
)
from faceprep.execution.slurm.queue import Queue, read_queue
from faceprep.execution.slurm.reservation import pause, reserve
from faceprep.execution.slurm.sbatch import UnsureError, submit

_RESULT = "result.json"
_BEGUN = "begun"


@dataclass(frozen=True)
class Verb:
    """A verb that Slurm runs as a single job."""

    #: Name of the verb, of its sections (also below ``[slurm]``), and of its folder in the
    #: workspace.
    name: str
    #: Function that returns a number that changes with every saved state; 0 without any.
    saved: Callable[[Config], int]
    #: Function that returns the hashes of the inputs, JSON-ready; None if hashing is slow.
    inputs: Callable[[Config], dict[str, Any] | None]
    #: Function that raises what the verb would raise on the node, where that is known before.
    check: Callable[[Config], None]


@dataclass(frozen=True)
class SingleJob:
    """A queued, running or ended job."""

    #: Number of the job, and the path of its log.
    job: str
    log: Path
    #: Output of the verb as text and as JSON; empty and None until it is done.
    text: str = ""
    data: dict[str, Any] | None = None


def begin(record: JobRecord) -> bool:
    """Record, on the node, that a job has begun; return whether it overwrites existing results.

    A requeued job continues from its own results.
    """
    overwrite = overwrites(record)
    (record.folder / _BEGUN).touch()
    return overwrite


def overwrites(record: JobRecord) -> bool:
    """Return whether a job overwrites existing results, which is true only until it has begun."""
    return record.overwrite and not (record.folder / _BEGUN).exists()


def write_result(
    record: JobRecord, text: str, data: dict[str, Any], inputs: dict[str, Any] | None, saved: int
) -> None:
    """Write the output of a verb, for the waiting command.

    Parameters
    ----------
    inputs, saved
        Results of the functions of `Verb`, at the beginning and at the end of the verb.
    """
    result = {"text": text, "data": data, "made_of": inputs, "saved": saved}
    write_json(record.folder / _RESULT, result)


def read_result(record: JobRecord) -> dict[str, Any] | None:
    """Return the output of a verb; None until it is written."""
    try:
        return dict(json.loads((record.folder / _RESULT).read_text()))
    except (OSError, ValueError):
        return None


def single_job(record: JobRecord, result: dict[str, Any] | None = None) -> SingleJob:
    """Return the job of a record, with its result."""
    done = result or {"text": "", "data": None}
    return SingleJob(record.job, record.log(0), done["text"], done["data"])


def finished_job(verb: Verb, config: Config) -> SingleJob | None:
    """Return the finished job of these settings, if inputs and results are unchanged since."""
    inputs, saved = verb.inputs(config), verb.saved(config)
    for record in reversed(read_records(config.workspace, verb.name)):
        result = read_result(record) if record.settings == _settings(verb, config) else None
        if result is not None and inputs is not None:
            same = (result.get("made_of"), result.get("saved")) == (inputs, saved)
            return single_job(record, result) if same and saved else None
    return None


def job_in_queue(verb: Verb, config: Config, queue: Queue) -> JobRecord | None:
    """Return the living job of these settings; wait if another command is submitting it.

    Raises `UsageError`: a job with other settings is in the queue.
    """
    while True:
        known = [record.with_job_of(queue) for record in read_records(config.workspace, verb.name)]
        living = [record for record in known if record.alive(queue)]
        for record in living:
            if record.settings != _settings(verb, config):
                who = f"job {record.job}" if record.job else "another command"
                raise UsageError(
                    f"{who}: {verb.name} with other settings in {config.workspace} now",
                    wait_or_end(record),
                )
        numbered = [record for record in living if record.job]
        if numbered or not living:
            return numbered[0] if numbered else None
        pause(config.slurm.poll_seconds)
        queue = read_queue()


def submit_verb(verb: Verb, config: Config, overwrite: bool, after: tuple[str, ...]) -> JobRecord:
    """Submit the job, or return that of a concurrent command."""
    workspace = config.workspace.absolute()
    while True:
        remove_old_records(workspace, verb.name, read_queue())
        record = JobRecord(
            folder=workspace,
            stage=verb.name,
            settings=_settings(verb, config),
            tasks=[[]],
            config=absolute(config).model_dump(mode="json"),
            overwrite=overwrite,
        )
        mine, unsure = reserve(workspace, record, config.slurm.poll_seconds), None
        try:
            if mine is not None:
                resources = cast(SlurmTrainConfig, getattr(config.slurm, verb.name))
                return submit(mine, config.slurm, resources, None, after)
        except UnsureError as error:
            unsure = error
        found = job_in_queue(verb, config, read_queue())
        if found is not None:
            return found
        if unsure is not None:
            raise unsure


def _settings(verb: Verb, config: Config) -> str:
    own = getattr(config, verb.name).settings()
    return digest({verb.name: own, "device": config.device})
