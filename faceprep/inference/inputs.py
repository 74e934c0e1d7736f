"""Read the faces named by a user: photographs, which are aligned, or faces of the workspace."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.errors import Again, FaceprepError, Hint, Shell, UsageError
from faceprep.core.file_kinds import kind_of_file
from faceprep.core.files import nearest_path
from faceprep.core.images import UnreadableImage, read_image
from faceprep.core.tree import IMAGE_SUFFIXES
from faceprep.core.vocabulary import plural
from faceprep.faces.aligner import Aligner
from faceprep.generators.targets import Measurements
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.measure import FaceMeasurer
from faceprep.metrics.workspace_faces import (
    measurements_of_faces,
    reduce_crop,
)
from faceprep.workspace.load import load

if TYPE_CHECKING:
    import pandas as pd

#: Advice for a file of another kind.
_FORMATS = "name a photograph: JPEG, PNG, WebP, TIFF, BMP, GIF, PPM, JPEG 2000 or AVIF"


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
    remarks: Sequence[str] = ()  # on how all of them were measured

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
        several = [face for face in self.faces if (face.faces_found or 0) > 1]
        found = [
            f"{face.source}: {face.faces_found} faces found, one is used (align.choose)"
            for face in several
        ]
        return [*found, *self.remarks]


class _UnusableFace(FaceprepError):
    """Error for a photograph or a face of the workspace without an alignment."""


def read_inputs(words: Sequence[str], generator: LoadedGenerator) -> InputFaces:
    """Read and align the faces named by a user.

    Parameters
    ----------
    words
        Paths of photographs, and ``face_id``s of the workspace. Existing files take precedence.
    generator
        Generator that determines workspace, size and alignment.

    Raises
    ------
    UsageError
        A word is neither a file nor a face, or is a folder.
    FaceprepError
        No face could be read; partial failures are in `failures`.
    """
    if not words:
        raise UsageError("no photograph is given", _photograph("", generator))
    rows = _rows_of(words, generator)
    measurer = FaceMeasurer(generator)
    photographs = any(Path(word).exists() for word in words)
    faces, failures = [], {}
    for word in words:
        try:
            if Path(word).exists():
                faces.append(_align(word, generator, measurer))
            else:
                assert rows is not None
                faces.append(_read_row(word, rows, generator))
        except (_UnusableFace, UnreadableImage) as error:
            failures[word] = str(error.message)
    if not faces:
        word, reason = next(iter(failures.items()))
        more = f"; and {len(failures) - 1} more" if len(failures) > 1 else ""
        by = f" (detector {generator.align.detector})" if "face" in reason else ""
        raise FaceprepError(f"{word}: {reason}{more}{by}", _hint(word, reason, generator))
    return InputFaces(faces, failures, measurer.notes if photographs else ())


def _align(photograph: str, generator: LoadedGenerator, measurer: FaceMeasurer) -> InputFace:
    image = read_image(Path(photograph), generator.align.max_pixels)
    aligned = Aligner(generator.align, generator.device).align_one(image)
    if aligned.crop is None:
        raise _UnusableFace(str(aligned.columns["reason"]))
    (measured,) = measurer.measure([image], [aligned])
    if isinstance(measured, str):
        raise _UnusableFace(f"no Action Units: {measured}")
    return InputFace(
        photograph,
        reduce_crop(aligned.crop, generator.model.size),
        faces_found=aligned.columns.get("faces_found"),
        measurements=measured,
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


def _rows_of(words: Sequence[str], generator: LoadedGenerator) -> "pd.DataFrame | None":
    """Return the faces of the workspace, None if all words are files; errors as `read_inputs`."""
    for word in words:
        if Path(word).is_dir():
            raise UsageError(f"{word} is a folder, photographs are wanted", _one_of(Path(word)))
    others = [word for word in words if not Path(word).exists()]
    if not others:
        return None
    place = generator.workspace
    if place is None or not place.shards("align"):
        raise UsageError(f"there is no photograph {others[0]}", _photograph(others[0], generator))
    table = load(place.root, ["select", "align"])
    missing = [word for word in others if word not in table.index]
    if missing:
        raise UsageError(
            f"there is no photograph {missing[0]}, and no such face in {place.root}",
            _photograph(missing[0], generator),
        )
    return table


def _photograph(word: str, generator: LoadedGenerator) -> Hint:
    """Return the command with the nearest photograph or ``face_id`` for a word, or for no word."""
    near = nearest_path(Path(word)) if word else None
    other = str(near) if near else _face_like(word, generator)
    if other is None:
        return "name photographs of faces"
    return Again(arguments={word: other} if word else (other,))


def _one_of(folder: Path) -> Hint:
    """Return the command with the first photograph of a folder."""
    names = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not names:
        return "name the photographs in it"
    note = f"the first of {plural(len(names), 'photograph')} there" if len(names) > 1 else ""
    return Again(arguments={str(folder): str(names[0])}, note=note)


def _hint(word: str, reason: str, generator: LoadedGenerator) -> Hint:
    if "face" not in reason:
        return _of_unreadable(word, generator)
    return detector_hint(generator)


def detector_hint(generator: LoadedGenerator) -> Hint:
    """Return what helps where no face is found."""
    larger = "take a photograph with a larger face, seen from the front"
    if generator.align.detector != "mtcnn":
        return larger
    return larger, Again({"detector": "dlib"}, note="or look for it with another detector")


def _of_unreadable(word: str, generator: LoadedGenerator) -> Hint:
    """Return how a file is made readable, and the command with a face of the workspace."""
    advice: tuple[str | Shell, ...] = ()
    if Path(word).exists():
        kind = kind_of_file(word)
        damaged = "it is damaged: copy or download it again"
        advice = kind.hint(word) or (damaged if kind.image else _FORMATS,)
    face = _face_like(word, generator)
    again = Again(arguments={word: face or ""}, note="a face of the workspace")
    return advice if face is None else (*advice, again)


def _face_like(word: str, generator: LoadedGenerator) -> str | None:
    """Return the usable face of the workspace whose name is most similar; None without any."""
    place = generator.workspace
    if place is None or not place.shards("align"):
        return None
    usable = load(place.root, ["align"], only_ok=True).index[:5000].tolist()
    return next(iter(difflib.get_close_matches(word, usable, 1, 0) or usable), None)
