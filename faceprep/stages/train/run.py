"""The verb ``train``: train a generator on the aligned training faces of a workspace.

<workspace>/train/<generator>/  generator.safetensors   for use: averaged and raw weights
                                training.safetensors    full checkpoint, to resume from
                                history.parquet         losses and health of every step
                                samples/step-*.png      edits of training faces
                                losses.png              the history as a picture
                                train.json              settings, versions, data, times
"""

import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import torch

from faceprep.config import Config
from faceprep.config.sources import flatten
from faceprep.core.device import choose_device
from faceprep.core.errors import FaceprepError
from faceprep.core.files import here, write_json
from faceprep.core.marks import keep_foreign
from faceprep.core.progress import Progress
from faceprep.execution.consent import accept, settle
from faceprep.execution.shard import versions
from faceprep.generators.registry import spec_of
from faceprep.stages.train.calibration import calibrate_trained
from faceprep.stages.train.continuation import made_by, resumed
from faceprep.stages.train.plan import Plan, Prepared, prepare
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.initial_weights import freeze, match_weights
from faceprep.training.loop import Job, Outcome, Training
from faceprep.training.trainer import Samples
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import HISTORY, INFO, RESUME, TRAIN, USE, generator_name
from faceprep.workspace.at_work import at_work
from faceprep.workspace.remembered import remember

#: Title of a panel of the plot of losses → columns of the history.
_Panels: TypeAlias = Mapping[str, tuple[str, ...]]

LOSSES = "losses.png"

#: Number of threads beyond which small networks do not get faster.
_MOST_THREADS = 8


@dataclass(frozen=True)
class Pictures:
    """Drawing functions for a training."""

    #: ``samples(path, samples, preset, step)`` draws a sheet of samples.
    samples: Callable[[Path, Samples, str, int], None]
    #: ``losses(history, path, panels)`` draws the history.
    losses: Callable[[Path, Path, _Panels], Path]


@dataclass(frozen=True)
class Trained:
    """Result of `run_train`: the plan and the outcome (None for a dry run)."""

    plan: Plan
    outcome: Outcome | None = None
    finished_before: bool = False
    losses: str | None = None


