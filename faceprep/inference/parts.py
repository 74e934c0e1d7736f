"""Edit faces and keep the intermediate images of the generator."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.inference.edit import EditRequest, target_of
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, InputFaces

#: Parts in the order in which a generator computes them; others follow.
_ORDER = ("warped", "deformed", "colour", "mask", "flow", "residual")


@dataclass(frozen=True)
class EditParts:
    """Edits ``images (N, S, S, 3) uint8``, and their parts by name, ``(N, C, S, S) float32``.

    One channel is a weight in [0, 1], two are a flow ``out(p) = in(p + flow(p))`` in pixels, three
    an image in [-1, 1].
    """

    faces: list[InputFace]
    request: EditRequest
    images: np.ndarray
    parts: Mapping[str, np.ndarray]


def edit_with_parts(
    inputs: InputFaces, generator: LoadedGenerator, request: EditRequest
) -> EditParts:
    """Edit every face as requested, and return the parts of the edits.

    Raises
    ------
    UsageError
        The request is invalid, or edits of this generator have no parts.
    """
    target = target_of(inputs, generator, request)
    images, parts = generator.editor.apply_with_parts(inputs.images, target)
    if not parts:
        raise UsageError(
            f"edits of {generator.name} have no parts: it paints the whole image",
            Again({"parts": False}, note="writes the edited face"),
        )
    known = [name for name in _ORDER if name in parts]
    names = [*known, *(name for name in parts if name not in _ORDER)]
    return EditParts(inputs.faces, request, images, {name: parts[name] for name in names})
