"""One stage over its shards: what is done, what is left, and doing it.

A shard's identity is two hashes: of its input (the upstream parts) and of the settings that the
stage reads. Equal hashes mean equal output, so a finished shard is left alone, and everything
else is done again. An engine decides in which process.
"""

import os
import threading
import time
import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from faceprep.config import Config, digest
from faceprep.core.errors import FaceprepError, ManifestError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.engine import Engine, Outcome, ShardError, load_engine
from faceprep.execution.shard import Job, run_shard, versions
from faceprep.execution.stage import Stage
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import SCHEMA_VERSION

if TYPE_CHECKING:
    from faceprep.execution.engine import Work

_TICK_SECONDS = 0.5
_LOG_LINES = 12  # of a traceback, in the workspace


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what: none of it changes the output.

    Attributes
    ----------
    overwrite
        Redo finished shards of the stage asked for.
    retry_failed
        Redo rows whose status is not ``ok``.
    dry_run
        Change nothing; say what would be done.
    shard
        ``(i, n)``: only every shard whose number is ``i - 1`` modulo ``n``.
    only
        Only these shards.
    wait
        Wait for the cluster's jobs; otherwise submit them and leave.
    """

    overwrite: bool = False
    retry_failed: bool = False
    dry_run: bool = False
    shard: tuple[int, int] | None = None
    only: frozenset[int] | None = None
    wait: bool = True

    def for_upstream(self) -> "Options":
        """Return the options for the stages before the one asked for."""
        return replace(self, overwrite=False)

    def refuse_leaving(self, engine: str) -> None:
        """Raise `UsageError` when the jobs of an engine that has none are not to be waited for."""
        if not self.wait and engine != "slurm":
            raise UsageError("--no-wait leaves jobs to Slurm", "add --engine slurm")

    def mine(self, shard: int) -> bool:
        """Whether a shard falls to this process."""
        if self.only is not None and shard not in self.only:
            return False
        return self.shard is None or shard % self.shard[1] == self.shard[0] - 1


@dataclass
class StageResult:
    """What became of one stage.

    Attributes
    ----------
    stage
        Its name.
    shards, done_before
        Shards that fall to this process, and how many were finished when it began.
    todo
        Numbers of the shards (to be) made.
    rows, rows_made
        Rows in all its shards, and in those made just now.
    status
        Rows by status over its finished shards, also earlier ones.
    seconds
        Wall time.
    failed
        Shard → error, for shards that could not be made.
    disk_bytes
        Estimate of what the shards in ``todo`` take.
    """

    stage: str
    shards: int
    done_before: int
    todo: list[int]
    rows: int
    rows_made: int = 0
    status: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    failed: dict[int, str] = field(default_factory=dict)
    disk_bytes: int = 0


def config_hash(stage: Stage, config: Config) -> str:
    """Hash of the settings that a stage reads, and of its own version."""
    return digest({"settings": stage.settings(config), "version": stage.version})


def run_stage(
    stage: Stage,
    config: Config,
    options: Options,
    progress: Progress,
    changing: Collection[int] = (),
) -> StageResult:
    """Bring one stage up to date with its upstream.

    Parameters
    ----------
    changing
        In a dry run: shards that the stages before it would make anew.

    Raises
    ------
    MissingToolError
        When the stage needs a package or weight file that is missing.
    FaceprepError
        When the upstream is missing, or nothing can be written.
    """
    workspace = Workspace(config.workspace)
    jobs, result = _plan(stage, config, options, workspace, changing if options.dry_run else ())
    progress.say(_announcement(stage, config, workspace, result, options))
    if options.dry_run:
        return result
    started = time.monotonic()
    if jobs:
        stage.check(config)
        workspace.make_folder(stage.name)
    workspace.sweep(stage.name)
    workspace.remove_shards(stage.name, _shard_count(workspace))
    rows = sum(_rows(workspace, job.shard) for job in jobs)
    done, failed = run_jobs(stage.name, jobs, run_shard, config, progress, rows)
    result.failed |= failed
    made = len(workspace.shards(stage.name))
    if made and (options.only is None or made == _shard_count(workspace)):
        workspace.write_info(stage.name, _info(stage, config, workspace))
    result.rows_made = done
    result.seconds = time.monotonic() - started
    result.status = workspace.counts(stage.name, options.mine)
    return result


def run_jobs(
    stage: str,
    jobs: Sequence[Job],
    work: "Work",
    config: Config,
    progress: Progress,
    rows: int,
    engine: Engine | None = None,
) -> tuple[int, dict[int, str]]:
    """Have an engine do the jobs of a stage, and show how far they are.

    Parameters
    ----------
    stage
        As its folder is called.
    work
        What a worker does with a job.
    rows
        How many rows the jobs are to make.
    engine
        Another than the configuration names.

    Returns
    -------
    Rows made, and why shards could not be made, by their number.

    Raises
    ------
    FaceprepError
        When no shard can be made.
    """
    workspace, done, failed = Workspace(config.workspace), 0, dict[int, str]()
    in_hand = {job.shard for job in jobs}
    progress.start(stage, rows)
    try:
        with _Ticker(progress, workspace, stage, in_hand) as ticker:
            run = engine or load_engine(config.engine, note=ticker.note, say=progress.say)
            for outcome in run(jobs, work, workers(config)):
                in_hand.discard(outcome.job.shard)
                if outcome.marker is not None:
                    done += outcome.marker.rows
                else:
                    failed[outcome.job.shard] = _noted(outcome, workspace)
                ticker.done = done
    finally:
        progress.finish()
    return done, failed


def submit_stage(
    stage: Stage,
    config: Config,
    options: Options,
    progress: Progress,
    changing: Collection[int],
    after: Sequence[str],
) -> tuple[StageResult, list[str]]:
    """Submit what is left of a stage to Slurm, and do not wait for it.

    Parameters
    ----------
    changing
        Shards that jobs submitted before will make anew in the stages before it.
    after
        Numbers of those jobs.

    Returns
    -------
    What is left to do, and the numbers of the jobs that do it, earlier ones included.

    Raises
    ------
    MissingToolError, FaceprepError
        As `run_stage`, and when Slurm refuses the jobs.
    """
    from faceprep.execution.slurm.submission import Order, place

    workspace = Workspace(config.workspace)
    # Before the plan: what is made meanwhile is not what is to be made again.
    stamps = workspace.stamps(stage.name) if options.overwrite or options.retry_failed else {}
    _, result = _plan(stage, config, replace(options, dry_run=True), workspace, changing)
    progress.say(_announcement(stage, config, workspace, result, options))
    if not result.todo:
        return result, []
    stage.check(config)
    workspace.make_folder(stage.name)
    workspace.remove_shards(stage.name, _shard_count(workspace))
    order = Order(
        stage,
        config,
        config_hash(stage, config),
        result.todo,
        {shard: stamps[shard] for shard in result.todo if shard in stamps},
        overwrite=options.overwrite,
        retry_failed=options.retry_failed,
    )
    return result, place(order, after, progress.say)


def workers(config: Config) -> int:
    """Number of worker processes: as configured, or one per core."""
    return config.workers or len(os.sched_getaffinity(0))


def _plan(
    stage: Stage,
    config: Config,
    options: Options,
    workspace: Workspace,
    changing: Collection[int],
) -> tuple[list[Job], StageResult]:
    hashed = config_hash(stage, config)
    jobs, missing = [], []
    mine = [shard for shard in range(_shard_count(workspace)) if options.mine(shard)]
    rows = {shard: _rows(workspace, shard) for shard in mine}
    stamps = workspace.stamps(stage.name)
    for shard in mine:
        upstream = [workspace.marker(up, shard) for up in stage.upstream]
        if any(marker is None for marker in upstream):
            missing.append(shard)
            if options.dry_run:
                jobs.append(Job(stage, shard, config, "", hashed))
            continue
        input_hash = digest([marker.sha256 for marker in upstream if marker])
        done = workspace.is_done(stage.name, shard, input_hash, hashed)
        marker = workspace.marker(stage.name, shard)
        failed = marker is not None and bool(set(marker.status) - {"ok"})
        redo_failed = done and options.retry_failed and failed
        if not done or options.overwrite or redo_failed or shard in changing:
            keep, before = redo_failed and not options.overwrite, done and stamps.get(shard)
            jobs.append(Job(stage, shard, config, input_hash, hashed, keep, before or None))
    result = StageResult(
        stage=stage.name,
        shards=len(mine),
        done_before=len(mine) - len(jobs) - (0 if options.dry_run else len(missing)),
        todo=[job.shard for job in jobs],
        rows=sum(rows.values()),
    )
    if not options.dry_run:
        result.failed |= dict.fromkeys(missing, f"{stage.upstream[-1]} has not made this shard")
    result.disk_bytes = stage.bytes_per_face * sum(rows[job.shard] for job in jobs)
    return jobs, result


def _shard_count(workspace: Workspace) -> int:
    """Number of shards that select made."""
    info = workspace.info("select")
    if "shards" not in info:
        raise FaceprepError(
            f"{workspace.root} has no selected frames", "faceprep select --dataset … --root …"
        )
    return int(info["shards"])


def _rows(workspace: Workspace, shard: int) -> int:
    marker = workspace.marker("select", shard)
    return marker.rows if marker else 0


def _announcement(
    stage: Stage, config: Config, workspace: Workspace, result: StageResult, options: Options
) -> str:
    """One line on what is going to happen, and which setting brought it about."""
    if not result.todo:
        missing = f", {len(result.failed)} shards lack their input" if result.failed else ""
        return f"{stage.name}: up to date ({result.rows} rows){missing}"
    before = workspace.info(stage.name).get("settings", {})
    now = stage.settings(config)
    changed = [
        f"{stage.name}.{key} {before[key]} → {now[key]}"
        for key in sorted(now)
        if key in before and before[key] != now[key]
    ]
    why = f" ({', '.join(changed)})" if changed else ""
    verb = "would do" if options.dry_run else "doing"
    return f"{stage.name}: {verb} {len(result.todo)} of {result.shards} shards{why}"


def _info(stage: Stage, config: Config, workspace: Workspace) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "schema_version": SCHEMA_VERSION,
        "settings": stage.settings(config),
        "config": config.settings(),
        "versions": versions(),
        "shards": _shard_count(workspace),
    }


def _noted(outcome: Outcome, workspace: Workspace) -> str:
    """One line for a failed shard, also left in the workspace for ``faceprep status``.

    An error of ours that stops everything is raised instead.
    """
    error, job = outcome.error, outcome.job
    if isinstance(error, FaceprepError) and not isinstance(error, ManifestError):
        raise error
    if isinstance(error, FaceprepError):
        text = error.message
    elif isinstance(error, ShardError):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    lines = "".join(traceback.format_exception(error)).splitlines() if error else []
    log = error.log if isinstance(error, ShardError) else lines[-_LOG_LINES:]
    workspace.note_failure(job.stage.name, job.shard, text, log)
    return text


class _Ticker:
    """Moves the progress bar while the engine works, from what workers note in their folders."""

    def __init__(
        self, progress: Progress, workspace: Workspace, stage: str, in_hand: set[int]
    ) -> None:
        self.done = 0
        self._note = ""
        self._stop = threading.Event()

        def tick() -> None:
            pause = _TICK_SECONDS
            while not self._stop.wait(pause):
                began = time.monotonic()
                done = self.done + workspace.rows_in_hand(stage, set(in_hand))
                # A look lists every shard: many shards, or a slow disk, are looked at less often.
                pause = max(_TICK_SECONDS, 20 * (time.monotonic() - began))
                progress.update(done, below=self._note)

        self._thread = threading.Thread(target=tick, daemon=True)

    def note(self, words: str) -> None:
        """Show some lines below the progress."""
        self._note = words

    def __enter__(self) -> "_Ticker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
