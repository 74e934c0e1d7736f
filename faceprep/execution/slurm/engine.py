"""The Slurm engine: submit missing shards, wait, resubmit lost shards.

At every poll of the queue, each shard is in one of these states: done (by its marker), in progress
(a living task of any command makes it), failed (the task recorded the reason), lost (its task ended
without it), or not yet submitted. Lost shards are resubmitted. The number is limited to `RETRIES`
for shards that were in progress when their task died, and for all shards of a task that never began
one.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from faceprep.core.errors import Again, Hint, Shell, UsageError
from faceprep.core.files import PENDING
from faceprep.execution.job import Job, Outcome, ShardError, Work
from faceprep.execution.shard import run_shard
from faceprep.execution.slurm import progress
from faceprep.execution.slurm.job_record import JobRecord, LivingTask
from faceprep.execution.slurm.queue import Queue, QueueError, read_queue
from faceprep.execution.slurm.submission import Submission, submit_arrays, tasks_of
from faceprep.workspace import Marker, Workspace

#: Number of retries of a shard that was in progress when its task died.
RETRIES = 2
#: Number of failed polls of the queue before the command gives up.
SILENT_POLLS = 30

_GRACE_POLLS = 3  # a marker written on a node may appear here with a delay


def run(
    jobs: Sequence[Job],
    work: Work,
    workers: int,
    note: Callable[[str], None] = lambda words: None,
    say: Callable[[str], None] = lambda words: None,
) -> Iterator[Outcome]:
    """Run every job in tasks of arrays; see `faceprep.execution.job.Engine`.

    ``work`` and ``workers`` are ignored: the tasks call `run_shard`, or follow the request of the
    job, and make ``slurm.cpus`` shards at once.

    Parameters
    ----------
    note
        Receiver of lines on the current state, at every poll.
    say
        Receiver of a line on the first task that dies.

    Raises
    ------
    MissingToolError
        Slurm does not answer before the first submission.
    UsageError
        Living tasks make the same shards with other settings, or the work is not that of a stage.
    FaceprepError
        Slurm refuses the array, or a task was stopped by an error that affects all shards.
    KeyboardInterrupt
        After SIGINT, with the numbers of the jobs, which continue.
    """
    if not jobs:
        return
    if work is not run_shard and jobs[0].request() is None:
        raise UsageError(
            f"{jobs[0].stage.name} cannot be handed to Slurm from here",
            Again({"engine": "local"}, note="in an sbatch file"),
        )
    waiting = _Run(jobs, note, say)
    try:
        yield from waiting.outcomes()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(waiting.how_to_come_back()) from None


class _Run:
    """Unfinished jobs, and the tasks that make them."""

    def __init__(
        self, jobs: Sequence[Job], note: Callable[[str], None], say: Callable[[str], None]
    ) -> None:
        self.open = {job.shard: job for job in jobs}  # jobs without an outcome
        self.note, self.say = note, say
        first = jobs[0]
        self.stage, self.slurm = first.stage, first.config.slurm
        self.workspace = Workspace(first.config.workspace)
        # All by shard. Modification time of a marker with other settings:
        self.checked = {s: job.before for s, job in self.open.items() if job.before is not None}
        self.tries: Counter[int] = Counter()  # number of tasks that died while making it
        #: Record and task of the last submission by this command; begun by any process since then.
        self.mine: dict[int, tuple[JobRecord, int]] = {}
        self.begun: set[int] = set()
        self.missed: dict[int, float] = {}  # time at which its task was first found gone
        self.living: dict[int, LivingTask] = {}  # living task of any command that makes it
        self.silent_polls = 0
        #: Number of tasks that Slurm is expected to accept; None for no limit.
        self.room: int | None = None
        self.later: list[str] = []  # reasons why some shards are not submitted yet

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of every job once its marker or its end is found."""
        while True:
            # Before the markers, so that a task that ends in between counts as done.
            queue = self._read_queue()
            self.begun |= _begun({self.workspace.home(self.stage.name, s) for s in self.open})
            yield from self._done()
            if not self.open:
                return
            if queue is not None:
                self._find_living(queue)
                yield from self._lost(queue)
                self._submit(queue)
                self.note(progress.lines(self._records(), queue, self.tries.total(), self.later))
            if self.open:
                time.sleep(self.slurm.poll_seconds)

    def how_to_come_back(self) -> Hint:
        """Return the commands to continue after Ctrl-C, or to end the jobs."""
        jobs = sorted({record.job for record in self._records()} - {""}, key=int)
        if not jobs:
            return Again({"overwrite": False}, note="resumes where it stopped")
        return (
            f"the jobs continue: {', '.join(jobs)}",
            Again({"overwrite": False}, note="waits for them again"),
            Shell(("scancel", *jobs), note="ends them"),
        )

    def _records(self) -> list[JobRecord]:
        """Return the record of every job that has one of our shards."""
        found = {at.record.name: at.record for at in self.living.values()}
        found |= {record.name: record for record, _ in self.mine.values()}
        return [found[name] for name in sorted(found)]

    def _read_queue(self) -> Queue | None:
        try:
            queue = read_queue()
        except QueueError as error:
            self.silent_polls += 1
            if self.silent_polls > SILENT_POLLS:
                raise
            self.note(error.message)
            return None
        self.silent_polls = 0
        return queue

    def _done(self) -> Iterator[Outcome]:
        stamps = self.workspace.stamps(self.stage.name)
        for shard, job in list(self.open.items()):
            stamp = stamps.get(shard)
            if stamp is None or stamp == self.checked.get(shard):
                continue
            marker = self.workspace.marker(self.stage.name, shard)
            if job.is_done(self.workspace):
                yield from self._close(shard, marker)
            elif marker and (marker.input, marker.config) != (job.input_hash, job.config_hash):
                self.checked[shard] = stamp  # other settings; need not be reread

    def _close(
        self, shard: int, marker: Marker | None = None, error: BaseException | None = None
    ) -> Iterator[Outcome]:
        if marker is not None or error is not None:
            self.missed.pop(shard, None)
            yield Outcome(self.open.pop(shard), marker=marker, error=error)

    def _find_living(self, queue: Queue) -> None:
        wanted = {shard: job.config_hash for shard, job in self.open.items()}
        self.living = tasks_of(self.workspace, self.stage.name, queue, wanted)
        for shard, (record, task, _) in self.living.items():
            if shard in self.mine and self.mine[shard][0].name == record.name:
                # The queue may have a job number that sbatch failed to print.
                self.mine[shard] = (record, task)

    def _lost(self, queue: Queue) -> Iterator[Outcome]:
        """Yield the outcome of shards whose task, submitted by this command, ended without them."""
        now = time.monotonic()
        grace = _GRACE_POLLS * self.slurm.poll_seconds
        dead: dict[tuple[str, int], tuple[JobRecord, list[int]]] = {}
        for shard in self.open:
            if shard in self.living or shard not in self.mine:
                self.missed.pop(shard, None)
            elif now - self.missed.setdefault(shard, now) >= grace:
                record, task = self.mine[shard]
                dead.setdefault((record.name, task), (record, []))[1].append(shard)
        failures = self.workspace.failures(self.stage.name) if dead else {}
        for (_, task), (record, shards) in dead.items():
            stopped = record.error(task)
            for shard in shards:
                del self.mine[shard]
                if stopped is not None:
                    yield from self._close(shard, error=stopped)
                elif shard in failures:  # earlier ones were removed at submission
                    words = failures[shard]
                    error = ShardError(str(words.get("error")), words.get("log", ()))
                    yield from self._close(shard, error=error)
            left = sorted(shard for shard in shards if shard in self.open)
            if left and not self.tries:
                self.say(progress.death(record, task, queue))
            for shard in self._in_hand(record, task, left):
                self.tries[shard] += 1
                if self.tries[shard] > RETRIES:
                    yield from self._close(shard, error=self._died(record, task, shard, queue))

    def _in_hand(self, record: JobRecord, task: int, left: list[int]) -> list[int]:
        """Return the shards in progress when a task died; all of them if it never began one."""
        begun = [shard for shard in left if shard in self.begun]
        if begun or len(left) == len(record.tasks[task]):
            return begun or left
        return left[: self.slurm.task(self.stage.name).cpus]

    def _died(self, record: JobRecord, task: int, shard: int, queue: Queue) -> ShardError:
        times, how = self.tries[shard], progress.how_it_ended(record, task, queue)
        return ShardError(
            f"its task died {times} times, at last {how}; log {record.log(task)}", record.tail(task)
        )

    def _submit(self, queue: Queue) -> None:
        """Submit the shards without a living task, unless the state of the last task is unknown."""
        self.later.clear()
        wanted = [s for s in self.open if s not in self.living and s not in self.mine]
        for redo in (False, True):
            shards = [s for s in wanted if (self.open[s].before is not None) == redo]
            if shards:
                self._submit_alike(shards, redo, queue)

    def _submit_alike(self, shards: list[int], redo: bool, queue: Queue) -> None:
        wanted = Submission.of([self.open[shard] for shard in shards], redo)
        submitted, refused = submit_arrays(wanted, self.workspace, queue, most=self.room)
        for record in submitted:
            for task, part in enumerate(record.tasks):
                self.mine |= dict.fromkeys(part, (record, task))
                self.begun -= set(part)
        if refused is None:
            self.room = self.room and 2 * self.room
            return
        if not (submitted or self.living):
            raise refused
        # A limit on jobs in the queue, or an outage.
        self.room = max(sum(len(record.tasks) for record in submitted), 1)
        self.later.append(f"{refused.message}; later again")


def _begun(folders: Collection[Path]) -> set[int]:
    """Return the shards that a process is making, or was making when it died."""
    entries = [entry for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    matches = [PENDING.fullmatch(entry.name) for entry in entries]
    return {int(match["shard"]) for match in matches if match}
