"""Imitate CK+: PNG sequences with Emotion, FACS and Landmarks files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceprep.demo.action_units import PRESENT
from faceprep.demo.layouts.base import (
    Layout,
    PlannedSequence,
    Row,
    truth_row,
    write_image,
    write_text,
)
from faceprep.demo.sequence import Frame, render_sequence, sample_subject
from faceprep.demo.settings import DemoSettings

CODES = {
    "anger": 1, "contempt": 2, "disgust": 3, "fear": 4, "happiness": 5, "sadness": 6, "surprise": 7,
}  # fmt: skip

FIRST_GRAY, FIRST_COLOUR, COLOUR_EVERY = 5, 501, 6
"""Most of CK+ is gray, a few subjects (S5xx) are in colour; here every sixth."""


def subject_number(index: int) -> int:
    """Return the number of a subject, which does not depend on their total number."""
    if _in_colour(index):
        return FIRST_COLOUR + index // COLOUR_EVERY
    return FIRST_GRAY + index - (index + 1) // COLOUR_EVERY


def _in_colour(index: int) -> bool:
    return index % COLOUR_EVERY == COLOUR_EVERY - 1


class CKPlus(Layout):
    """Write ``cohn-kanade-images/S005/001/S005_001_00000011.png`` and its annotation files."""

    def sequences(self, settings: DemoSettings, subject: int) -> list[PlannedSequence]:
        """List most of the seven expressions, and one or two sequences without a label."""
        rng = np.random.default_rng((settings.seed, subject, 4))
        chosen = [expression for expression in CODES if rng.random() < 0.85]
        mixed = [str(name) for name in rng.choice(sorted(CODES), int(rng.integers(1, 3)))]
        order = [(name, True) for name in chosen] + [(name, False) for name in mixed]
        return [
            PlannedSequence(subject, number, order[k][0], f"{number + 1:03d}", order[k][1])
            for number, k in enumerate(rng.permutation(len(order)))
        ]

    def render(self, root: Path, settings: DemoSettings, planned: PlannedSequence) -> Iterator[Row]:
        """Write the frames and Landmarks files, and FACS and Emotion files for the last frame."""
        name = f"S{subject_number(planned.subject):03d}"
        below = f"{name}/{planned.name}"
        person = sample_subject(settings.seed, planned.subject, settings.difficulty)
        frames = render_sequence(
            person, planned.expression, seed=settings.seed, number=planned.number,
            frames=settings.frames, size=settings.size, gray=not _in_colour(planned.subject),
        )  # fmt: skip
        (root / "Emotion" / below).mkdir(parents=True, exist_ok=True)
        for k, frame in enumerate(frames, start=1):
            stem = f"{name}_{planned.name}_{k:08d}"
            path = f"cohn-kanade-images/{below}/{stem}.png"
            write_text(root, f"Landmarks/{below}/{stem}_landmarks.txt", _landmarks(frame))
            if k == settings.frames:
                write_text(root, f"FACS/{below}/{stem}_facs.txt", _facs(frame))
                if planned.labelled:
                    label = f"{_number(CODES[planned.expression])}\n"
                    write_text(root, f"Emotion/{below}/{stem}_emotion.txt", label)
            write_image(root, path, frame.image)
            expression = planned.expression if planned.labelled else None
            yield truth_row(path, name, below, k, expression, frame)


def _number(value: float) -> str:
    """Format a number as in the files: ``   3.0000000e+00``."""
    return f"   {value:.7e}"


def _landmarks(frame: Frame) -> str:
    return "".join(f"{_number(x)}{_number(y)}\n" for x, y in frame.landmarks68)


def _facs(frame: Frame) -> str:
    """Return the action units at the peak, one per line: number and grade."""
    grades = {au: facs_grade(au, intensity) for au, intensity in frame.units.items()}
    return "".join(
        f"{_number(int(au[2:]))}{_number(grade)}\n"
        for au, grade in grades.items()
        if grade is not None
    )


def facs_grade(au: str, intensity: float) -> int | None:
    """Return the FACS grade of an intensity: the nearest of A-E as 1-5.

    0 is present but not graded, as is frequent in CK+ for lids and parted lips. ``None`` is not
    coded, below :data:`PRESENT`.
    """
    if intensity < PRESENT:
        return None
    if au in ("AU05", "AU25") and intensity < 2:
        return 0
    return max(1, round(intensity))
