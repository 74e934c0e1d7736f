"""``faceprep status``: what is done, under way and failed now, with the last words of failures."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import STAGES
from faceprep.core.errors import FaceprepError
from faceprep.execution.slurm.job_record import Array, arrays, in_flight
from faceprep.execution.slurm.queue import Queue, how_they_ended, look
from faceprep.report.generated import CLASSIFY, generators, summarize_synthetic, training_steps
from faceprep.report.summary import summarize_stage
from faceprep.workspace import Workspace, synthetic
from faceprep.workspace.artifacts import generator_folder
from faceprep.workspace.in_hand import shards_in_hand

if TYPE_CHECKING:
    from rich.console import RenderableType

_TRAIN = "train"
_MOST_FAILURES = 10


@dataclass(frozen=True)
class Failure:
    """Shards that could not be made: why, and the end of their log."""

    shards: list[int]
    error: str
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StageStatus:
    """How far a stage is.

    Attributes
    ----------
    shards, done
        In all, and finished.
    running
        Shards that some process works on.
    queued
        Further shards of tasks in Slurm's queue, waiting or on a node.
    failed
        Shards that were tried and are in no living task, by the reason.
    unknown
        Of the missing, those that a task was given, while Slurm does not say what became of it.
    jobs
        Number of each living job → its state in words.
    """

    stage: str
    shards: int
    done: int
    running: list[int]
    queued: list[int]
    failed: list[Failure]
    unknown: list[int]
    jobs: dict[str, str]

    @property
    def failures(self) -> int:
        """Shards that failed."""
        return sum(len(failure.shards) for failure in self.failed)

    @property
    def missing(self) -> int:
        """Shards of which none of that is true."""
        return self.shards - self.done - len(self.running) - len(self.queued) - self.failures


@dataclass(frozen=True)
class _Slurm:
    """What Slurm knows of the jobs of a workspace.

    Attributes
    ----------
    queue
        None when it does not answer.
    silent
        Why.
    jobs
        Numbers of all jobs that the workspace names.
    """

    queue: Queue | None
    silent: str | None = None
    jobs: tuple[str, ...] = ()

    def end(self, array: Array, task: int) -> str:
        """How far a task is, or how it ended, in words."""
        if self.queue is None:
            return "unknown"
        state = array.states(self.queue).get(task)
        if state is not None:
            return state.state.lower()
        ended = self._ends.get(f"{array.job}_{task}") or self._ends.get(array.job)
        return (ended or "has left the queue").lower()

    @cached_property
    def _ends(self) -> dict[str, str]:
        """One question for all jobs, and only when somebody wants to know."""
        return how_they_ended(self.jobs)


def status(root: Path) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Look at the markers, the folders of work in hand, and Slurm's queue where there is one.

    Returns
    -------
    What to print, and the same as JSON-ready values.
    """
    workspace = Workspace(root)
    slurm = _ask_slurm(workspace)
    summaries = [summarize_stage(workspace, stage) for stage in STAGES]
    names = generators(workspace, synthetic.STAGE)
    summaries += [summarize_synthetic(workspace, name) for name in names]
    stages = [
        _stage(workspace, summary, slurm, _lacking(workspace, summary)) for summary in summaries
    ]
    training, table = _training(workspace, slurm), _job(workspace, CLASSIFY, slurm)
    data = {
        "workspace": str(root),
        "stages": [{**asdict(stage), "missing": stage.missing} for stage in stages],
        "train": training,
        "classify": table,
        "queue_error": slurm.silent,
    }
    return _render(stages, training, table, slurm.silent), data


def _ask_slurm(workspace: Workspace) -> _Slurm:
    """Ask Slurm, when the workspace was ever given to it."""
    made = map(synthetic.stage_of, generators(workspace, synthetic.STAGE))
    stages = (*STAGES, *made, _TRAIN, CLASSIFY)
    used = [array for stage in stages for array in arrays(workspace.root, stage)]
    jobs = tuple(array.job for array in used if array.job)
    try:
        return _Slurm(look() if used else {}, jobs=jobs)
    except FaceprepError as error:
        return _Slurm(None, error.message, jobs)


