"""The engine: submit what is missing, wait, submit again what died.

A shard is in one of these states, judged anew at every look: done (its marker says so), under way
(a living task has it, whoever submitted that), failed (the task says why), lost (its task ended
without it), or not yet submitted. Lost shards are submitted again, those that were in the dead
task's hand at most `RETRIES` times.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.engines import Outcome, ShardError
from faceprep.engines.slurm.arrays import (
    MOST_TASKS,
    Array,
    arrays,
    claim,
    groups,
    in_flight,
    prune,
)
from faceprep.engines.slurm.queue import (
    Queue,
    QueueError,
    TaskState,
    how_it_ended,
    largest_array,
    look,
)
from faceprep.engines.slurm.submit import SubmitError, submit
from faceprep.errors import FaceprepError, UsageError
from faceprep.workspace import Marker, Workspace

if TYPE_CHECKING:
    from faceprep.engines import Work
    from faceprep.shard import Errand, Job
    from faceprep.stages.base import Stage

#: How often a shard is tried again after the task that had it in hand died.
RETRIES = 2
#: Looks at a queue that does not answer.
SILENT_POLLS = 30

_GRACE_POLLS = 3  # a marker written on a node is seen here after a moment
_MARKERS_MEASURED = 50


@dataclass(frozen=True)
class Order:
    """What is to be made by tasks: shards of one stage, with one configuration."""

    stage: "Stage"
    config: Config
    settings: str
    shards: Collection[int]
    before: Mapping[int, int] = field(default_factory=dict)
    overwrite: bool = False
    retry_failed: bool = False
    errand: "Errand | None" = None

    @classmethod
    def of(cls, jobs: "Sequence[Job]", before: Mapping[int, int], redo: bool) -> "Order":
        """Return an order for jobs of one stage.

        Parameters
        ----------
        before
            Shard → when its marker was written.
        redo
            Whether the shards are to be made again though they are done.
        """
        job = jobs[0]
        shards = [each.shard for each in jobs]
        return cls(
            job.stage,
            job.config,
            job.config_hash,
            shards,
            {shard: before[shard] for shard in shards if redo and shard in before},
            overwrite=redo and not job.keep_ok,
            retry_failed=redo and job.keep_ok,
            errand=job.errand(),
        )


def run(
    jobs: "Sequence[Job]",
    work: "Work",
    workers: int,
    note: Callable[[str], None] = lambda words: None,
) -> Iterator[Outcome]:
    """Do every job in tasks of arrays; see `faceprep.engines.Engine`.

    The tasks make shards as every engine does, with `faceprep.shard.run_shard` in place of
    ``work``, and as many at once as ``slurm.cpus`` says, not ``workers``.

    Raises
    ------
    MissingToolError
        Without submitit, or without a Slurm that answers before anything is submitted.
    UsageError
        When living tasks make the same shards with other settings, or the work is none of a stage.
    FaceprepError
        When Slurm refuses the array, or a task stopped for a reason that stops everything.
    KeyboardInterrupt
        After SIGINT, with the numbers of the jobs, which go on.
    """
    if not jobs:
        return
    _check(jobs[0], work)
    waiting = _Waiting(jobs, note)
    try:
        yield from waiting.outcomes()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(waiting.how_to_come_back()) from None


def _check(job: "Job", work: "Work") -> None:
    """Tasks make shards of stages, or do the errand of the job; other work does not travel."""
    from faceprep.shard import run_shard

    if work is not run_shard and job.errand() is None:
        raise UsageError(
            f"{job.stage.name} cannot be handed to Slurm from here",
            "put the same command with --engine local into an sbatch file",
        )


def place(order: Order, after: Sequence[str] = ()) -> list[str]:
    """Submit what no living task has, and do not wait.

    Parameters
    ----------
    after
        Numbers of jobs that must have ended first.

    Returns
    -------
    Numbers of the living jobs that make shards of the order, earlier ones first.

    Raises
    ------
    MissingToolError, UsageError, SubmitError
        As `run`.
    """
    workspace = Workspace(order.config.workspace)
    queue = look()
    flight = _flight(
        workspace, order.stage.name, queue, dict.fromkeys(order.shards, order.settings)
    )
    mine = [shard for shard in order.shards if shard not in flight]
    _, refused = _submit(replace(order, shards=mine), workspace, queue, after)
    if refused:
        raise refused
    flight = _flight(workspace, order.stage.name, look(), dict.fromkeys(order.shards, ""))
    jobs = {array.job for array, _, _ in flight.values() if array.job}
    return sorted(jobs, key=int)


class _Waiting:
    """Jobs that are not done yet, and what became of the tasks that have them."""

    def __init__(self, jobs: "Sequence[Job]", note: Callable[[str], None]) -> None:
        self.open = {job.shard: job for job in jobs}
        self.note = note
        first = jobs[0]
        self.config, self.stage = first.config, first.stage
        self.slurm = first.config.slurm
        self.workspace = Workspace(first.config.workspace)
        self.before = self.workspace.stamps(self.stage.name)
        self.redo = {shard for shard, job in self.open.items() if job.is_done(self.workspace)}
        self.tries: Counter[int] = Counter()
        self.mine: dict[int, tuple[Array, int]] = {}
        self.missed: dict[int, float] = {}
        self.flight: dict[int, tuple[Array, int, TaskState]] = {}
        self.silent = 0
        self.later: list[str] = []

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of every job as its marker, or its end, is seen."""
        while True:
            queue = self._look()  # before the markers: what ends in between is done, not lost
            yield from self._done()
            if not self.open:
                return
            if queue is not None:
                wanted = {shard: job.config_hash for shard, job in self.open.items()}
                self.flight = _flight(self.workspace, self.stage.name, queue, wanted)
                yield from self._lost(queue)
                self._submit(queue)
                self._tell(queue)
            if self.open:
                time.sleep(self.slurm.poll_seconds)

    def how_to_come_back(self) -> str:
        """What to type after Ctrl-C."""
        known = {array.job for array, _, _ in self.flight.values()}
        known |= {array.job for array, _ in self.mine.values()}
        jobs = sorted(known - {""}, key=int)
        if not jobs:
            return "type the same command again; it goes on where it was"
        return (
            f"the jobs go on: {', '.join(jobs)}; the same command waits for them again,"
            f" scancel {' '.join(jobs)} ends them"
        )

    def _look(self) -> Queue | None:
        try:
            queue = look()
        except QueueError as error:
            self.silent += 1
            if self.silent > SILENT_POLLS:
                raise
            self.note(error.message)
            return None
        self.silent = 0
        return queue

    def _done(self) -> Iterator[Outcome]:
        stamps = self.workspace.stamps(self.stage.name)
        for shard, job in list(self.open.items()):
            stamp = stamps.get(shard)
            if stamp is None or stamp == self.before.get(shard):
                continue
            if not job.is_done(self.workspace):
                continue
            yield from self._close(shard, self.workspace.marker(self.stage.name, shard))

    def _close(
        self, shard: int, marker: Marker | None = None, error: BaseException | None = None
    ) -> Iterator[Outcome]:
        if marker is not None or error is not None:
            self.missed.pop(shard, None)
            yield Outcome(self.open.pop(shard), marker=marker, error=error)

    def _lost(self, queue: Queue) -> Iterator[Outcome]:
        """Judge shards whose task, one of ours, has ended without them."""
        now = time.monotonic()
        grace = _GRACE_POLLS * self.slurm.poll_seconds
        dead: dict[tuple[str, int], tuple[Array, list[int]]] = {}
        for shard in self.open:
            if shard in self.flight or shard not in self.mine:
                self.missed.pop(shard, None)
            elif now - self.missed.setdefault(shard, now) >= grace:
                array, task = self.mine[shard]
                dead.setdefault((array.name, task), (array, []))[1].append(shard)
        failures = self.workspace.failures(self.stage.name) if dead else {}
        for (_, task), (array, shards) in dead.items():
            stopped = array.error(task)
            for shard in shards:
                del self.mine[shard]
                if stopped is not None:
                    yield from self._close(shard, error=stopped)
                elif shard in failures:  # earlier words were taken back when it was submitted
                    words = failures[shard]
                    error = ShardError(str(words.get("error")), words.get("log", ()))
                    yield from self._close(shard, error=error)
            left = sorted(shard for shard in shards if shard in self.open)
            for shard in left[: self.slurm.task(self.stage.name).cpus]:
                self.tries[shard] += 1
                if self.tries[shard] > RETRIES:
                    yield from self._close(shard, error=self._died(array, task, shard, queue))

    def _died(self, array: Array, task: int, shard: int, queue: Queue) -> ShardError:
        state = array.states(queue).get(task)
        how = state.state if state else how_it_ended(array.job, task) or "gone from the queue"
        return ShardError(
            f"its task died {self.tries[shard]} times, the last one {array.job}_{task}: {how};"
            f" log {array.log(task)}",
            array.tail(task),
        )

    def _submit(self, queue: Queue) -> None:
        """Submit what no living task has and nobody waits to be judged."""
        self.later.clear()
        wanted = [s for s in self.open if s not in self.flight and s not in self.mine]
        for redo in (False, True):
            shards = [shard for shard in wanted if (shard in self.redo) == redo]
            if shards:
                self._submit_alike(shards, redo, queue)

    def _submit_alike(self, shards: list[int], redo: bool, queue: Queue) -> None:
        order = Order.of([self.open[shard] for shard in shards], self.before, redo)
        submitted: list[Array] = []
        refused: FaceprepError | None
        try:
            submitted, refused = _submit(order, self.workspace, queue)
        except QueueError as error:
            refused = error
        for array in submitted:
            for task, part in enumerate(array.tasks):
                self.mine |= dict.fromkeys(part, (array, task))
        if refused is not None:
            if not (submitted or self.flight):
                raise refused
            # A limit on jobs in the queue, or an outage.
            self.later.append(f"{refused.message}; later again")

    def _tell(self, queue: Queue) -> None:
        """One line a job, for the progress."""
        found = {array.name: array for array, _, _ in self.flight.values()}
        found |= {array.name: array for array, _ in self.mine.values()}
        lines = [_line(array, queue) for _, array in sorted(found.items())]
        again = sum(self.tries.values())
        if again:
            lines.append(f"{again} shards of dead tasks submitted again")
        lines += self.later
        self.note("\n".join(lines))


