"""Sweep single Action Units of faces from 0 to 5."""

from dataclasses import dataclass

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.inference.action_units import with_changes
from faceprep.inference.edit import EditRequest, target_of
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, InputFaces

#: Intensities of a sweep.
LEVELS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


@dataclass(frozen=True)
class Sweep:
    """N faces with each of U Action Units at L intensities, ``images (N, U, L, S, S, 3) uint8``.

    The other units are those of `request`, by default the face's own. `own` are the intensities of
    the swept units in the source, ``(N, U)``.
    """

    faces: list[InputFace]
    request: EditRequest
    units: list[str]
    intensities: tuple[float, ...]
    own: np.ndarray
    images: np.ndarray


def sweep_units(
    inputs: InputFaces, generator: LoadedGenerator, units: list[str], request: EditRequest
) -> Sweep:
    """Sweep every Action Unit of every face.

    Raises
    ------
    UsageError
        The kind is not driven by Action Units, or the request is invalid.
    """
    generator.with_action_units("sweep Action Units")
    images = []
    for face in inputs.faces:
        one = InputFaces([face])
        base = target_of(one, generator, request).require("action_units").numpy()
        asked = np.concatenate(
            [with_changes(base, {unit: level}) for unit in units for level in LEVELS]
        )
        sources = one.measurements.take(np.zeros(len(asked), np.int64))
        target = generator.editor.targets.make_action_units(asked, sources)
        made = generator.editor.apply(np.repeat(one.images, len(asked), 0), target)
        images.append(made.reshape(len(units), len(LEVELS), *made.shape[1:]))
    measured = inputs.measurements.action_units
    assert measured is not None
    own = measured[:, [INTENSITY_AUS.index(unit) for unit in units]]
    return Sweep(inputs.faces, request, units, LEVELS, own, np.stack(images))