def run_train(
    config: Config,
    progress: Progress,
    pictures: Pictures | None = None,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Trained:
    """Train a generator, or resume an earlier training.

    Raises
    ------
    UsageError
        A setting is invalid, there are no training faces, another training would be replaced
        without ``--overwrite``, or another command trains this generator now.
    MissingToolError
        The weights of the face features, or the requested GPU, are missing.
    FaceprepError
        The checkpoint is damaged, or a loss became NaN.
    """
    if dry_run:
        return _run(config, progress, pictures, overwrite=overwrite, dry_run=True)
    name = f"{TRAIN}/{generator_name(config.train.generator, config.train.fold)}"
    one = f"{here()}-{os.getpid()}-{time.monotonic_ns()}"  # not even an equal one side by side
    with at_work(config.workspace, {name: one}, flatten(config.train.settings(), f"{TRAIN}.")):
        return _run(config, progress, pictures, overwrite=overwrite, dry_run=False)


def _run(
    config: Config,
    progress: Progress,
    pictures: Pictures | None,
    *,
    overwrite: bool,
    dry_run: bool,
) -> Trained:
    device = _device(config.device)
    threads = config.workers or min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        prepared = prepare(config, device, threads)
        begun = None if overwrite else resumed(prepared, config)
        prepared = begun or prepared
        plan, start = prepared.plan, config.train.init_from
        if begun is None and start is not None and prepared.start is None:
            match_weights(start, prepared.setup.kind, prepared.setup.sketch)  # it is lost
        if dry_run:
            return Trained(plan)
        if begun is not None and _is_finished(prepared):
            _calibrate(config, prepared.folder, progress, device)
            if not (prepared.folder / LOSSES).is_file():
                _losses(config, prepared.folder, pictures)
            return Trained(plan, finished_before=True)
        return _train(config, progress, pictures, prepared, begun is not None)
    finally:
        torch.set_num_threads(before)


def _train(
    config: Config, progress: Progress, pictures: Pictures | None, prepared: Prepared, resume: bool
) -> Trained:
    folder, device = prepared.folder, prepared.plan.device
    remember(config, (TRAIN,))
    workspace, name = Workspace(config.workspace), f"{TRAIN}/{folder.name}"
    made, settings = made_by(prepared), config.train.settings()
    accept(workspace, name, made, settings, restart=not resume and (folder / RESUME).is_file())
    _make_folder(folder, empty=not resume)
    drawn: set[Path] = set()

    def replace_earlier() -> None:
        _remove_description(folder, drawn)
        accept(workspace, name, made, settings)

    training = _training(config, prepared, pictures, progress, drawn, replace_earlier)
    if prepared.start is not None and not resume:
        progress.say(f"train: {config.train.init_from}: {prepared.start.summary()}")
    if resume:
        training.resume()
        steps = f"resuming after step {training.steps} of {training.total}"
        complete = training.steps == training.total
        progress.say(f"train: {f'all steps are done; writing {USE} again' if complete else steps}")
    started = time.time()
    outcome = training.run(progress)
    info = {
        "config": config.train.model_dump(mode="json"),
        "networks": prepared.setup.config,
        "training": training.job.facts,
        **training.trainer.notes,
        "plan": vars(prepared.plan),
        "steps": outcome.steps,
        "stopped": outcome.stopped,
        "findings": outcome.findings,
        "subjects": prepared.subjects,
        **_times(folder, outcome, started),
        "versions": versions(),
    }
    if outcome.steps > outcome.began or _recorded_steps(folder) != outcome.steps:
        write_json(folder / INFO, info)
    settle(workspace, name)
    if not outcome.stopped:
        _calibrate(config, folder, progress, device)
    return Trained(prepared.plan, outcome, losses=_losses(config, folder, pictures))


def _is_finished(prepared: Prepared) -> bool:
    """Return whether no step is left, and all files are there and whole.

    A full disk may have room for the checkpoint but not for the files that are written after it.
    """
    folder, done = prepared.folder, prepared.plan.done
    if done < sum(prepared.plan.steps.values()):
        return False
    try:
        file = read_checkpoint(folder / USE)
        file.load()
    except FaceprepError:
        return False
    return file.progress.get("step") == done == _recorded_steps(folder)


def _recorded_steps(folder: Path) -> Any:
    try:
        return json.loads((folder / INFO).read_text())["steps"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _device(wanted: str) -> str:
    if choose_device(wanted) == "cpu":
        return "cpu"
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    return "cuda"


def _training(
    config: Config,
    prepared: Prepared,
    pictures: Pictures | None,
    progress: Progress,
    drawn: set[Path],
    replacing: Callable[[], None],
) -> Training:
    """Load the face features if a loss needs them, and build the networks.

    `drawn` receives the sheets of samples; for `replacing` see `Job`.
    """
    facts, data = prepared.facts, replace(prepared.data, say=progress.say)
    if prepared.setup.needs_features:
        features = prepared.load_features(prepared.plan.device)
        facts = {**facts, "features": features.provenance()}
        data = replace(data, features=features)

    def draw(samples: Samples, step: int) -> None:
        assert pictures is not None
        path = prepared.folder / "samples" / f"step-{step:06d}.png"
        pictures.samples(path, samples, config.train.preset, step)
        drawn.add(path)

    job = Job(
        folder=prepared.folder,
        subjects=prepared.subjects,
        seed=config.train.seed,
        facts=facts,
        extra=prepared.extra,
        checkpoint_every=config.train.checkpoint_every,
        sample_every=config.train.sample_every,
        draw=None if pictures is None else draw,
        replacing=replacing,
    )
    trainer = prepared.setup.trainer(data)
    if prepared.start is not None:
        prepared.start.copy_to(trainer.model)
        trainer.notes["init_from"] = prepared.start.to_json()
    if config.train.freeze:
        freeze(trainer.model, config.train.freeze)
    return Training(trainer, job)


def _make_folder(folder: Path, empty: bool) -> None:
    """Make the folder of a training; an earlier one stays whole until the first checkpoint."""
    try:
        if empty and not any((folder / name).is_file() for name in (RESUME, HISTORY)):
            keep_foreign([folder / LOSSES, *(folder / "samples").glob("*.png")], None)
        (folder / "samples").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaceprepError(
            f"cannot make {folder}: {error.strerror}", "choose another folder with --workspace"
        ) from error


def _remove_description(folder: Path, drawn: Collection[Path]) -> None:
    """Remove what describes an earlier training; its weights are replaced file by file.

    A checkpoint beside the record of another training is written for use again, see
    `_is_finished`.
    """
    for path in (folder / INFO, folder / LOSSES, *(folder / "samples").glob("step-*.png")):
        if path not in drawn:
            path.unlink(missing_ok=True)


def _times(folder: Path, outcome: Outcome, started: float) -> dict[str, Any]:
    """Return the wall time of this command and of all commands together."""
    try:
        earlier = json.loads((folder / INFO).read_text())["seconds"] if outcome.began else 0.0
    except (OSError, ValueError, KeyError):
        earlier = 0.0
    return {
        "seconds": round(earlier + outcome.seconds, 2),
        "images_per_second": round(outcome.images / max(outcome.seconds, 1e-9), 2),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
    }


def _calibrate(config: Config, folder: Path, progress: Progress, device: str) -> None:
    if (folder / USE).is_file():
        calibrate_trained(config, folder / USE, device, progress)


def _losses(config: Config, folder: Path, pictures: Pictures | None) -> str | None:
    """Draw the history if pictures are enabled."""
    if pictures is None:
        return None
    panels = spec_of(config.train.generator).panels
    return str(pictures.losses(folder / HISTORY, folder / LOSSES, panels))
