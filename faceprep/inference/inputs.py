"""Read the faces named by a user: photographs, which are aligned, or faces of the workspace."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.errors import FaceprepError, Hint, Remedy, UsageError
from faceprep.core.images import UnreadableImage, read_image
from faceprep.faces.aligner import Aligner
from faceprep.generators.targets import Measurements
from faceprep.inference.generator import LoadedGenerator
from faceprep.metrics.workspace_faces import (
    measurements_of_crop,
    measurements_of_faces,
    reduce_crop,
)
from faceprep.workspace.load import load

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class InputFace:
    """A face named by the user."""

    source: str  # path or ``face_id``, as given
    image: np.ndarray  # ``(S, S, 3) uint8`` RGB, aligned, in the size of the generator
    #: Metadata of a face of the workspace; None for a photograph, or without a label.
    face_id: str | None = None
    subject: str | None = None
    expression: str | None = None
    faces_found: int | None = None  # number of faces that the detector found in a photograph
    #: Measurements (N = 1) that drive the generator, if any.
    measurements: Measurements = field(default_factory=Measurements)

    @property
    def name(self) -> str:
        """Stem for the name of an output file."""
        if self.face_id is not None:
            return "__".join(self.face_id.split("/")[1:]) or self.face_id
        return Path(self.source).stem


@dataclass(frozen=True)
class InputFaces:
    """Faces that could be read, in the order given, and source → reason of the failures."""

    faces: list[InputFace]
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> np.ndarray:
        """``(N, S, S, 3) uint8``."""
        return np.stack([face.image for face in self.faces])

    @property
    def measurements(self) -> Measurements:
        """Measurements of all faces."""
        return Measurements.concatenate([face.measurements for face in self.faces])

    def notes(self) -> list[str]:
        """Return remarks on the faces."""
        return [
            f"{face.source}: {face.faces_found} faces found, one was taken"
            for face in self.faces
            if (face.faces_found or 0) > 1
        ]


class _UnusableFace(FaceprepError):
    """Error for a photograph or a face of the workspace without an alignment."""


def read_inputs(words: Sequence[str], generator: LoadedGenerator, verb: str) -> InputFaces:
    """Read and align the faces named by a user.

    Parameters
    ----------
    words
        Paths of photographs, and ``face_id``s of the workspace. Existing files take precedence.
    generator
        Generator that determines workspace, size and alignment.
    verb
        Verb of the command line, for hints.

    Raises
    ------
    UsageError
        A word is neither a file nor a face, or is a folder.
    FaceprepError
        No face could be read; partial failures are in `failures`.
    """
    if not words:
        raise UsageError("no photograph is given", _photograph(verb))
    rows = _rows_of(words, generator, verb)
    faces, failures = [], {}
    for word in words:
        try:
            if Path(word).exists():
                faces.append(_align(word, generator))
            else:
                assert rows is not None
                faces.append(_read_row(word, rows, generator))
        except (_UnusableFace, UnreadableImage) as error:
            failures[word] = str(error.message)
    if not faces:
        word, reason = next(iter(failures.items()))
        more = f"; and {len(failures) - 1} more" if len(failures) > 1 else ""
        raise FaceprepError(f"{word}: {reason}{more}", _hint(reason, generator))
    return InputFaces(faces, failures)


def _align(photograph: str, generator: LoadedGenerator) -> InputFace:
    image = read_image(Path(photograph), generator.align.max_pixels)
    aligned = Aligner(generator.align, generator.device).align_one(image)
    if aligned.crop is None:
        raise _UnusableFace(str(aligned.columns["reason"]))
    points = np.asarray(aligned.columns["landmarks68"])
    return InputFace(
        photograph,
        reduce_crop(aligned.crop, generator.model.size),
        faces_found=aligned.columns.get("faces_found"),
        measurements=measurements_of_crop(
            points, len(aligned.crop), generator.editor.targets.measured
        ),
    )


def _read_row(face_id: str, rows: "pd.DataFrame", generator: LoadedGenerator) -> InputFace:
    row = rows.loc[face_id]
    if row["align_status"] != "ok":
        raise _UnusableFace(f"{row['align_status']}: {row['align_reason']}")
    crop = read_image(Path(row["crop"]))
    assert generator.workspace is not None
    return InputFace(
        face_id,
        reduce_crop(crop, generator.model.size),
        face_id=face_id,
        subject=f"{row['dataset']}/{row['subject']}",
        expression=row["expression"] if isinstance(row["expression"], str) else None,
        measurements=measurements_of_faces(
            generator.workspace, [face_id], generator.editor.targets.measured
        ),
    )


def _rows_of(words: Sequence[str], generator: LoadedGenerator, verb: str) -> "pd.DataFrame | None":
    """Return the faces of the workspace, None if all words are files; errors as `read_inputs`."""
    for word in words:
        if Path(word).is_dir():
            raise UsageError(
                f"{word} is a folder, photographs are wanted",
                (Remedy(verb), f" {Path(word) / '*.jpg'} …"),
            )
    others = [word for word in words if not Path(word).exists()]
    if not others:
        return None
    place = generator.workspace
    if place is None or not place.shards("align"):
        raise UsageError(f"there is no photograph {others[0]}", _photograph(verb))
    table = load(place.root, ["select", "align"])
    missing = [word for word in others if word not in table.index]
    if missing:
        usable = load(place.root, ["align"], only_ok=True).index[:5000].tolist()
        near = difflib.get_close_matches(missing[0], usable, 1, 0)
        raise UsageError(
            f"there is no photograph {missing[0]}, and no such face in {place.root}",
            f"a face_id looks like {near[0]}" if near else _photograph(verb),
        )
    return table


def _photograph(verb: str) -> Remedy:
    return Remedy(verb, arguments=("PHOTO", "…"))


def _hint(reason: str, generator: LoadedGenerator) -> Hint:
    if "face" not in reason:
        return Remedy("doctor", note="says what can be read; or take another photograph")
    other = "dlib" if generator.align.detector == "mtcnn" else "mtcnn"
    return f"--detector {other}, or a photograph with a larger face, seen from the front"