def _lacking(workspace: Workspace, summary: dict[str, Any]) -> set[int]:
    """Finished shards of synthetic faces that have fewer than the last run was asked for."""
    stage = summary["stage"]
    asked = synthetic.asked(workspace, stage) if "generator" in summary else None
    if asked is None:
        return set()
    faces, count = asked["faces"], asked["shards"]
    size = faces if count == 1 else workspace.info(stage).get("shard_size", 0)
    if not size or -(-faces // size) != count:  # of other settings: nobody knows
        return set()
    wanted = {shard: min(size, faces - shard * size) for shard in range(count)}
    markers = [workspace.marker(stage, shard) for shard in wanted.keys() - set(summary["stale"])]
    return {marker.shard for marker in markers if marker and marker.rows < wanted[marker.shard]}


def _stage(
    workspace: Workspace, summary: dict[str, Any], slurm: _Slurm, lacking: Collection[int]
) -> StageStatus:
    stage = summary["stage"]
    shards = set(range(summary["shards"]))
    left = shards - (set(workspace.shards(stage)) - set(summary["stale"]) - set(lacking))
    known = arrays(workspace.root, stage)
    tasks = {
        shard: (array, task)
        for array in known
        for task, given in enumerate(array.tasks)
        for shard in given
    }
    in_flight_now = in_flight(known, slurm.queue) if slurm.queue is not None else {}
    flight = {shard: at for shard, at in in_flight_now.items() if shard in left}
    running = left & shards_in_hand(workspace, stage)
    if slurm.queue is not None:  # what a task left on a node that died stays there for a day
        ended = tasks.keys() - {shard for shard, at in flight.items() if at[2].running}
        running -= ended - shards_in_hand(workspace, stage, by_age=False)
    rest = left - running - set(flight)
    failed = _failures(workspace, stage, tasks, slurm, rest)
    jobs = {state.job or "…": state.state.lower() for _, _, state in flight.values()}
    jobs |= {s.job: s.state.lower() for _, _, s in flight.values() if s.running}
    told = {shard for failure in failed for shard in failure.shards}
    return StageStatus(
        stage=stage,
        shards=len(shards),
        done=summary["done"] - len(lacking),
        running=sorted(running),
        queued=sorted(set(flight) - running),
        failed=failed,
        unknown=sorted(rest & tasks.keys() - told) if slurm.queue is None else [],
        jobs=jobs,
    )


def _failures(
    workspace: Workspace,
    stage: str,
    tasks: dict[int, tuple[Array, int]],
    slurm: _Slurm,
    left: set[int],
) -> list[Failure]:
    """Return why shards are not made: their own notes, or how the last task that had them ended.

    While Slurm is silent that task may be at work.
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
            if name not in found and array.log(task).exists():  # else it never began
                found[name] = Failure([], _end(array, task, slurm), array.tail(task))
            if name in found:
                found[name].shards.append(shard)
    return list(found.values())


def _end(array: Array, task: int, slurm: _Slurm) -> str:
    stopped = array.error(task)
    if stopped is not None:
        return stopped.message
    return f"task {array.job}_{task} {slurm.end(array, task)}, log {array.log(task)}"


def _training(workspace: Workspace, slurm: _Slurm) -> dict[str, Any] | None:
    """Return the last job of a training and the steps of every generator; None without either."""
    steps = {
        name: training_steps(generator_folder(workspace.root, name))
        for name in generators(workspace, _TRAIN)
    }
    job = _job(workspace, _TRAIN, slurm)
    return {"steps": steps, **(job or {})} if steps or job else None


def _job(workspace: Workspace, verb: str, slurm: _Slurm) -> dict[str, Any] | None:
    """Return number, state and the end of the log of the last job of a verb that is one job."""
    known = arrays(workspace.root, verb)
    if not known:
        return None
    last = known[-1]
    return {"job": last.job, "state": slurm.end(last, 0), "log": last.tail(0)}


def _render(
    stages: list[StageStatus],
    training: dict[str, Any] | None,
    classifying: dict[str, Any] | None,
    silent: str | None,
) -> "list[RenderableType]":
    from rich.text import Text

    from faceprep.report.generated_view import steps_in_words
    from faceprep.report.tables import plain_table

    numbers = ("shards", "done", "running", "queued", "failed", "missing")
    table = plain_table(None, "stage", *numbers, "jobs", right=numbers)
    table.columns[0].no_wrap = True  # folds' names differ at their ends
    table.collapse_padding = True
    for stage in stages:
        queued = "unknown" if stage.unknown else len(stage.queued)
        counts = (stage.shards, stage.done, len(stage.running), queued)
        jobs = ", ".join(f"{job} {state}" for job, state in sorted(stage.jobs.items()))
        words = [str(count) for count in (*counts, stage.failures, stage.missing)]
        table.add_row(stage.stage, *words, jobs, style="red" if stage.failed else None)
    parts: list[RenderableType] = [table]
    for stage in stages:
        for failure in stage.failed[:_MOST_FAILURES]:
            reason = f"{stage.stage} {_shards(failure.shards)}: {failure.error}"
            parts.append(Text(reason, "red", overflow="fold"))
            parts += [Text(f"  {line}", "dim") for line in failure.log]
        if len(stage.failed) > _MOST_FAILURES:
            parts.append(Text(f"{stage.stage}: {len(stage.failed) - _MOST_FAILURES} more, --json"))
    if training is not None:
        steps = ", ".join(f"{name} {steps_in_words(n)}" for name, n in training["steps"].items())
        job = f"job {training['job']} {training['state']}" if "job" in training else ""
        parts.append(Text("train: " + ", ".join(part for part in (steps, job) if part)))
        parts += [Text(f"  {line}", "dim") for line in training.get("log", [])]
    if classifying is not None:
        parts.append(Text(f"classify: job {classifying['job']} {classifying['state']}"))
        parts += [Text(f"  {line}", "dim") for line in classifying["log"]]
    if silent is not None:
        parts.append(Text(f"Slurm's queue is not known: {silent}", "yellow"))
    return parts


def _shards(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"shard {numbers[0]}"
    whole = numbers[-1] - numbers[0] == len(numbers) - 1
    words = f"{numbers[0]}–{numbers[-1]}" if whole else ", ".join(map(str, numbers[:8]))
    return f"shards {words}{'' if whole or len(numbers) <= 8 else ' …'}"
