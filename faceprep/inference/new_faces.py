"""Generate faces of new subjects with every expression (Ding et al., 2018, Fig. 5)."""

from dataclasses import dataclass

import numpy as np

from faceprep.inference.generator import LoadedGenerator


@dataclass(frozen=True)
class NewFaces:
    """Faces without a source.

    Attributes
    ----------
    seed
        Seed of the identities.
    expressions
        The K classes of the generator.
    images
        ``(N, K, S, S, 3) uint8``.
    """

    seed: int
    expressions: tuple[str, ...]
    images: np.ndarray


def make_new_faces(generator: LoadedGenerator, count: int = 8, seed: int = 0) -> NewFaces:
    """Generate `count` identities with every expression; equal seeds give equal identities.

    Raises
    ------
    UsageError
        The kind of the generator needs a source face.
    """
    classes = generator.model.classes
    images = [generator.editor.new_faces(count, name, seed) for name in classes]
    return NewFaces(seed, classes, np.stack(images, axis=1))
