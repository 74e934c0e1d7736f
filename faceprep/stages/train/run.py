"""The verb ``train``: aligned training faces of a workspace in, a generator out.

<workspace>/train/exprgan/  generator.safetensors   for use: averaged and raw weights
                            training.safetensors    everything, to go on from
                            history.parquet         losses and health of every step
                            samples/step-*.png      edits of training faces
                            losses.png              the history as a picture
                            train.json              settings, versions, data, times
"""

import json
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.errors import FaceprepError, MissingToolError
from faceprep.core.files import write_json
from faceprep.core.progress import Progress
from faceprep.execution.shard import versions
from faceprep.stages.train.faces import classes_of, read_crops
from faceprep.workspace.artifacts import (
    HISTORY,
    INFO,
    RESUME,
    USE,
    generator_folder,
    generator_name,
)
from faceprep.workspace.training_rows import training_rows

if TYPE_CHECKING:
    from faceprep.faces.features import FaceFeatures
    from faceprep.generators.exprgan import ExprGAN
    from faceprep.generators.exprgan.config import ExprGANConfig
    from faceprep.generators.exprgan.schedule import Stage
    from faceprep.training.loop import Job, Outcome

#: Threads beyond which two layers of a small network do not get faster.
_MOST_THREADS = 8

#: Side from which the finest layer of the face features says something, pixels.
_FINE = 128


@dataclass(frozen=True)
class Plan:
    """What a training would do.

    Attributes
    ----------
    generator, preset, folder
        What, and where it goes.
    classes, faces, people
        Expressions in their order; training faces of each; number of different people.
    steps, batch, done
        Steps of every stage by name, faces of a step, steps done already.
    parameters
        Of every network.
    memory
        Bytes by what takes them; ``activations`` is an estimate.
    device, threads
        Where it runs.
    """

    generator: str
    preset: str
    folder: str
    size: int
    classes: tuple[str, ...]
    faces: dict[str, int]
    people: int
    steps: dict[str, int]
    batch: int
    done: int
    parameters: dict[str, int]
    memory: dict[str, int]
    device: str
    threads: int


@dataclass(frozen=True)
class Trained:
    """What `run_train` did: the plan, and how the training ended (None for a dry run)."""

    plan: Plan
    outcome: "Outcome | None" = None
    finished_before: bool = False
    losses: str | None = None


def run_train(
    config: Config, progress: Progress, *, overwrite: bool = False, dry_run: bool = False
) -> Trained:
    """Train, or go on where an earlier command stopped.

    Raises
    ------
    UsageError
        A setting is not possible, or there are no training faces.
    MissingToolError
        The face features' weights, or the GPU that was asked for, are not there.
    FaceprepError
        The checkpoint is of another training, or a loss became NaN.
    """
    import torch

    device = _device(config.device)
    threads = config.workers or min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _run(config, progress, device, threads, overwrite, dry_run)
    finally:
        torch.set_num_threads(before)


def _run(
    config: Config, progress: Progress, device: str, threads: int, overwrite: bool, dry_run: bool
) -> Trained:
    from faceprep.training.loop import Training

    job, plan = _prepare(config, device, threads)
    resume = (job.folder / RESUME).is_file() and not overwrite
    if resume:
        plan = replace(plan, done=_done(job))
    if dry_run:
        return Trained(plan)
    if resume and plan.done >= sum(plan.steps.values()):
        _calibrate(config, job, progress, device)
        return Trained(plan, finished_before=True)
    _make_folder(job.folder, empty=not resume)
    job, fit = _with_features(config, job, device, progress)
    training = Training(job)
    if resume:
        training.resume()
        progress.say(f"train: going on after step {training.steps} of {training.total}")
    started = time.time()
    outcome = training.run(progress)
    info = {
        "config": config.train.model_dump(mode="json"),
        "networks": job.config.to_json(),
        "training": job.identity(),
        "expression_head": fit,
        "plan": vars(plan),
        "steps": outcome.steps,
        "stopped": outcome.stopped,
        "findings": outcome.findings,
        "subjects": job.people,
        **_times(job.folder, outcome, started),
        "versions": versions(),
    }
    write_json(job.folder / INFO, info)
    if not outcome.stopped:
        _calibrate(config, job, progress, device)
    losses = _losses(job.folder, progress)
    return Trained(plan, outcome, losses=losses)


def _device(wanted: str) -> str:
    import torch

    if choose_device(wanted) == "cpu":
        return "cpu"
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    return "cuda"


def _prepare(config: Config, device: str, threads: int) -> "tuple[Job, Plan]":
    from faceprep.generators.exprgan import build
    from faceprep.generators.exprgan.forward import needs_features
    from faceprep.training.loop import Job

    train = config.train
    rows = training_rows(config.workspace, fold=train.fold)
    classes = classes_of(rows, train)
    stages = _stages(config)
    features = any(needs_features(stage.weights) for stage in stages)
    networks = _networks(config, classes, _channels(config) if features else ())
    seen = rows[rows["expression"].isin(classes)]
    crops = read_crops(seen, classes, networks.size, device, threads)
    watched = training_rows(config.workspace, "val", classes, train.fold)
    unseen = read_crops(watched, classes, networks.size, device, threads) if len(watched) else None
    job = Job(
        config=networks,
        stages=stages,
        crops=crops,
        unseen=unseen,
        folder=generator_folder(config.workspace, generator_name(train.generator, train.fold)),
        seed=train.seed,
        facts={"data": crops.fingerprint},
        checkpoint_every=train.checkpoint_every,
        sample_every=train.sample_every,
        compiled=train.compile and device == "cuda",
    )
    sketch = build(networks, device="meta")
    parameters = {
        name: sum(p.numel() for p in network.parameters())
        for name, network in sketch.named_children()
    }
    plan = Plan(
        generator=train.generator,
        preset=train.preset,
        folder=str(job.folder),
        size=networks.size,
        classes=classes,
        faces=crops.counts(),
        people=len(set(crops.subjects)),
        steps={s.name: n for s, n in zip(stages, job.lengths, strict=True)},
        batch=max(stage.batch for stage in stages),
        done=0,
        parameters=parameters,
        memory=_memory(parameters, job, sketch, features),
        device=device,
        threads=threads,
    )
    return job, plan