def _line(array: Array, queue: Queue) -> str:
    states = array.states(queue)
    running = sum(state.running for state in states.values())
    queued = [state for state in states.values() if state.alive and not state.running]
    ended = len(array.tasks) - running - len(queued)
    reasons = sorted({s.reason for s in queued} - {"", "None", "Priority", "JobArrayTaskLimit"})
    why = f" ({', '.join(reasons)})" if reasons else ""
    counts = f"{running:4} running  {len(queued):4} queued  {ended:4} ended"
    return f"job {array.job or '…':<10}{counts}{why}"


def _flight(
    workspace: Workspace, stage: str, queue: Queue, wanted: Mapping[int, str]
) -> dict[int, tuple[Array, int, TaskState]]:
    """Which living tasks have the shards wanted; refuses those with other settings than wanted."""
    found = in_flight(arrays(workspace.root, stage), queue)
    flight = {shard: at for shard, at in found.items() if shard in wanted}
    for shard, (array, _, _) in flight.items():
        if wanted[shard] and array.settings != wanted[shard]:
            raise UsageError(
                f"job {array.job} makes {stage} with other settings in {workspace.root} now",
                f"wait for it, or end it: scancel {array.job}",
            )
    return flight


def _submit(
    order: Order, workspace: Workspace, queue: Queue, after: Sequence[str] = ()
) -> tuple[list[Array], SubmitError | None]:
    """Submit arrays over all shards of an order; stops at the first that Slurm refuses."""
    if not order.shards:
        return [], None
    slurm, stage = order.config.slurm, order.stage
    asks = slurm.task(stage.name)
    seconds = _seconds(order, workspace)
    tasks = list(groups(seconds, slurm.task_minutes, asks.cpus))
    size = min(largest_array(), MOST_TASKS)
    parts = [tasks[k : k + size] for k in range(0, len(tasks), size)]
    prune(workspace.root, stage.name, queue)
    submitted: list[Array] = []
    for part in parts:
        array = Array(
            folder=workspace.root,
            stage=stage.name,
            settings=order.settings,
            tasks=part,
            config=order.config.model_dump(mode="json"),
            before={s: order.before[s] for task in part for s in task if s in order.before},
            overwrite=order.overwrite,
            retry_failed=order.retry_failed,
        )
        for task in part:
            for shard in task:
                workspace.forget_failure(stage.name, shard)
        claimed = claim(workspace.root.absolute(), array, order.errand)
        if _taken(claimed, workspace, queue):
            break
        parallel = max(slurm.array_parallel // len(parts), 1)
        try:
            job = submit(claimed, slurm, asks, parallel, after)
        except FaceprepError as error:
            claimed.remove()
            if isinstance(error, SubmitError):
                return submitted, error
            raise
        submitted.append(claimed.with_job(job))
    return submitted, None


def _taken(mine: Array, workspace: Workspace, queue: Queue) -> bool:
    """Whether another command claimed shards of ours at the same moment: the older claim holds."""
    shards = {shard for task in mine.tasks for shard in task}
    others = [a for a in arrays(workspace.root, mine.stage) if a.name < mine.name]
    if shards.isdisjoint(in_flight(others, queue)):
        return False
    mine.remove()
    return True


def _seconds(order: Order, workspace: Workspace) -> dict[int, float]:
    """Shard → seconds it will take: rows times what finished shards, or the stage, say of a row."""
    name = order.stage.name
    done = workspace.shards(name)[-_MARKERS_MEASURED:]
    markers = [m for m in (workspace.marker(name, shard) for shard in done) if m and m.seconds]
    rows = sum(marker.rows for marker in markers)
    each = sum(m.seconds for m in markers) / rows if rows else order.stage.seconds_per_face
    return {shard: each * order.stage.faces(workspace, shard) for shard in order.shards}
