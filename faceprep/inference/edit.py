"""Edit faces to an expression, or generate new ones (Ding et al., 2018, Fig. 3 and 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.generators.base import Target
from faceprep.generators.targets import NEUTRAL
from faceprep.inference.action_units import as_text, with_changes
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, InputFaces
from faceprep.inference.landmarks import Donor, landmark_target

#: Intensities of a sheet, as many as in Ding et al., 2018, Fig. 3.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class EditRequest:
    """Request of an edit: an expression, Action Units, or both; or the landmarks of a face."""

    expression: str | None = None
    intensity: float = 1.0  # of the expression, in [0, 1], before the calibration
    #: Action Unit → intensity in [0, 5], instead of that of the face or the expression.
    action_units: Mapping[str, float] = field(default_factory=dict)
    donor: Donor | None = None  # face whose landmarks are requested, in place of an expression

    @property
    def name(self) -> str:
        """Part of a file's name."""
        words = [self.expression] if self.expression else []
        words += [f"as-{self.donor.face.name}"] if self.donor else []
        words += [f"{self.intensity:g}"] if words and self.intensity != 1 else []
        return "-".join([*words, *(f"{au}-{value:g}" for au, value in self.action_units.items())])

    def marks(self) -> dict[str, str]:
        """Return the request as text metadata of a PNG."""
        marks = {"action_units": as_text(self.action_units)} if self.action_units else {}
        if self.donor:
            marks |= {Donor.mark: self.donor.face.name, "intensity": f"{self.intensity:g}"}
        if self.expression:
            marks |= {"expression": self.expression, "intensity": f"{self.intensity:g}"}
        return marks


@dataclass(frozen=True)
class Edits:
    """Faces edited as requested, ``images (N, S, S, 3) uint8``.

    `calibrated` tells whether the generator has a calibration of the expression. `action_units` are
    the requested intensities ``(N, 17)``; None for a kind that is not driven by them.
    """

    faces: list[InputFace]
    request: EditRequest
    calibrated: bool
    images: np.ndarray
    action_units: np.ndarray | None = None


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
        nearest = Again({"intensity": 0.0 if intensity < 0 else 1.0})
        raise UsageError(f"the intensity {intensity:g} lies outside 0 … 1", nearest)


def edit_faces(inputs: InputFaces, generator: LoadedGenerator, request: EditRequest) -> Edits:
    """Edit every face as requested.

    Raises
    ------
    UsageError
        The expression or the intensity is invalid, or the kind is not driven by Action Units.
    """
    if request.expression is not None:
        request = replace(request, expression=generator.expression_of(request.expression))
    target = target_of(inputs, generator, request)
    images = generator.editor.apply(inputs.images, target)
    calibrated = request.expression in generator.editor.calibration
    units = None if target.action_units is None else target.action_units.numpy()
    return Edits(inputs.faces, request, calibrated, images, units)


def target_of(inputs: InputFaces, generator: LoadedGenerator, request: EditRequest) -> Target:
    """Return the target of N faces for a request; errors as of `edit_faces`."""
    check_intensity(request.intensity)
    editor, sources = generator.editor, inputs.measurements
    if request.donor is not None:
        donors = [request.donor] * len(inputs.faces)
        return landmark_target(inputs, donors, generator, request.intensity)
    if request.expression is not None:
        count = len(inputs.faces)
        target = editor.target(request.expression, request.intensity, count, sources)
        if not request.action_units:
            return target
    generator.with_action_units("set single Action Units")
    units = sources.action_units
    if request.expression is not None:
        units = target.require("action_units").numpy()
    assert units is not None
    return editor.targets.make_action_units(with_changes(units, request.action_units), sources)


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
