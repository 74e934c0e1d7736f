"""The engine: submit what is missing, wait, submit again what died.

A shard is in one of these states, judged anew at every look: done (its marker says so), under way
(a living task has it, whoever submitted that), failed (the task says why), lost (its task ended
without it), or not yet submitted. Lost shards are submitted again, those that were in the dead
task's hand at most `RETRIES` times, and so all of a task that never had one in hand.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from faceprep.core.errors import UsageError
from faceprep.core.processes import PENDING
from faceprep.execution.job import Job, Outcome, ShardError, Work
from faceprep.execution.shard import run_shard
from faceprep.execution.slurm.job_record import Array
from faceprep.execution.slurm.queue import Queue, QueueError, look
from faceprep.execution.slurm.submission import Flight, Order, flight, submit_order
from faceprep.workspace import Marker, Workspace

#: How often a shard is tried again after the task that had it in hand died.
RETRIES = 2
#: Looks at a queue that does not answer.
SILENT_POLLS = 30

_GRACE_POLLS = 3  # a marker written on a node is seen here after a moment


def run(
    jobs: Sequence[Job],
    work: Work,
    workers: int,
    note: Callable[[str], None] = lambda words: None,
    say: Callable[[str], None] = lambda words: None,
) -> Iterator[Outcome]:
    """Do every job in tasks of arrays; see `faceprep.execution.job.Engine`.

    The tasks make shards as every engine does, with `run_shard` in place of ``work``, and as many
    at once as ``slurm.cpus`` says, not ``workers``.

    Parameters
    ----------
    note
        Takes a few lines on how things stand, at every look.
    say
        Takes a line on the first task that dies.

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
    waiting = _Waiting(jobs, note, say)
    try:
        yield from waiting.outcomes()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(waiting.how_to_come_back()) from None


def _check(job: Job, work: Work) -> None:
    """Tasks make shards of stages, or do the errand of the job; other work does not travel."""

    if work is not run_shard and job.errand() is None:
        raise UsageError(
            f"{job.stage.name} cannot be handed to Slurm from here",
            "put the same command with --engine local into an sbatch file",
        )


class _Waiting:
    """Jobs that are not done yet, and what became of the tasks that have them."""

    def __init__(
        self, jobs: Sequence[Job], note: Callable[[str], None], say: Callable[[str], None]
    ) -> None:
        self.open = {job.shard: job for job in jobs}
        self.note, self.say = note, say
        first = jobs[0]
        self.config, self.stage = first.config, first.stage
        self.slurm = first.config.slurm
        self.workspace = Workspace(first.config.workspace)
        self.judged = {s: job.before for s, job in self.open.items() if job.before is not None}
        self.tries: Counter[int] = Counter()
        self.mine: dict[int, tuple[Array, int]] = {}
        self.begun: set[int] = set()
        self.missed: dict[int, float] = {}
        self.flight: Flight = {}
        self.silent = 0
        self.room: int | None = None
        self.later: list[str] = []

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of every job as its marker, or its end, is seen."""
        while True:
            queue = self._look()  # before the markers: what ends in between is done, not lost
            self.begun |= _begun({self.workspace.home(self.stage.name, s) for s in self.open})
            yield from self._done()
            if not self.open:
                return
            if queue is not None:
                self._see(queue)
                yield from self._lost(queue)
                self._submit(queue)
                self._tell(queue)
            if self.open:
                time.sleep(self.slurm.poll_seconds)

    def _see(self, queue: Queue) -> None:
        wanted = {shard: job.config_hash for shard, job in self.open.items()}
        self.flight = flight(self.workspace, self.stage.name, queue, wanted)
        for shard, (array, task, _) in self.flight.items():
            if shard in self.mine and self.mine[shard][0].name == array.name:
                self.mine[shard] = (array, task)  # with its number, if sbatch could not say it

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
            if stamp is None or stamp == self.judged.get(shard):
                continue
            marker = self.workspace.marker(self.stage.name, shard)
            if job.is_done(self.workspace):
                yield from self._close(shard, marker)
            elif marker and (marker.input, marker.config) != (job.input_hash, job.config_hash):
                self.judged[shard] = stamp  # of other settings; no need to look at it again

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
            if left and not self.tries:
                self.say(self._first_death(array, task, queue))
            for shard in self._in_hand(array, task, left):
                self.tries[shard] += 1
                if self.tries[shard] > RETRIES:
                    yield from self._close(shard, error=self._died(array, task, shard, queue))

    def _in_hand(self, array: Array, task: int, left: list[int]) -> list[int]:
        """Shards that may have brought a task down: all of one that never had any in hand."""
        seen = [shard for shard in left if shard in self.begun]
        if seen or len(left) == len(array.tasks[task]):
            return seen or left
        return left[: self.slurm.task(self.stage.name).cpus]

    def _first_death(self, array: Array, task: int, queue: Queue) -> str:
        tail = [line for line in array.tail(task) if line.strip()]
        end = f": {tail[-1].strip()}" if tail else ""
        how = _how(array, task, queue)
        return f"{self.stage.name}: {how}, submitted again; log {array.log(task)}{end}"

    def _died(self, array: Array, task: int, shard: int, queue: Queue) -> ShardError:
        times, how = self.tries[shard], _how(array, task, queue)
        return ShardError(
            f"its task died {times} times, at last {how}; log {array.log(task)}", array.tail(task)
        )

    def _submit(self, queue: Queue) -> None:
        """Submit what no living task has and nobody waits to be judged."""
        self.later.clear()
        wanted = [s for s in self.open if s not in self.flight and s not in self.mine]
        for redo in (False, True):
            shards = [s for s in wanted if (self.open[s].before is not None) == redo]
            if shards:
                self._submit_alike(shards, redo, queue)

    def _submit_alike(self, shards: list[int], redo: bool, queue: Queue) -> None:
        order = Order.of([self.open[shard] for shard in shards], redo)
        submitted, refused = submit_order(order, self.workspace, queue, most=self.room)
        for array in submitted:
            for task, part in enumerate(array.tasks):
                self.mine |= dict.fromkeys(part, (array, task))
                self.begun -= set(part)
        if refused is None:
            self.room = self.room and 2 * self.room
            return
        if not (submitted or self.flight):
            raise refused
        # A limit on jobs in the queue, or an outage.
        self.room = max(sum(len(array.tasks) for array in submitted), 1)
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


def _begun(folders: Collection[Path]) -> set[int]:
    """Shards that some process has in hand, or had when it died."""
    entries = [entry for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    matches = [PENDING.fullmatch(entry.name) for entry in entries]
    return {int(match["shard"]) for match in matches if match}


def _how(array: Array, task: int, queue: Queue) -> str:
    """Which task ended, and how."""
    if not array.job:
        return "sbatch did not say whether Slurm took its job, and the queue does not show it"
    return f"task {array.job}_{task} ended ({array.end(queue, task)})"
