"""Run one stage over its shards with an engine."""

import contextlib
import functools
import os
import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from typing import Any

from faceprep.config import Config
from faceprep.config.section import locations
from faceprep.core.disk import shortage
from faceprep.core.errors import FaceprepError, ManifestError
from faceprep.core.progress import Progress
from faceprep.execution import local
from faceprep.execution.consent import settle
from faceprep.execution.dask import engine as dask
from faceprep.execution.failures import FirstFaces, failed_faces, reasons
from faceprep.execution.job import Engine, Job, Outcome, ShardError, Work
from faceprep.execution.plan import (
    Options,
    StageResult,
    announcement,
    config_hash,
    plan_stage,
    row_count,
    shard_count,
)
from faceprep.execution.shard import run_shard, versions
from faceprep.execution.slurm import engine as slurm
from faceprep.execution.stage import Stage
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.pending import remove_abandoned, rows_in_hand
from faceprep.workspace.schemas import SCHEMA_VERSION

_LOG_LINES = 12  # recorded lines of a traceback


def run_stage(
    stage: Stage,
    config: Config,
    options: Options,
    progress: Progress,
    changing: Collection[int] = (),
) -> StageResult:
    """Bring one stage up to date with its upstream stages.

    Parameters
    ----------
    changing
        In a dry run: shards that upstream stages would make again.

    Raises
    ------
    MissingToolError
        A package or weight file of the stage is missing.
    FaceprepError
        The upstream stage has not run, or the workspace cannot be written.
    """
    jobs, result = plan_stage(stage, config, options, changing if options.dry_run else ())
    progress.say(announcement(stage, config, result, options))
    if options.dry_run:
        return result
    workspace = Workspace(config.workspace)
    started = time.monotonic()
    if jobs:
        stage.check(config)
        for name, remark in stage.remarks(config).items():
            progress.say(f"{stage.name}: {name} {remark}")
        warning = shortage(result.disk_bytes, workspace.root)
        if warning:
            progress.say(f"{stage.name}: warning: {warning}")
        workspace.make_folder(stage.name)
    remove_abandoned(workspace, stage.name)
    workspace.remove_shards(stage.name, shard_count(workspace))
    rows = sum(row_count(workspace, job.shard) for job in jobs)
    first = FirstFaces(stage, config, result.done_before, len(jobs))
    done, failed = run_jobs(stage.name, jobs, run_shard, config, progress, rows, finished=first.add)
    result.failed |= failed
    made = len(workspace.shards(stage.name))
    if made and (options.only is None or made == shard_count(workspace)):
        workspace.write_info(stage.name, _info(stage, config, workspace))
        settle(workspace, stage.name, config_hash(stage, config))
    result.rows_made = done
    result.seconds = time.monotonic() - started
    result.status = workspace.counts(stage.name, options.mine)
    if failed_faces(result.status):
        mine = filter(options.mine, workspace.shards(stage.name))
        result.reasons = reasons(workspace, stage.name, mine)
    return result


def _ignore_shard(shard: int, marker: Marker) -> None:
    """Ignore a finished shard."""


def run_jobs(
    stage: str,
    jobs: Sequence[Job],
    work: Work,
    config: Config,
    progress: Progress,
    rows: int,
    engine: Engine | None = None,
    finished: Callable[[int, Marker], None] = _ignore_shard,
) -> tuple[int, dict[int, str]]:
    """Run the jobs of a stage with an engine, and show their progress.

    Parameters
    ----------
    work
        Function that a worker calls with a job.
    engine
        Engine to use; None for the configured engine.
    finished
        Function that is called with the number and the marker of every finished shard.

    Returns
    -------
    Number of rows made, and failed shard → error.

    Raises
    ------
    FaceprepError
        An error affects all shards.
    """
    workspace, done, failed = Workspace(config.workspace), 0, dict[int, str]()
    in_hand = {job.shard for job in jobs}
    progress.start(stage, rows)
    try:
        with Ticker(progress, workspace, stage, in_hand) as ticker:
            run = engine or load_engine(config.engine, note=ticker.note, say=progress.say)
            for outcome in run(jobs, work, workers(config)):
                in_hand.discard(outcome.job.shard)
                if outcome.marker is not None:
                    done += outcome.marker.rows
                    finished(outcome.job.shard, outcome.marker)
                else:
                    failed[outcome.job.shard] = _note_failure(outcome, workspace)
                ticker.done = done
    except BaseException:
        with contextlib.suppress(OSError):
            remove_abandoned(workspace, stage)  # of workers that were ended, e.g. on a full disk
        raise
    finally:
        progress.finish()
    return done, failed


def workers(config: Config) -> int:
    """Return the number of worker processes: as configured, or one per core."""
    return config.workers or len(os.sched_getaffinity(0))


def _info(stage: Stage, config: Config, workspace: Workspace) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "schema_version": SCHEMA_VERSION,
        "settings": stage.settings(config),
        "remarks": stage.remarks(config),
        "config": config.settings(),
        "locations": locations(getattr(config, stage.name), stage.name),
        "versions": versions(),
        "shards": shard_count(workspace),
    }


def _note_failure(outcome: Outcome, workspace: Workspace) -> str:
    """Return one line for a failed shard, and record it in the workspace for ``faceprep status``.

    An error that stops the whole run is raised instead.
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


def _ignore(words: str) -> None:
    """Ignore a message."""


def load_engine(
    name: str, note: Callable[[str], None] = _ignore, say: Callable[[str], None] = _ignore
) -> Engine:
    """Return the engine with a name from `faceprep.config.Config.engine`.

    `note`: receiver of lines on the current state; called by engines with a queue only.
    `say`: receiver of a line on an event; called by engines with a queue only.
    """
    if name == "slurm":
        return functools.partial(slurm.run, note=note, say=say)
    return {"local": local.run, "dask": dask.run}[name]


_TICK_SECONDS = 0.5


class Ticker:
    """Thread that updates the progress display from counts written by workers.

    Attributes
    ----------
    done
        Number of rows of the ended shards.
    """

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
                done = self.done + rows_in_hand(workspace, stage, set(in_hand))
                # Reading the counts lists every shard: with many shards, or a slow disk, update
                # less often.
                pause = max(_TICK_SECONDS, 20 * (time.monotonic() - began))
                progress.update(done, below=self._note)

        self._thread = threading.Thread(target=tick, daemon=True)

    def note(self, words: str) -> None:
        """Show lines below the progress."""
        self._note = words

    def __enter__(self) -> "Ticker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
