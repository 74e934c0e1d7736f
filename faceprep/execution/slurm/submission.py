"""Orders: shards that tasks are to make, and the arrays that are submitted for them.

What a living task has is left to it. The rest is claimed and submitted array by array, in smaller
ones where Slurm takes no large one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from faceprep.config import Config
from faceprep.config.section import absolute
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.execution.job import Errand, Job
from faceprep.execution.slurm.claims import hold, pause
from faceprep.execution.slurm.job_record import (
    MOST_TASKS,
    Array,
    arrays,
    claim,
    groups,
    in_flight,
    prune,
)
from faceprep.execution.slurm.queue import Queue, QueueError, TaskState, largest_array, look
from faceprep.execution.slurm.submit import SubmitError, UnsureError, submit
from faceprep.execution.stage import Stage
from faceprep.workspace import Workspace

#: Shard → the living task that has it.
Flight = dict[int, tuple[Array, int, TaskState]]

_MARKERS_MEASURED = 50
_UNSURE = 3  # times in a row that Slurm may not say whether it took a job
_FEWER = (
    "--set slurm.task_minutes=120 makes fewer tasks, and longer ones; a command that waits submits"
    " the rest as the queue drains; slurm.time, slurm.mem and slurm.qos have limits too"
)


@dataclass(frozen=True)
class Order:
    """What is to be made by tasks: shards of one stage, with one configuration."""

    stage: Stage
    config: Config
    settings: str
    shards: Collection[int]
    before: Mapping[int, int] = field(default_factory=dict)
    overwrite: bool = False
    retry_failed: bool = False
    errand: Errand | None = None

    @classmethod
    def of(cls, jobs: Sequence[Job], redo: bool) -> "Order":
        """Return an order for jobs of one stage.

        Parameters
        ----------
        redo
            Whether the shards are to be made again though they are done.
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
            errand=job.errand(),
        )


def place(
    order: Order, after: Sequence[str] = (), say: Callable[[str], None] = lambda words: None
) -> list[str]:
    """Submit what no living task has, and do not wait for what is made.

    What another command is about to submit is waited for until it has a number.

    Parameters
    ----------
    after
        Numbers of jobs that must have ended first.
    say
        Takes a line on why this takes long.

    Returns
    -------
    Numbers of the jobs that make shards of the order, earlier ones first.

    Raises
    ------
    MissingToolError, UsageError, SubmitError
        As `faceprep.execution.slurm.engine.run`; with the numbers of the jobs submitted before.
    """
    workspace, name = Workspace(order.config.workspace), order.stage.name
    left, jobs, unsure, said = set(order.shards), set[str](), 0, False
    while left:
        queue = look()
        found = flight(workspace, name, queue, dict.fromkeys(left, order.settings))
        mine = [shard for shard in sorted(left) if shard not in found]
        submitted, refused = submit_order(replace(order, shards=mine), workspace, queue, after)
        placed = {shard: array for shard, (array, _, _) in found.items()}
        placed |= {s: array for array in submitted for task in array.tasks for s in task}
        jobs |= {array.job for array in placed.values() if array.job}
        left -= {shard for shard, array in placed.items() if array.job}
        unsure += isinstance(refused, UnsureError)
        if refused and (unsure == _UNSURE or not isinstance(refused, UnsureError)):
            raise _naming(refused, [*after, *sorted(jobs, key=int)])
        if left:
            if not said:
                words = "another command is submitting its jobs; waiting for their numbers"
                say(f"{name}: {refused.message if refused else words}")
            said = True
            pause(order.config.slurm.poll_seconds)
    return sorted(jobs, key=int)


def _naming(error: FaceprepError, jobs: Sequence[str]) -> FaceprepError:
    """Add the jobs that are in the queue already to an error."""
    if jobs:
        error.hint = f"{error.hint}; submitted before, and going on: {' '.join(jobs)}"
    return error


def flight(workspace: Workspace, stage: str, queue: Queue, wanted: Mapping[int, str]) -> Flight:
    """Which living tasks have the shards wanted; refuses those with other settings than wanted."""
    found = in_flight(arrays(workspace.root, stage), queue)
    wanted_ones = {shard: at for shard, at in found.items() if shard in wanted}
    for shard, (array, _, _) in wanted_ones.items():
        if wanted[shard] and array.settings != wanted[shard]:
            who = f"job {array.job} makes" if array.job else "another command is about to submit"
            end = f", or end it: scancel {array.job}" if array.job else ""
            raise UsageError(
                f"{who} {stage} with other settings in {workspace.root} now", f"wait for it{end}"
            )
    return wanted_ones


def submit_order(
    order: Order,
    workspace: Workspace,
    queue: Queue,
    after: Sequence[str] = (),
    most: int | None = None,
) -> tuple[list[Array], SubmitError | QueueError | None]:
    """Submit arrays over the shards of an order; stops at the first that Slurm refuses.

    Parameters
    ----------
    most
        Tasks in all that Slurm is expected to take; all without.

    Returns
    -------
    The arrays, and why there are no more. One that Slurm may or may not have taken has no number.
    """
    if not order.shards:
        return [], None
    slurm, stage = order.config.slurm, order.stage.name
    seconds = _seconds(order, workspace)
    tasks = list(groups(seconds, slurm.task_minutes, slurm.task(stage).cpus))[:most]
    try:
        size, count = min(largest_array(), MOST_TASKS), len(tasks)
    except QueueError as error:
        return [], error
    prune(workspace.root, stage, queue)
    submitted: list[Array] = []
    while tasks:
        part = tasks[:size]
        try:
            array = _claimed(order, part, workspace)
            if array is None:
                break
            submitted.append(array)
            parallel = max(slurm.array_parallel * len(part) // count, 1)
            submitted[-1] = submit(array, slurm, slurm.task(stage), parallel, after)
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


def _claimed(order: Order, tasks: list[list[int]], workspace: Workspace) -> Array | None:
    """Claim shards for an array; None when another command has come before."""
    for task in tasks:
        for shard in task:
            workspace.forget_failure(order.stage.name, shard)
    array = Array(
        folder=workspace.root,
        stage=order.stage.name,
        settings=order.settings,
        tasks=tasks,
        config=absolute(order.config).model_dump(mode="json"),
        before={s: order.before[s] for task in tasks for s in task if s in order.before},
        overwrite=order.overwrite,
        retry_failed=order.retry_failed,
    )
    root = workspace.root.absolute()
    return hold(root, claim(root, array, order.errand), order.config.slurm.poll_seconds)


def _seconds(order: Order, workspace: Workspace) -> dict[int, float]:
    """Shard → seconds it will take: rows times what finished shards, or the stage, say of a row."""
    name = order.stage.name
    done = workspace.shards(name)[-_MARKERS_MEASURED:]
    markers = [m for m in (workspace.marker(name, shard) for shard in done) if m and m.seconds]
    rows = sum(marker.rows for marker in markers)
    each = sum(m.seconds for m in markers) / rows if rows else order.stage.seconds_per_face
    return {shard: each * order.stage.faces(workspace, shard) for shard in order.shards}
