"""The loop of a training: steps, history, checkpoints, samples; stopped and resumed at will."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from faceprep.core.errors import FaceprepError
from faceprep.generators.blocks.layers import channels_last
from faceprep.generators.exprgan.batch import batches
from faceprep.generators.exprgan.config import ExprGANConfig
from faceprep.generators.exprgan.forward import Phi
from faceprep.generators.exprgan.model import MAKERS, ExprGAN, build
from faceprep.generators.exprgan.monitor import RECENT, watch
from faceprep.generators.exprgan.prior import PRIOR, IdentityPrior, fit_prior
from faceprep.generators.exprgan.schedule import Stage
from faceprep.generators.exprgan.step import ExprGANStep
from faceprep.generators.store import AVERAGE, GENERATOR, save_generator
from faceprep.training import checkpoint, health
from faceprep.training.checkpoint import Checkpoint
from faceprep.training.crops import Crops, Order
from faceprep.training.ema import EMA
from faceprep.training.history import History
from faceprep.training.random_state import Streams
from faceprep.training.signals import StopSignals
from faceprep.training.tensor_file import refuse
from faceprep.workspace.artifacts import HISTORY, RESUME, USE

KIND = "exprgan"

#: What may differ between a training and its continuation: how long it is.
_LENGTHS = {"steps", "epochs"}

#: Faces on which the projected discriminator's channels are standardised.
_CALIBRATED = 128

#: Most faces whose identities are measured, and how many at once.
_MEASURED, _AT_ONCE = 2048, 64

#: Losses that the progress shows.
_SHOWN = ("pixel", "class_frozen", "adversarial_projected", "adversarial", "q")


class Reporter(Protocol):
    """Messages and a bar, as `faceprep.core.progress.Progress`."""

    def say(self, message: str) -> None:
        """Print one line."""
        ...

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        """Begin a bar."""
        ...

    def update(self, done: int, note: str = "") -> None:
        """Move the bar."""
        ...

    def finish(self) -> None:
        """Take the bar away."""
        ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that a training is made of.

    Attributes
    ----------
    config, stages
        Networks and recipe.
    crops, unseen
        Faces to train on; people who are only watched (split ``val``).
    phi
        Face features, where a loss asks for them.
    folder
        Where checkpoints and history go; it exists.
    seed
        Of weights, order and noise.
    facts
        More that a continuation must have in common with its beginning: features, data.
    checkpoint_every, sample_every
        Steps.
    draw
        Draws a sample sheet of a generator in eval mode, and says of which step.
    compiled
        Compile the makers.
    """

    config: ExprGANConfig
    stages: Sequence[Stage]
    crops: Crops
    folder: Path
    unseen: Crops | None = None
    phi: Phi | None = None
    seed: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    checkpoint_every: int = 500
    sample_every: int = 500
    draw: Callable[[ExprGAN, int], None] | None = None
    compiled: bool = False

    @property
    def lengths(self) -> list[int]:
        """Steps of every stage."""
        return [stage.length(len(self.crops)) for stage in self.stages]

    @property
    def people(self) -> list[str]:
        """Everybody whose faces are trained on, so that a later test can keep clear of them."""
        return sorted(set(self.crops.subjects))

    def identity(self) -> dict[str, Any]:
        """What makes this training this one, beside the networks' configuration."""
        stages = [asdict(stage) for stage in self.stages]
        recipe = [
            {key: value for key, value in stage.items() if key not in _LENGTHS} for stage in stages
        ]
        return {"recipe": recipe, "seed": self.seed, **self.facts}


@dataclass
class Outcome:
    """How a training, or a part of it, ended.

    Attributes
    ----------
    steps, total
        Done, and asked for.
    began
        Steps that were done before.
    seconds, images
        Wall time of the steps done now, and their images.
    stopped
        Name of the signal that ended it early.
    findings
        Names of the failures seen last, with their messages.
    """

    steps: int
    total: int
    began: int
    seconds: float = 0.0
    images: int = 0
    stopped: str | None = None
    findings: dict[str, str] = field(default_factory=dict)


