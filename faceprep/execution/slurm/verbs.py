"""Verbs that Slurm runs as one job: what each needs, saves and prints."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faceprep.config import Config, SlurmTrainConfig
from faceprep.core.progress import Progress
from faceprep.execution.slurm.task import queue_again_at_notice, requeue

if TYPE_CHECKING:
    from rich.console import RenderableType

    #: What a verb prints, and the same as JSON-ready values; None when it was stopped.
    Printed = tuple[list[RenderableType], dict[str, Any]] | None


@dataclass(frozen=True)
class Verb:
    """A verb that is one job.

    Attributes
    ----------
    name
        Of its section, of its section below ``[slurm]``, and of its folder in the workspace.
    workers
        As `Config.workers`, where nothing says how many.
    saved
        A number that is another one whenever more is saved to go on from; 0 for nothing.
    made_of
        What it looks at, JSON-ready; None when that takes more than a glance to tell.
    work
        Do it on this node, or redo it; None when it was stopped, to be gone on with later.
    """

    name: str
    workers: Callable[[SlurmTrainConfig], int]
    saved: Callable[[Config], int]
    made_of: Callable[[Config], dict[str, Any] | None]
    work: Callable[[Config, bool], "Printed"]


def _train(config: Config, overwrite: bool) -> "Printed":
    """Train; told before the time limit, save everything and queue the job again."""
    from faceprep.report.train_table import train_tables
    from faceprep.stages.train.run import run_train

    # Until the training listens itself, there is nothing to save.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    result = run_train(config, Progress(), overwrite=overwrite)
    if result.outcome is None or not result.outcome.stopped:
        return train_tables(result)
    print(f"stopped by {result.outcome.stopped} after step {result.outcome.steps}", flush=True)
    # SIGTERM comes from scancel, or from a preemption after which Slurm queues it again itself.
    if result.outcome.stopped == "SIGUSR1" and requeue():
        signal.pause()  # Slurm ends it
    return None


def _checkpoint_time(config: Config) -> int:
    from faceprep.workspace.artifacts import RESUME, generator_folder, generator_name

    folder = generator_folder(
        config.workspace, generator_name(config.train.generator, config.train.fold)
    )
    try:
        return (folder / RESUME).stat().st_mtime_ns
    except OSError:
        return 0


def _faces(config: Config) -> dict[str, Any]:
    from faceprep.workspace import Workspace
    from faceprep.workspace.inputs import inputs_of

    return inputs_of(Workspace(config.workspace), {})


def _classify(config: Config, overwrite: bool) -> "Printed":
    """Train the cells of the table; the time limit costs those in hand."""
    from faceprep.report.accuracy.files import write_files
    from faceprep.report.accuracy.table import accuracy_tables
    from faceprep.stages.classify.run import run_classify

    begun = _cells_time(config)
    queue_again_at_notice(lambda: _cells_time(config) != begun)
    progress = Progress()
    result = run_classify(config, progress, overwrite=overwrite)
    return accuracy_tables(config, result, write_files(config, result, progress))


def _cells_time(config: Config) -> int:
    from faceprep.stages.classify.run import STAGE

    cells = (config.workspace / STAGE / "cells").glob("*.parquet")
    return max((path.stat().st_mtime_ns for path in cells), default=0)


#: By their names.
VERBS = {
    verb.name: verb
    for verb in (
        Verb("train", lambda asks: asks.cpus, _checkpoint_time, _faces, _train),
        # A GPU takes one training at a time unless more are asked for.
        Verb(
            "classify",
            lambda asks: 1 if asks.gpus else asks.cpus,
            _cells_time,
            lambda config: None,  # also synthetic faces and features, which take long to look at
            _classify,
        ),
    )
}
