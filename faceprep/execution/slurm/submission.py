"""Submit arrays for the shards that no living task makes, distributed over tasks.

Shards of living tasks are skipped. The others are reserved and submitted array by array, in smaller
arrays if Slurm refuses a large one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from faceprep.config import Config
from faceprep.config.section import absolute
from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.execution.job import Job, Request
from faceprep.execution.slurm.job_record import (
    MOST_TASKS,
    JobRecord,
    LivingTask,
    living_tasks,
    read_records,
    remove_old_records,
    wait_or_end,
)
from faceprep.execution.slurm.queue import Queue, QueueError, largest_array, read_queue
from faceprep.execution.slurm.reservation import pause, reserve
from faceprep.execution.slurm.sbatch import SubmitError, UnsureError, submit
from faceprep.execution.stage import ShardedStage
from faceprep.workspace import Workspace

_MARKERS_MEASURED = 50
_UNSURE = 3  # lost answers of sbatch in a row before giving up
_FEWER = (
    Again({"slurm.task_minutes": 120}, note="makes fewer tasks, and longer ones"),
    "a command that waits submits the rest as the queue drains",
    "slurm.time, slurm.mem and slurm.qos have limits too",
)


@dataclass(frozen=True)
class Submission:
    """Shards of one stage to submit, with one configuration."""

    #: Stage, configuration, and hash of the stage's settings.
    stage: ShardedStage
    config: Config
    settings: str
    shards: Collection[int]  # numbers of the shards
    #: As `faceprep.execution.slurm.job_record.JobRecord`.
    before: Mapping[int, int] = field(default_factory=dict)
    overwrite: bool = False
    retry_failed: bool = False
    request: Request | None = None  # data that the tasks need besides the configuration

    @classmethod
    def of(cls, jobs: Sequence[Job], redo: bool) -> "Submission":
        """Return the submission of jobs of one stage.

        Parameters
        ----------
        redo
            Whether finished shards are made again.
        """
        job = jobs[0]
        return cls(
            job.stage,
            job.config,
            job.config_hash,
            [each.shard for each in jobs],
            {each.shard: each.before for each in jobs if redo and each.before is not None},
            overwrite=redo and not job.keep_ok,
            retry_failed=redo and job.keep_ok,
            request=job.request(),
        )


def submit_missing(
    wanted: Submission, after: Sequence[str] = (), say: Callable[[str], None] = lambda words: None
) -> list[str]:
    """Submit the shards that no living task makes, without waiting for the tasks.

    If another command is submitting some of them, wait until it has a job number.

    Parameters
    ----------
    after
        Numbers of jobs that must have ended first.
    say
        Receiver of a line on the reason of a delay.

    Returns
    -------
    Numbers of the jobs that make these shards, earlier ones first.

    Raises
    ------
    MissingToolError, UsageError, SubmitError
        As `faceprep.execution.slurm.engine.run`, with the numbers of the jobs already submitted.
    """
    workspace, name = Workspace(wanted.config.workspace), wanted.stage.name
    left, jobs, unsure, said = set(wanted.shards), set[str](), 0, False
    while left:
        queue = read_queue()
        living = tasks_of(workspace, name, queue, dict.fromkeys(left, wanted.settings))
        mine = [shard for shard in sorted(left) if shard not in living]
        submitted, refused = submit_arrays(replace(wanted, shards=mine), workspace, queue, after)
        placed = {shard: at.record for shard, at in living.items()}
        placed |= {s: record for record in submitted for task in record.tasks for s in task}
        jobs |= {record.job for record in placed.values() if record.job}
        left -= {shard for shard, record in placed.items() if record.job}
        unsure += isinstance(refused, UnsureError)
        if refused and (unsure == _UNSURE or not isinstance(refused, UnsureError)):
            raise _with_jobs(refused, [*after, *sorted(jobs, key=int)])
        if left:
            if not said:
                words = "another command is submitting its jobs; waiting for their numbers"
                say(f"{name}: {refused.message if refused else words}")
            said = True
            pause(wanted.config.slurm.poll_seconds)
    return sorted(jobs, key=int)


def _with_jobs(error: FaceprepError, jobs: Sequence[str]) -> FaceprepError:
    """Add the numbers of the submitted jobs to the hint of an error."""
    if jobs:
        before = f"submitted before and not finished: {' '.join(jobs)}"
        hints = error.hint if isinstance(error.hint, tuple) else (error.hint,)
        error.hint = (*(hint for hint in hints if hint is not None), before)
    return error


def tasks_of(
    workspace: Workspace, stage: str, queue: Queue, wanted: Mapping[int, str]
) -> dict[int, LivingTask]:
    """Return shard → living task that makes it.

    `wanted`: shard → hash of the required settings; empty for any settings.
    Raises `UsageError`: a living task makes one of the shards with other settings.
    """
    living = living_tasks(read_records(workspace.root, stage), queue)
    found = {shard: at for shard, at in living.items() if shard in wanted}
    for shard, (record, _, _) in found.items():
        if wanted[shard] and record.settings != wanted[shard]:
            who = f"job {record.job} makes" if record.job else "another command is about to submit"
            raise UsageError(
                f"{who} {stage} with other settings in {workspace.root} now", wait_or_end(record)
            )
    return found


def submit_arrays(
    wanted: Submission,
    workspace: Workspace,
    queue: Queue,
    after: Sequence[str] = (),
    most: int | None = None,
) -> tuple[list[JobRecord], SubmitError | QueueError | None]:
    """Submit arrays over the shards of a submission; stop when Slurm refuses one.

    `most`: total number of tasks that Slurm is expected to accept; None for no limit.
    Returns the submitted arrays, and the reason for stopping. An array whose acceptance is unknown
        has no job number.
    """
    if not wanted.shards:
        return [], None
    slurm, stage = wanted.config.slurm, wanted.stage.name
    seconds = _expected_seconds(wanted, workspace)
    tasks = list(group_shards(seconds, slurm.task_minutes, slurm.task(stage).cpus))[:most]
    try:
        size, count = min(largest_array(), MOST_TASKS), len(tasks)
    except QueueError as error:
        return [], error
    remove_old_records(workspace.root, stage, queue)
    submitted: list[JobRecord] = []
    while tasks:
        part = tasks[:size]
        try:
            record = _reserve(wanted, part, workspace)
            if record is None:
                break
            submitted.append(record)
            parallel = max(slurm.array_parallel * len(part) // count, 1)
            submitted[-1] = submit(record, slurm, slurm.task(stage), parallel, after)
        except (UnsureError, QueueError) as error:
            return submitted, error
        except SubmitError as error:
            submitted.pop()
            if not error.limit:
                return submitted, error
            if len(part) == 1:
                error.hint = _FEWER
                return submitted, error
            size = len(part) // 2
            continue
        tasks = tasks[size:]
    return submitted, None


def _reserve(wanted: Submission, tasks: list[list[int]], workspace: Workspace) -> JobRecord | None:
    """Reserve the shards of an array; return None if another command reserved them first."""
    for task in tasks:
        for shard in task:
            workspace.forget_failure(wanted.stage.name, shard)
    record = JobRecord(
        folder=workspace.root,
        stage=wanted.stage.name,
        settings=wanted.settings,
        tasks=tasks,
        config=absolute(wanted.config).model_dump(mode="json"),
        before={s: wanted.before[s] for task in tasks for s in task if s in wanted.before},
        overwrite=wanted.overwrite,
        retry_failed=wanted.retry_failed,
    )
    poll_seconds = wanted.config.slurm.poll_seconds
    return reserve(workspace.root.absolute(), record, poll_seconds, wanted.request)


def _expected_seconds(wanted: Submission, workspace: Workspace) -> dict[int, float]:
    """Return shard → expected seconds: its rows times the time per row of finished shards.

    Without finished shards, use the stage's estimate.
    """
    name = wanted.stage.name
    done = workspace.shards(name)[-_MARKERS_MEASURED:]
    markers = [m for m in (workspace.marker(name, shard) for shard in done) if m and m.seconds]
    rows = sum(marker.rows for marker in markers)
    each = sum(m.seconds for m in markers) / rows if rows else wanted.stage.seconds_per_face
    return {shard: each * wanted.stage.faces(workspace, shard) for shard in wanted.shards}


def group_shards(
    seconds: Mapping[int, float], minutes: float, at_once: int = 1
) -> Iterator[list[int]]:
    """Group shards into tasks of about equal, requested duration.

    `seconds`: shard → expected seconds on one core.
    `minutes`: requested duration of a task.
    `at_once`: number of shards that a task makes in parallel.
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
