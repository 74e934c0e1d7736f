"""Oulu-CASIA, visible light, strong illumination: six expressions of every subject."""

from collections.abc import Iterator
from pathlib import Path

from faceprep.demo.layouts.base import Layout, Row, Shot, truth_row, write_image
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.demo.settings import DemoSettings

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")

FIRST_TEST, TEST_SUBJECTS, EVERY = 73, 8, 5
"""The paper tests on P073-P080. So that a small dataset has test subjects too, every fifth of the
first 40 people (beginning with the third) bears one of these numbers; the others count from P001.
"""


def subject_number(index: int) -> int:
    """Number of the ``index``-th person, 1..80; does not depend on how many there are."""
    tested = min((index - 3) // EVERY + 1 if index >= 3 else 0, TEST_SUBJECTS)
    if index % EVERY == 2 and index // EVERY < TEST_SUBJECTS:
        return FIRST_TEST + index // EVERY
    return index - tested + 1


class OuluCasia(Layout):
    """``OriginalImg/VL/Strong/P001/Anger/000.jpeg``."""

    def shots(self, settings: DemoSettings, subject: int) -> list[Shot]:
        """All six expressions."""
        return [
            Shot(subject, number, expression, f"{expression.capitalize()}")
            for number, expression in enumerate(EXPRESSIONS)
        ]

    def film(self, root: Path, settings: DemoSettings, shot: Shot) -> Iterator[Row]:
        """One folder of numbered JPEG files."""
        name = f"P{subject_number(shot.subject):03d}"
        folder = f"OriginalImg/VL/Strong/{name}/{shot.name}"
        person = sample_subject(settings.seed, shot.subject, settings.difficulty)
        frames = render_sequence(
            person, shot.expression, seed=settings.seed, number=shot.number,
            frames=settings.frames, size=settings.size,
        )  # fmt: skip
        for k, frame in enumerate(frames):
            path = f"{folder}/{k:03d}.jpeg"
            write_image(root, path, frame.image, frame.quality)
            yield truth_row(path, name, f"{name}/{shot.name}", k, shot.expression, frame)
