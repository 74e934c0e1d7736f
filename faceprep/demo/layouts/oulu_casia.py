"""Imitate Oulu-CASIA, visible light, strong illumination: six expressions per subject."""

from collections.abc import Iterator
from pathlib import Path

from faceprep.demo.layouts.base import Layout, PlannedSequence, Row, truth_row, write_image
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.demo.settings import DemoSettings

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")

FIRST_TEST, TEST_SUBJECTS, EVERY = 73, 8, 5
"""The paper tests on P073-P080. To provide test subjects in small datasets, every fifth of the
first 40 subjects (starting with the third) has one of these numbers; the others count from P001.
"""


def subject_number(index: int) -> int:
    """Return the number, 1..80, of a subject, which does not depend on their total number."""
    tested = min((index - 3) // EVERY + 1 if index >= 3 else 0, TEST_SUBJECTS)
    if index % EVERY == 2 and index // EVERY < TEST_SUBJECTS:
        return FIRST_TEST + index // EVERY
    return index - tested + 1


class OuluCasia(Layout):
    """Write ``OriginalImg/VL/Strong/P001/Anger/000.jpeg``."""

    def sequences(self, settings: DemoSettings, subject: int) -> list[PlannedSequence]:
        """List all six expressions."""
        return [
            PlannedSequence(subject, number, expression, expression.capitalize())
            for number, expression in enumerate(EXPRESSIONS)
        ]

    def render(self, root: Path, settings: DemoSettings, planned: PlannedSequence) -> Iterator[Row]:
        """Write one folder of numbered JPEG files."""
        name = f"P{subject_number(planned.subject):03d}"
        folder = f"OriginalImg/VL/Strong/{name}/{planned.name}"
        person = sample_subject(settings.seed, planned.subject, settings.difficulty)
        frames = render_sequence(
            person, planned.expression, seed=settings.seed, number=planned.number,
            frames=settings.frames, size=settings.size,
        )  # fmt: skip
        for k, frame in enumerate(frames):
            path = f"{folder}/{k:03d}.jpeg"
            write_image(root, path, frame.image, frame.quality)
            yield truth_row(path, name, f"{name}/{planned.name}", k, planned.expression, frame)
