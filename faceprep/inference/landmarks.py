"""Request the landmarks of another face, as they are or moved to the shape of the source.

Moved: the neutral shape of the source plus the displacement of the donor from its own neutral face.
Without it, the shape of the donor's face appears in the edit (Li et al. 2021, Fig. 8).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.core.progress import Progress
from faceprep.generators.base import Target
from faceprep.generators.targets import NEUTRAL
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, InputFaces
from faceprep.inference.labels import Label, labels_of, needs_labels
from faceprep.metrics.workspace_faces import measurements_of_faces
from faceprep.workspace.load import load


@dataclass(frozen=True)
class Donor:
    """A face whose landmarks are requested.

    `label` is the expression that it shows; None if the networks do not read it. `raw` requests its
    points as they are.
    """

    face: InputFace
    label: Label | None = None
    raw: bool = False
    mark: ClassVar[str] = "landmarks_of"  # keyword of the title among the marks of a picture

    @property
    def source(self) -> str:
        """Path or ``face_id``, as given."""
        return self.face.source

    @property
    def title(self) -> str:
        """Name of a column of a sheet."""
        return self.face.name if self.label is None else self.label.expression

    def __str__(self) -> str:
        return f"{self.source}: {'landmarks' if self.label is None else self.label}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        label = {} if self.label is None else asdict(self.label)
        return {"source": self.source, **label, "raw": self.raw}

    def notes(self) -> list[str]:
        """Return nothing: a face with the landmarks of a neutral face is neutral."""
        return []


def donor_of(
    face: InputFace, generator: LoadedGenerator, asked: str | None, raw: bool, progress: Progress
) -> Donor:
    """Return a donor with the label that the networks need, if any, as `labels_of` gives it."""
    if not needs_labels(generator):
        return Donor(face, None, raw)
    (label,) = labels_of([face], generator, asked, progress)
    return Donor(face, label, raw)


def landmark_target(
    sources: InputFaces, donors: Sequence[Donor], generator: LoadedGenerator, intensity: float = 1.0
) -> Target:
    """Return the target of N faces that get the landmarks of N donors.

    `intensity`: part of the way from the own landmarks to the requested ones, in [0, 1].

    Raises
    ------
    UsageError
        The kind is not driven by landmarks, or the file cannot tell neutral shapes.
    """
    generator.with_landmarks("request landmarks")
    wanted = np.stack(
        [_wanted(*pair, generator) for pair in zip(sources.faces, donors, strict=True)]
    )
    names = [donor.label.expression for donor in donors if donor.label is not None]
    return generator.editor.targets.make_landmarks(
        wanted, names or None, sources.measurements, intensity
    )


def _wanted(face: InputFace, donor: Donor, generator: LoadedGenerator) -> np.ndarray:
    """Return the requested landmarks ``(68, 2)`` of a face."""
    points = _points(donor.face)
    if donor.raw:
        return points
    moved = displacement(donor.face, generator)
    return np.asarray(_points(face) - displacement(face, generator) + moved)


def displacement(face: InputFace, generator: LoadedGenerator) -> np.ndarray:
    """Return the displacement ``(68, 2)`` of a face from its neutral face, in sides of the crop.

    The neutral face of a face of the workspace is that of its sequence, else of its subject. Where
    there is none, the displacement is estimated (`faceprep.generators.shapes`).
    """
    points, neutral = _points(face), _neutral(face, generator)
    if neutral is not None:
        return points - neutral
    references = generator.editor.targets.references
    if references.shape is None:
        raise UsageError(
            f"{generator.file} was trained without neutral faces: the neutral shape of"
            f" {face.source} is not known",
            Again({"raw": True}, note="takes the points as they are"),
        )
    return references.displacement(points[None])[0]


def _neutral(face: InputFace, generator: LoadedGenerator) -> np.ndarray | None:
    """Return the mean landmarks of the neutral faces in the workspace; None without any."""
    place = generator.workspace
    if face.face_id is None or place is None:
        return None
    rows = load(place.root, ["select", "align"], only_ok=True)
    own = rows.loc[face.face_id]
    same = rows[(rows["dataset"] == own["dataset"]) & (rows["subject"] == own["subject"])]
    same = same[same["expression"] == NEUTRAL]
    near = same[same["sequence"] == own["sequence"]]
    chosen = near if len(near) else same
    if not len(chosen):
        return None
    points = measurements_of_faces(place, chosen.index.tolist(), {"landmarks"}).landmarks
    assert points is not None
    return np.asarray(points.mean(axis=0))


def _points(face: InputFace) -> np.ndarray:
    points = face.measurements.landmarks
    assert points is not None
    return points[0]
