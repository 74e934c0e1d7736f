"""The verbs that Slurm runs as a single job."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.slurm.node import requeue, requeue_at_notice
from faceprep.execution.slurm.verb import Verb
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import ASKED, RESUME, generator_folder, generator_name
from faceprep.workspace.inputs import inputs_of

#: Output of a verb, as text and as JSON-ready values; None if it was stopped before its end.
Printed = tuple[str, dict[str, Any]] | None


@dataclass(frozen=True)
class VerbJob:
    """A verb that runs as a single job."""

    verb: Verb  # description for the submitting command
    workers: Callable[[Config], int]  # function that returns the default number of worker processes
    #: Function that runs the verb on this node; its second argument is ``overwrite``.
    work: Callable[[Config, bool], Printed]


def _train(config: Config, overwrite: bool) -> Printed:
    """Train; at the signal before the time limit, save the state and requeue the job."""
    from faceprep.report.tables.console import as_text
    from faceprep.report.tables.generator import train_tables
    from faceprep.report.training import PICTURES
    from faceprep.stages.train.run import run_train

    # Until the training handles the signal itself, there is nothing to save.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    result = run_train(config, Progress(), PICTURES, overwrite=overwrite)
    if result.outcome is None or not result.outcome.stopped:
        renderables, data = train_tables(result)
        return as_text(renderables), data
    print(f"stopped by {result.outcome.stopped} after step {result.outcome.steps}", flush=True)
    # SIGTERM is sent by scancel, or by a preemption, after which Slurm requeues the job.
    if result.outcome.stopped == "SIGUSR1" and requeue():
        signal.pause()  # until Slurm ends the process
    return None


def _checkpoint_time(config: Config) -> int:
    name = generator_name(config.train.generator, config.train.fold)
    folder = generator_folder(config.workspace, name)
    try:
        return (folder / RESUME).stat().st_mtime_ns
    except OSError:
        return 0


def _faces(config: Config) -> dict[str, Any]:
    return inputs_of(Workspace(config.workspace), {})


def _check_training(config: Config) -> None:
    from faceprep.stages.train.continuation import check_training

    check_training(config)


def _check_table(config: Config) -> None:
    """Refuse a table that would lose rows of the finished one without ``--overwrite``."""
    from faceprep.stages.classify.run import STAGE, run_classify

    folder = config.workspace / STAGE
    # A table that was begun is left to the node, which knows its own device.
    if (folder / "accuracy.parquet").is_file() and not (folder / ASKED).is_file():
        here = config.model_copy(update={"device": "cpu"})
        run_classify(here, Progress(quiet=True), dry_run=True)


def _classify(config: Config, overwrite: bool) -> Printed:
    """Train the classifiers of the table; unfinished trainings are lost at the time limit."""
    from faceprep.report.accuracy.files import write_files
    from faceprep.report.accuracy.table import accuracy_tables
    from faceprep.report.tables.console import as_text
    from faceprep.stages.classify.run import run_classify

    begun = _last_training_time(config)
    requeue_at_notice(lambda: _last_training_time(config) != begun)
    progress = Progress()
    result = run_classify(config, progress, overwrite=overwrite)
    renderables, data = accuracy_tables(config, result, write_files(config, result))
    return as_text(renderables), data


def _last_training_time(config: Config) -> int:
    from faceprep.stages.classify.runs import STAGE

    trainings = (config.workspace / STAGE / "cells").glob("*.parquet")
    return max((path.stat().st_mtime_ns for path in trainings), default=0)


def _one_per_gpu(config: Config) -> int:
    """Return 1 worker for a GPU, else one worker per core."""
    job = config.slurm.classify
    return 1 if job.gpus else job.cpus


#: Verb → its job.
SINGLE_JOBS = {
    job.verb.name: job
    for job in (
        VerbJob(
            Verb("train", _checkpoint_time, _faces, _check_training),
            lambda config: config.slurm.train.cpus,
            _train,
        ),
        VerbJob(
            # It also reads synthetic faces and features, which are slow to hash.
            Verb("classify", _last_training_time, lambda config: None, _check_table),
            _one_per_gpu,
            _classify,
        ),
    )
}
