"""The verbs that Slurm runs as one job: what each reads, saves and prints."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.slurm.node import requeue, requeue_at_notice
from faceprep.execution.slurm.verb import Verb
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import RESUME, generator_folder, generator_name
from faceprep.workspace.inputs import inputs_of

#: What a verb prints, as text and JSON-ready; None if it was stopped, to be continued later.
Printed = tuple[str, dict[str, Any]] | None


@dataclass(frozen=True)
class VerbJob:
    """A verb with what its job does on a node.

    Attributes
    ----------
    verb
        What the submitting command needs to know.
    workers
        Returns the number of worker processes if the configuration does not name one.
    work
        Runs the verb on this node; the second argument is whether to overwrite what is there.
    """

    verb: Verb
    workers: Callable[[Config], int]
    work: Callable[[Config, bool], Printed]


def _train(config: Config, overwrite: bool) -> Printed:
    """Train; at the notice before the time limit, save everything and requeue the job."""
    from faceprep.report.tables.console import as_text
    from faceprep.report.tables.train import train_tables
    from faceprep.report.training import PICTURES
    from faceprep.stages.train.run import run_train

    # Until the training handles the signal itself, there is nothing to save.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    result = run_train(config, Progress(), PICTURES, overwrite=overwrite)
    if result.outcome is None or not result.outcome.stopped:
        renderables, data = train_tables(result)
        return as_text(renderables), data
    print(f"stopped by {result.outcome.stopped} after step {result.outcome.steps}", flush=True)
    # SIGTERM comes from scancel, or from a preemption, after which Slurm itself requeues the job.
    if result.outcome.stopped == "SIGUSR1" and requeue():
        signal.pause()  # Slurm ends it
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


def _classify(config: Config, overwrite: bool) -> Printed:
    """Train the classifiers of the table; at the time limit, the trainings in hand are lost."""
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
    """Return one training at a time for a GPU, or one for each core."""
    job = config.slurm.classify
    return 1 if job.gpus else job.cpus


#: By name of the verb.
SINGLE_JOBS = {
    job.verb.name: job
    for job in (
        VerbJob(
            Verb("train", _checkpoint_time, _faces), lambda config: config.slurm.train.cpus, _train
        ),
        VerbJob(
            # It also reads synthetic faces and features, which take long to hash.
            Verb("classify", _last_training_time, lambda config: None),
            _one_per_gpu,
            _classify,
        ),
    )
}
