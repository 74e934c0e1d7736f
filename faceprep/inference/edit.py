"""Edit faces to an expression, or generate new ones (Ding et al., 2018, Fig. 3 and 5)."""

from dataclasses import dataclass

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.generators.targets import NEUTRAL
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, InputFaces

#: Intensities of a sheet, as many as in Ding et al., 2018, Fig. 3.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Edits:
    """Faces edited to one expression, ``images (N, S, S, 3) uint8``.

    `intensity` is in [0, 1], before the calibration; `calibrated` tells whether the generator has
    one of this expression.
    """

    faces: list[InputFace]
    expression: str
    intensity: float
    calibrated: bool
    images: np.ndarray


@dataclass(frozen=True)
class EditGrid:
    """N faces edited to E expressions at L intensities, ``images (N, E, L, S, S, 3) uint8``.

    `neutral` are the sources edited to neutral, ``(N, S, S, 3) uint8``.
    """

    faces: list[InputFace]
    expressions: list[str]
    intensities: tuple[float, ...]
    neutral: np.ndarray
    images: np.ndarray


def check_intensity(intensity: float) -> None:
    """Refuse an intensity outside [0, 1] with a UsageError."""
    if not 0 <= intensity <= 1:
        nearest = Again({"intensity": min(max(intensity, 0.0), 1.0)})
        raise UsageError(f"the intensity {intensity:g} lies outside 0 … 1", nearest)


def edit_faces(
    inputs: InputFaces, generator: LoadedGenerator, expression: str, intensity: float = 1.0
) -> Edits:
    """Edit every face to an expression, at an intensity in [0, 1] before the calibration.

    Raises
    ------
    UsageError
        The expression or the intensity is invalid.
    """
    expression = generator.expression_of(expression)
    check_intensity(intensity)
    images = _edited(inputs, generator, expression, intensity)
    calibrated = expression in generator.editor.calibration
    return Edits(inputs.faces, expression, intensity, calibrated, images)


def edit_grid(
    inputs: InputFaces, generator: LoadedGenerator, expression: str | None = None
) -> EditGrid:
    """Edit every face to neutral, and to one expression or all classes at five intensities.

    The layout is that of Ding et al., 2018, Fig. 3. UsageError if the expression is unknown.
    """
    if expression is not None:
        expression = generator.expression_of(expression)
    shown = [expression] if expression else [c for c in generator.model.classes if c != NEUTRAL]
    neutral, images = [], []
    for face in inputs.faces:
        one = InputFaces([face])
        neutral.append(_edited(one, generator, NEUTRAL)[0])
        images.append(
            [[_edited(one, generator, name, level)[0] for level in LEVELS] for name in shown]
        )
    return EditGrid(inputs.faces, shown, LEVELS, np.stack(neutral), np.array(images))


def _edited(
    inputs: InputFaces, generator: LoadedGenerator, expression: str, intensity: float = 1.0
) -> np.ndarray:
    return generator.editor.edit(inputs.images, expression, intensity, inputs.measurements)


@dataclass(frozen=True)
class NewFaces:
    """N faces without a source by the K classes, ``images (N, K, S, S, 3) uint8``."""

    seed: int
    expressions: tuple[str, ...]
    images: np.ndarray


def make_new_faces(generator: LoadedGenerator, count: int = 8, seed: int = 0) -> NewFaces:
    """Generate `count` identities with every expression; equal seeds give equal identities.

    UsageError if the kind of the generator needs a source face.
    """
    classes = generator.model.classes
    images = [generator.editor.new_faces(count, name, seed) for name in classes]
    return NewFaces(seed, classes, np.stack(images, axis=1))