class Training:
    """Networks, optimizers, average and random streams, wherever the training stands."""

    def __init__(self, job: Job) -> None:
        self.job = job
        torch.manual_seed(job.seed)
        device = job.crops.images.device
        self.model = build(job.config, device=str(device), seed=job.seed).train()
        channels_last(self.model)
        half_life = max(stage.average for stage in job.stages)
        self.average = EMA(self.model, half_life, MAKERS) if half_life else None
        self.streams = Streams(
            shuffles={"order": np.random.default_rng(job.seed)},
            draws={"noise": torch.Generator().manual_seed(job.seed)},
        )
        order = Order(job.crops.labels, self.streams.shuffles["order"], job.seed)
        noise = self.streams.draws["noise"]
        self.next_batch = batches(job.crops, order, noise, job.config)
        self.number = self.in_stage = self.steps = self.images = 0
        calibrate(self.model, job)
        self.step = self._new_step()
        self.history = History(job.folder / HISTORY, 0)

    def _new_step(self) -> ExprGANStep:
        job = self.job
        return ExprGANStep(self.model, job.stages[self.number], job.phi, job.compiled)

    @property
    def total(self) -> int:
        """Steps of all stages."""
        return sum(self.job.lengths)

    @property
    def stage(self) -> Stage:
        """The stage at hand."""
        return self.job.stages[self.number]

    def networks(self) -> dict[str, Any]:
        """For the checkpoint."""
        average = {} if self.average is None else {AVERAGE: self.average.state}
        return {GENERATOR: self.model, **average}

    def resume(self) -> None:
        """Go on from the folder's checkpoint.

        Raises
        ------
        FaceprepError
            It is damaged, or of another training than this one.
        """
        path = self.job.folder / RESUME
        file = checkpoint.read(path)
        check_same(file, self.job)
        place = [file.progress.get(name) for name in ("stage", "in_stage", "step", "images")]
        if not all(type(number) is int and number >= 0 for number in place):
            refuse(path, "its progress is damaged")
        self.number, self.in_stage, self.steps, self.images = (int(n or 0) for n in place)
        if self.number >= len(self.job.stages):
            refuse(path, "its progress is damaged")
        self.step = self._new_step()
        file.restore(self.networks(), self.step.optimizers, self.streams)
        self.history = History(self.job.folder / HISTORY, self.steps)

    def save(self) -> None:
        """Write history and checkpoints; the history first, as it may know more than they."""
        self.history.write()
        progress = {
            "step": self.steps,
            "stage": self.number,
            "in_stage": self.in_stage,
            "images": self.images,
        }
        config, folder = self.job.config.to_json(), self.job.folder
        extra = {**self.job.identity(), "subjects": self.job.people}
        average = None if self.average is None else self.average.state
        checkpoint.save(
            folder / RESUME,
            kind=KIND,
            config=config,
            networks=self.networks(),
            optimizers=self.step.optimizers,
            streams=self.streams,
            progress=progress,
            extra=extra,
        )
        if self.stage.name == "joint":
            extra[PRIOR] = self._prior().to_json()
        save_generator(folder / USE, KIND, self.model, config, average, progress, extra)

    @torch.no_grad()
    def _prior(self) -> IdentityPrior:
        """Measure where the identities of some training faces lie, by the weights that are used."""
        crops = self.job.crops
        chosen = torch.arange(0, len(crops), -(-len(crops) // _MEASURED))
        self.model.eval()
        try:
            with self._used():
                parts = [self.model.encode(crops.batch(some)) for some in chosen.split(_AT_ONCE)]
        finally:
            self.model.train()
        return fit_prior(torch.cat(parts))

    def _used(self) -> AbstractContextManager[Any]:
        """The averaged weights in the model, where there are any."""
        return nullcontext() if self.average is None else self.average.swapped(self.model)

    def run(self, reporter: Reporter) -> Outcome:
        """Train to the end, or until a signal comes; what was done is saved either way.

        Raises
        ------
        FaceprepError
            A loss is NaN or infinite: nothing of that is saved.
        KeyboardInterrupt
            After SIGINT, when everything is saved.
        """
        job = self.job
        outcome = Outcome(self.steps, self.total, self.steps)
        started, images = time.monotonic(), self.images
        images_in_all = sum(
            n * stage.batch for n, stage in zip(job.lengths, job.stages, strict=True)
        )
        reporter.start("train", images_in_all, self.images)
        try:
            with StopSignals() as signals:
                while self.steps < self.total and signals.received is None:
                    reporter.update(self.images, self._one_step())
                    last = self.steps == self.total
                    if self.steps % job.sample_every == 0 or last:
                        self._look(reporter, outcome)
                    if self.steps % job.checkpoint_every == 0 and not last:
                        self.save()
                self.save()
                outcome.stopped = signals.received
        finally:
            reporter.finish()
        outcome.steps, outcome.images = self.steps, self.images - images
        outcome.seconds = time.monotonic() - started
        if outcome.stopped == "SIGINT":
            raise KeyboardInterrupt
        return outcome

    def _one_step(self) -> str:
        """Do a step and note it; returns the main losses for the progress."""
        started = time.monotonic()
        if self.in_stage >= self.job.lengths[self.number]:
            self.number, self.in_stage = self.number + 1, 0
            self.step = self._new_step()
        stage = self.stage
        batch = self.next_batch(stage, self.number, self.in_stage)
        values = self.step(batch, self.in_stage)
        numbers = dict(zip(values, torch.stack(list(values.values())).tolist(), strict=True))
        problem = health.not_finite(numbers)
        if problem is not None:
            raise FaceprepError(
                f"step {self.steps + 1}: {problem.message}",
                "the same command resumes from the last checkpoint; a lower rate is another"
                f" training: --set train.learning_rate={stage.learning_rate / 2:g} --overwrite",
            )
        if self.average is not None:
            self.average.update(self.model, stage.batch, self.images)
        self.steps, self.in_stage = self.steps + 1, self.in_stage + 1
        self.images += stage.batch
        seconds = time.monotonic() - started
        row = {"step": self.steps, "stage": stage.name, "seconds": seconds, **numbers}
        self.history.add(row)
        return "  ".join(f"{name} {numbers[name]:.3f}" for name in _SHOWN if name in numbers)

    def _look(self, reporter: Reporter, outcome: Outcome) -> None:
        """Draw samples, and look for the known failures, with the averaged weights."""
        job = self.job
        recent = self.history.means(RECENT)
        if self.stage.name == "joint":
            self.model.prior = self._prior()
        self.model.eval()
        try:
            with self._used():
                seen = watch(self.model, self.stage, job.crops, job.unseen, job.phi, recent)
                self._draw()
        finally:
            self.model.train()
        self.history.extend_last(seen.numbers)
        found = {finding.name: finding.message for finding in seen.findings}
        for name, message in found.items():
            if name not in outcome.findings:
                reporter.say(f"step {self.steps}: {name}: {message}")
        outcome.findings = found

    def _draw(self) -> None:
        if self.job.draw is not None:
            self.job.draw(self.model, self.steps)


@torch.no_grad()
def calibrate(model: ExprGAN, job: Job) -> None:
    """Show the projected discriminator what face features of the training faces are like."""
    if model.d_projected is None or job.phi is None or not job.phi.projected:
        return
    chosen = torch.arange(0, len(job.crops), max(len(job.crops) // _CALIBRATED, 1))[:_CALIBRATED]
    maps = job.phi.maps(job.crops.batch(chosen), job.phi.projected)
    model.d_projected.calibrate([maps[name] for name in job.phi.projected])


def check_same(file: Checkpoint, job: Job) -> None:
    """Refuse to go on with another training's checkpoint.

    Raises
    ------
    FaceprepError
        Naming the first difference.
    """
    file.expect(kind=KIND, preset=job.config.preset, config=job.config.to_json())
    if not file.resumable:
        refuse(file.path, "it is for use only")
    wanted = checkpoint.plain(job.identity())
    for key, value in wanted.items():
        found = file.extra.get(key)
        if found == value:
            continue
        what = _difference(key, found, value)
        refuse(
            file.path,
            f"it is of another training: {what}",
            hint="set it back, choose another --workspace, or train again: faceprep train"
            " --overwrite",
        )


def _difference(key: str, found: Any, wanted: Any) -> str:
    """Name the innermost thing that differs."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
        return _difference(names[0], found.get(names[0]), wanted.get(names[0]))
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a != b]
        return _difference(key, *pairs[0])
    return f"{key} is {str(found)[:60]}, not {str(wanted)[:60]}"
