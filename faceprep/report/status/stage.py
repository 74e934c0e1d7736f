"""Progress of one stage, from its shards and from the jobs in Slurm."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from faceprep.config import STAGES
from faceprep.core.errors import FaceprepError
from faceprep.execution.slurm.job_record import JobRecord, living_tasks, read_records
from faceprep.execution.slurm.queue import Queue, end_states, read_queue
from faceprep.report.summaries.results import generators
from faceprep.workspace import Workspace, synthetic
from faceprep.workspace.pending import shards_in_hand


@dataclass(frozen=True)
class SlurmJobs:
    """State of the jobs of a workspace in Slurm.

    `queue` is None if Slurm does not answer, for the reason `silent`; `jobs` are the numbers of all
    jobs recorded in the workspace.
    """

    queue: Queue | None
    silent: str | None = None
    jobs: tuple[str, ...] = ()

    def end(self, array: JobRecord, task: int) -> str:
        """Return the current or final state of a task as text."""
        if self.queue is None:
            return "unknown"
        state = array.states(self.queue).get(task)
        if state is not None:
            return state.state.lower()
        ended = self._ends.get(f"{array.job}_{task}") or self._ends.get(array.job)
        return (ended or "has left the queue").lower()

    @cached_property
    def _ends(self) -> dict[str, str]:
        """Query all jobs at once, on first use."""
        return end_states(self.jobs)


def ask_slurm(workspace: Workspace) -> SlurmJobs:
    """Query Slurm if the workspace records any job."""
    made = map(synthetic.stage_of, generators(workspace, synthetic.STAGE))
    stages = (*STAGES, *made, "train", "classify")
    used = [array for stage in stages for array in read_records(workspace.root, stage)]
    jobs = tuple(array.job for array in used if array.job)
    try:
        return SlurmJobs(read_queue() if used else {}, jobs=jobs)
    except FaceprepError as error:
        return SlurmJobs(None, error.message, jobs)


def last_job(workspace: Workspace, verb: str, slurm: SlurmJobs) -> dict[str, Any] | None:
    """Return number, state and log tail of the last job of a single-job verb."""
    known = read_records(workspace.root, verb)
    if not known:
        return None
    last = known[-1]
    return {"job": last.job, "state": slurm.end(last, 0), "log": last.tail(0)}


@dataclass(frozen=True)
class Failure:
    """Shards that failed for one reason, with the end of their log."""

    shards: list[int]
    error: str
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StageStatus:
    """Progress of a stage."""

    stage: str
    #: Number of all shards, and of finished ones.
    shards: int
    done: int
    running: list[int]  # shards that a process works on
    queued: list[int]  # further shards of tasks in Slurm's queue, waiting or on a node
    failed: list[Failure]  # failed shards outside active tasks, by reason
    unknown: list[int]  # missing shards of tasks whose state Slurm does not report
    jobs: dict[str, str]  # number of each active job → its state as text
    damaged: list[str] = field(default_factory=list)  # what finished shards lack

    @property
    def failures(self) -> int:
        """Number of shards that failed."""
        return sum(len(failure.shards) for failure in self.failed)

    @property
    def missing(self) -> int:
        """Number of shards that are neither done, running, queued nor failed."""
        return self.shards - self.done - len(self.running) - len(self.queued) - self.failures


def lacking_shards(workspace: Workspace, summary: dict[str, Any]) -> set[int]:
    """Return finished shards with fewer synthetic faces than the last run requested."""
    stage = summary["stage"]
    asked = synthetic.asked(workspace, stage) if "generator" in summary else None
    if asked is None:
        return set()
    faces, count = asked["faces"], asked["shards"]
    size = faces if count == 1 else workspace.info(stage).get("shard_size", 0)
    if not size or -(-faces // size) != count:  # of other settings: unknown
        return set()
    wanted = {shard: min(size, faces - shard * size) for shard in range(count)}
    markers = [workspace.marker(stage, shard) for shard in wanted.keys() - set(summary["stale"])]
    return {marker.shard for marker in markers if marker and marker.rows < wanted[marker.shard]}


def stage_status(
    workspace: Workspace, summary: dict[str, Any], slurm: SlurmJobs, lacking: Collection[int]
) -> StageStatus:
    """Return the progress of a stage from markers, folders of running work and Slurm's queue.

    `summary` is that of `summarize_stage`; `lacking` are finished shards with too few rows.
    """
    stage = summary["stage"]
    shards = set(range(summary["shards"]))
    spoilt = {*summary["stale"], *summary["damaged"], *lacking}
    left = shards - (set(workspace.shards(stage)) - spoilt)
    known = read_records(workspace.root, stage)
    tasks = {
        shard: (array, task)
        for array in known
        for task, given in enumerate(array.tasks)
        for shard in given
    }
    living = living_tasks(known, slurm.queue) if slurm.queue is not None else {}
    flight = {shard: at for shard, at in living.items() if shard in left}
    running = left & shards_in_hand(workspace, stage)
    if slurm.queue is not None:  # the folder of a dead node's task remains for a day
        ended = tasks.keys() - {shard for shard, at in flight.items() if at[2].running}
        running -= ended - shards_in_hand(workspace, stage, by_age=False)
    rest = left - running - set(flight)
    failed = _failures(workspace, stage, tasks, slurm, rest)
    jobs = {state.job or "…": state.state.lower() for _, _, state in flight.values()}
    jobs |= {s.job: s.state.lower() for _, _, s in flight.values() if s.running}
    explained = {shard for failure in failed for shard in failure.shards}
    return StageStatus(
        stage=stage,
        shards=len(shards),
        done=summary["done"] - len(set(lacking) - {*summary["damaged"]}),
        running=sorted(running),
        queued=sorted(set(flight) - running),
        failed=failed,
        unknown=sorted(rest & tasks.keys() - explained) if slurm.queue is None else [],
        jobs=jobs,
        damaged=[text for shard, text in summary["damaged"].items() if shard not in running],
    )


def _failures(
    workspace: Workspace,
    stage: str,
    tasks: dict[int, tuple[JobRecord, int]],
    slurm: SlurmJobs,
    left: set[int],
) -> list[Failure]:
    """Return why shards failed: their own records, or the final state of their last task.

    While Slurm does not answer, that task may still run.
    """
    notes = workspace.failures(stage)
    found: dict[str, Failure] = {}
    for shard in sorted(left):
        if shard in notes:
            error, log = notes[shard]["error"], notes[shard].get("log", [])
            found.setdefault(error, Failure([], error, log)).shards.append(shard)
        elif shard in tasks and slurm.queue is not None:
            array, task = tasks[shard]
            name = str(array.log(task))
            if name not in found and array.log(task).exists():  # else it never started
                found[name] = Failure([], _end(array, task, slurm), array.tail(task))
            if name in found:
                found[name].shards.append(shard)
    return list(found.values())


def _end(array: JobRecord, task: int, slurm: SlurmJobs) -> str:
    stopped = array.error(task)
    if stopped is not None:
        return stopped.message
    return f"task {array.job}_{task} {slurm.end(array, task)}, log {array.log(task)}"
