"""Time per step of the phases of a training, and the time that is left."""

from collections.abc import Mapping, Sequence

from faceprep.core.progress import about
from faceprep.training.trainer import Phase

#: Steps, or seconds, after which an estimate is announced.
_STEPS, _SECONDS = 10, 20.0


class Pace:
    """Measurements of this command, and of the history of earlier ones.

    `earlier`: mean seconds per step by phase, of earlier commands.
    """

    def __init__(self, phases: Sequence[Phase], earlier: Mapping[str, float]) -> None:
        self._phases, self._earlier = phases, dict(earlier)
        self._seconds: dict[int, list[float]] = {}
        self._first, self._announced = True, False

    def add(self, phase: int, seconds: float) -> None:
        """Add a step; the first one of a command is slower, and left out."""
        if not self._first:
            self._seconds.setdefault(phase, []).append(seconds)
        self._first = False

    def left(self, phase: int, in_phase: int) -> float | None:
        """Estimate the remaining seconds after `in_phase` steps of a phase; None if unknown.

        A phase that has not begun counts as the current one, in proportion to the batch.
        """
        now, total = self._step(phase), 0.0
        if now is None:
            return None
        for number, each in enumerate(self._phases[phase:], phase):
            known = self._step(number)
            seconds = now * each.batch / self._phases[phase].batch if known is None else known
            total += seconds * (each.steps - (in_phase if number == phase else 0))
        return total

    def announcement(self, phase: int, in_phase: int) -> str | None:
        """Say once, after the first steps, how long the training takes."""
        measured = self._seconds.get(phase, [])
        if self._announced or (len(measured) < _STEPS and sum(measured) < _SECONDS):
            return None
        self._announced = True
        steps = sum(each.steps for each in self._phases[phase:]) - in_phase
        if not steps:
            return None
        others = [each.name for each in self._phases[phase + 1 :]]
        text = (
            f"train: about {about(self.left(phase, in_phase) or 0)} for the remaining"
            f" {steps:,} steps, measured over {len(measured)} steps"
        )
        if others:
            text += f" of {self._phases[phase].name}; {', '.join(others)} may take longer"
        return text

    def _step(self, phase: int) -> float | None:
        """Return the mean seconds of a step of a phase; None without a measurement."""
        measured = self._seconds.get(phase)
        if measured:
            return sum(measured) / len(measured)
        return self._earlier.get(self._phases[phase].name)