def _stages(config: Config) -> "tuple[Stage, ...]":
    from faceprep.generators.exprgan.schedule import stages

    train = config.train
    return stages(
        train.preset,
        steps=train.steps,
        epochs=train.epochs,
        batch=train.batch,
        learning_rate=train.learning_rate,
        weights=train.weights,
        switches=train.recipe,
    )


def _networks(
    config: Config, classes: tuple[str, ...], channels: tuple[int, ...]
) -> "ExprGANConfig":
    from faceprep.generators.exprgan import PRESETS

    train = config.train
    size = {} if train.size is None else {"size": train.size}
    # The discriminator on features belongs to the presets that have a path from the source.
    projected = {} if train.preset == "paper" else {"projected_channels": channels}
    return PRESETS[train.preset](classes, **size, **{**projected, **train.networks})


def _projected_layers(config: Config, features: "FaceFeatures") -> tuple[str, ...]:
    """Layers under the projected discriminator.

    The finest shows nothing of an image of 64 pixels, and would take half of the time there.
    """
    train, layers = config.train, features.perceptual_layers
    coarse = train.preset == "tiny" or (train.size or _FINE) < _FINE
    return layers[1:] if coarse else layers


def _channels(config: Config) -> tuple[int, ...]:
    """Channels of those layers."""
    from faceprep.faces.features import load_features

    known = load_features(config.train.features)
    return tuple(known.layers[name].channels for name in _projected_layers(config, known))


def _memory(
    parameters: dict[str, int], job: "Job", sketch: "ExprGAN", features: bool
) -> dict[str, int]:
    """Bytes: weights with gradients, Adam's moments and average, faces, activations of a step."""
    from faceprep.generators.exprgan.memory import activations

    return {
        "networks": 4 * 5 * sum(parameters.values()),
        "faces": job.crops.images.numel(),
        "activations": activations(sketch, job.stages, features),
    }


def _done(job: "Job") -> int:
    """Steps that the checkpoint has; refuses one of another training, but for its features."""
    from faceprep.training import checkpoint
    from faceprep.training.loop import check_same

    file = checkpoint.read(job.folder / RESUME)
    check_same(file, job)
    return int(file.progress.get("step") or 0)


def _with_features(
    config: Config, job: "Job", device: str, progress: Progress
) -> "tuple[Job, dict[str, Any] | None]":
    """Load φ where a loss asks for it, and fit the expression head on the training faces."""
    from faceprep.faces.features import load_features
    from faceprep.generators.exprgan.forward import Phi, needs_features
    from faceprep.report.training import sample_sheet
    from faceprep.training.expression_head import fit_expression_head

    samples = job.folder / "samples"

    def draw(model: Any, step: int) -> None:
        sample_sheet(samples / f"step-{step:06d}.png", model, job.crops, step)

    job = replace(job, draw=draw)
    if not any(needs_features(stage.weights) for stage in job.stages):
        return job, None
    template = config.align.template
    features = load_features(config.train.features, device, template=template)
    job = replace(job, facts={**job.facts, "features": features.provenance()})
    phi = Phi(features, projected=_projected_layers(config, features))
    if not any(stage.weights.class_frozen for stage in job.stages):
        return replace(job, phi=phi), None
    augmented = any(stage.augment for stage in job.stages)
    layers = features.perceptual_layers[-3:]
    head, fit = fit_expression_head(features, job.crops, layers, job.seed, augmented)
    progress.say(
        f"train: the frozen expression head knows {fit.accuracy:.0%} of training people left out"
    )
    return replace(job, phi=replace(phi, head=head)), vars(fit)


def _make_folder(folder: Path, empty: bool) -> None:

    try:
        if empty:
            for name in (RESUME, USE, HISTORY, INFO, "losses.png"):
                (folder / name).unlink(missing_ok=True)
            shutil.rmtree(folder / "samples", ignore_errors=True)
        (folder / "samples").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaceprepError(
            f"cannot make {folder}: {error.strerror}", "choose another place with --workspace DIR"
        ) from error


def _times(folder: Path, outcome: "Outcome", started: float) -> dict[str, Any]:
    """Wall time of this part, and of all parts."""
    try:
        earlier = json.loads((folder / INFO).read_text())["seconds"] if outcome.began else 0.0
    except (OSError, ValueError, KeyError):
        earlier = 0.0
    return {
        "seconds": round(earlier + outcome.seconds, 2),
        "images_per_second": round(outcome.images / max(outcome.seconds, 1e-9), 2),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
    }


def _calibrate(config: Config, job: "Job", progress: Progress, device: str) -> None:
    from faceprep.stages.train.calibration import calibrate_trained

    if (job.folder / USE).is_file():
        calibrate_trained(config, job.folder / USE, device, progress)


def _losses(folder: Path, progress: Progress) -> str | None:
    """Draw the history; a machine without matplotlib does without."""
    from faceprep.report.training import plot_losses

    try:
        return str(plot_losses(folder / HISTORY, folder / "losses.png"))
    except MissingToolError as error:
        progress.say(f"train: no losses.png: {error.message} (→ {error.hint})")
        return None
