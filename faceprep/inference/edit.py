"""Edit faces to an expression, at one intensity or at several."""

from dataclasses import dataclass

import numpy as np

from faceprep.core.errors import UsageError
from faceprep.generators.targets import NEUTRAL
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, InputFaces

#: Intensities of a sheet, as many as in Ding et al., 2018, Fig. 3.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Edits:
    """Faces edited to one expression.

    Attributes
    ----------
    faces
        The sources.
    expression, intensity
        Requested values; intensity in [0, 1], before the calibration.
    calibrated
        Whether the generator has a calibration of this expression.
    images
        ``(N, S, S, 3) uint8``.
    """

    faces: list[InputFace]
    expression: str
    intensity: float
    calibrated: bool
    images: np.ndarray


@dataclass(frozen=True)
class EditGrid:
    """Faces edited to several expressions at several intensities.

    Attributes
    ----------
    faces
        The N sources.
    expressions, intensities
        The E expressions and L intensities.
    neutral
        ``(N, S, S, 3) uint8``, the sources edited to neutral.
    images
        ``(N, E, L, S, S, 3) uint8``.
    """

    faces: list[InputFace]
    expressions: list[str]
    intensities: tuple[float, ...]
    neutral: np.ndarray
    images: np.ndarray


def check_intensity(intensity: float) -> None:
    """Refuse an intensity outside [0, 1].

    Raises
    ------
    UsageError
        It is outside [0, 1].
    """
    if not 0 <= intensity <= 1:
        raise UsageError(f"the intensity {intensity:g} lies outside 0 … 1", "--intensity 0.6")


def edit_faces(
    inputs: InputFaces, generator: LoadedGenerator, expression: str, intensity: float = 1.0
) -> Edits:
    """Edit every face to an expression.

    Parameters
    ----------
    inputs
        The faces.
    generator
        Generator of any kind.
    expression, intensity
        Intensity in [0, 1], before the generator's calibration.

    Raises
    ------
    UsageError
        The expression or the intensity is invalid.
    """
    generator.check_expression(expression)
    check_intensity(intensity)
    images = _edited(inputs, generator, expression, intensity)
    calibrated = expression in generator.editor.calibration
    return Edits(inputs.faces, expression, intensity, calibrated, images)


def edit_grid(
    inputs: InputFaces, generator: LoadedGenerator, expression: str | None = None
) -> EditGrid:
    """Edit every face to neutral, and to every expression at five intensities.

    The layout is that of Ding et al., 2018, Fig. 3.

    Parameters
    ----------
    expression
        Single expression; all classes if None.

    Raises
    ------
    UsageError
        The expression is unknown.
    """
    if expression is not None:
        generator.check_expression(expression)
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
