"""The training loop: steps, history, checkpoints and samples; resumable at any step."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from faceprep.core.errors import Again, FaceprepError
from faceprep.core.progress import Progress
from faceprep.training import health
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_format import AVERAGE, GENERATOR, refuse
from faceprep.training.checkpoint_writer import write_checkpoint
from faceprep.training.ema import EMA
from faceprep.training.history import History
from faceprep.training.pace import Pace
from faceprep.training.signals import StopSignals
from faceprep.training.trainer import Phase, Samples, Trainer
from faceprep.workspace.artifacts import HISTORY, RESUME, USE

#: Number of last steps whose mean losses are inspected.
_RECENT = 50


@dataclass(frozen=True, kw_only=True)
class Job:
    """Settings of the loop, independent of the trainer."""

    folder: Path  # existing folder for checkpoints and history
    subjects: list[str]  # subjects of the training faces, sorted; excluded from later tests
    seed: int = 0  # seed of torch's global random state
    #: Settings that a resumed training must share; JSON-ready.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: Additions to the ``extra`` of the generator's file; JSON-ready.
    extra: Mapping[str, Any] = field(default_factory=dict)
    #: Intervals in steps.
    checkpoint_every: int = 500
    sample_every: int = 500
    #: ``draw(samples, step)`` draws a sheet; None draws nothing.
    draw: Callable[[Samples, int], None] | None = None
    #: Function that is called before the first checkpoint of a new training, which replaces that of
    #: another one; it removes the description of that one.
    replacing: Callable[[], None] | None = None


@dataclass
class Outcome:
    """Outcome of a training, or of a part of it."""

    #: Steps done, and planned steps.
    steps: int
    total: int
    began: int  # steps done by earlier commands
    #: Wall time and images of the steps of this command.
    seconds: float = 0.0
    images: int = 0
    stopped: str | None = None  # name of the signal that stopped it
    findings: dict[str, str] = field(default_factory=dict)  # last detected failures: name → message


class Training:
    """A training in progress: trainer, average, history, and position in the phases.

    Attributes
    ----------
    number, in_phase, steps, images
        Index of the phase, steps done in it, and steps and images of all phases.
    """

    def __init__(self, trainer: Trainer, job: Job) -> None:
        self.trainer, self.job = trainer, job
        torch.manual_seed(job.seed)
        half_life = trainer.half_life
        self.average = EMA(trainer.model, half_life, trainer.averaged) if half_life else None
        self.number = self.in_phase = self.steps = self.images = 0
        trainer.begin(0)
        self.history = History(job.folder / HISTORY, 0)
        self.replacing = job.replacing

    @property
    def model(self) -> nn.Module:
        """The trained networks."""
        return self.trainer.model

    @property
    def total(self) -> int:
        """Number of steps of all phases."""
        return sum(phase.steps for phase in self.trainer.phases)

    @property
    def phase(self) -> Phase:
        """Current phase."""
        return self.trainer.phases[self.number]

    def networks(self) -> dict[str, Any]:
        """Return the networks of the checkpoint by name."""
        average = {} if self.average is None else {AVERAGE: self.average.state}
        return {GENERATOR: self.model, **average}

    def resume(self) -> None:
        """Resume from the checkpoint in the folder.

        Raises
        ------
        FaceprepError
            It is damaged, or belongs to another training.
        """
        path = self.job.folder / RESUME
        file = read_checkpoint(path)
        file.expect_same(self.trainer.kind, self.trainer.config, self.job.facts)
        place = [file.progress.get(name) for name in ("stage", "in_stage", "step", "images")]
        if not all(type(number) is int and number >= 0 for number in place):
            refuse(path, "its progress is damaged")
        self.number, self.in_phase, self.steps, self.images = (int(n or 0) for n in place)
        if self.number >= len(self.trainer.phases):
            refuse(path, "its progress is damaged")
        self.trainer.begin(self.number)
        file.restore(self.networks(), self.trainer.optimizers, self.trainer.streams)
        self.history = History(self.job.folder / HISTORY, self.steps)
        self.replacing = None

    def save(self) -> None:
        """Write the history, which may be ahead of the checkpoints, then the checkpoints."""
        if self.replacing is not None:
            self.replacing()
            self.replacing = None
        self.history.write()
        trainer = self.trainer
        write_checkpoint(
            self.job.folder / RESUME,
            optimizers=trainer.optimizers,
            streams=trainer.streams,
            extra={**self.job.facts, "subjects": self.job.subjects},
            **self._common(),
        )
        self.save_for_use()

    def save_for_use(self) -> None:
        """Write the file for inference."""
        with self._evaluating():
            measured = self.trainer.measure()
        facts = {**self.job.facts, "subjects": self.job.subjects}
        extra = {**facts, **self.job.extra, **measured}
        write_checkpoint(self.job.folder / USE, extra=extra, **self._common())

    def _common(self) -> dict[str, Any]:
        """Return what both files hold, by the keys of the file format."""
        trainer = self.trainer
        return {
            "kind": trainer.kind,
            "config": trainer.config,
            "networks": self.networks(),
            "progress": {
                "step": self.steps,
                "stage": self.number,
                "in_stage": self.in_phase,
                "images": self.images,
            },
        }

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Put the model into eval mode, with averaged weights if there are any."""
        used = nullcontext() if self.average is None else self.average.swapped(self.model)
        self.model.eval()
        try:
            with used, torch.no_grad():
                yield
        finally:
            self.model.train()

    def run(self, reporter: Progress) -> Outcome:
        """Train to the end or until a signal arrives, and save the progress.

        Raises
        ------
        FaceprepError
            A loss is NaN or infinite; the affected state is not saved.
        KeyboardInterrupt
            After SIGINT, once everything is saved.
        """
        job = self.job
        outcome = Outcome(self.steps, self.total, self.steps)
        started, images = time.monotonic(), self.images
        pace = Pace(self.trainer.phases, self.history.step_seconds())
        reporter.start("train", self.total, self.steps)
        try:
            with StopSignals() as signals:
                while self.steps < self.total and signals.received is None:
                    began = time.monotonic()
                    losses = self._one_step()
                    last = self.steps == self.total
                    if self.steps % job.sample_every == 0 or last:
                        self._inspect(reporter, outcome)
                    if self.steps % job.checkpoint_every == 0 and not last:
                        self.save()
                    pace.add(self.number, time.monotonic() - began)
                    left = pace.left(self.number, self.in_phase)
                    reporter.update(self.steps, losses, left=left)
                    announced = pace.announcement(self.number, self.in_phase)
                    if announced is not None:
                        reporter.say(announced)
                if outcome.began == self.total:  # only the file for use is missing
                    self.save_for_use()
                else:
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
        """Run a step and record it; return the main losses for the progress bar."""
        started = time.monotonic()
        if self.in_phase >= self.phase.steps:
            self.number, self.in_phase = self.number + 1, 0
            self.trainer.begin(self.number)
        phase = self.phase
        values = self.trainer.step(self.in_phase)
        numbers = dict(zip(values, torch.stack(list(values.values())).tolist(), strict=True))
        problem = health.not_finite(numbers)
        if problem is not None:
            raise FaceprepError(
                f"step {self.steps + 1}: {problem.message}",
                (
                    Again({"overwrite": False}, note="resumes from the last checkpoint"),
                    Again(
                        {"train.learning_rate": phase.learning_rate / 2, "overwrite": True},
                        note="another training, with a lower rate",
                    ),
                ),
            )
        if self.average is not None:
            self.average.update(self.model, phase.batch, self.images)
        self.steps, self.in_phase = self.steps + 1, self.in_phase + 1
        self.images += phase.batch
        seconds = time.monotonic() - started
        self.history.add({"step": self.steps, "stage": phase.name, "seconds": seconds, **numbers})
        shown = [name for name in self.trainer.shown if name in numbers]
        return "  ".join(f"{name} {numbers[name]:.3f}" for name in shown)

    def _inspect(self, reporter: Progress, outcome: Outcome) -> None:
        """Draw samples and detect failures, with the averaged weights."""
        recent = self.history.means(_RECENT)
        with self._evaluating():
            self.trainer.measure()
            seen = self.trainer.inspect(recent)
            samples = self.trainer.samples() if self.job.draw is not None else None
            if self.job.draw is not None and samples is not None:
                self.job.draw(samples, self.steps)
        self.history.extend_last(seen.numbers)
        found = {finding.name: finding.message for finding in seen.findings}
        for name, message in found.items():
            if name not in outcome.findings:
                reporter.say(f"step {self.steps}: warning: {message}")
        outcome.findings = found
