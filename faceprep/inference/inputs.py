"""The faces that a verb is given: photographs, aligned on the spot, or faces of the workspace."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.images import UnreadableImage, read_image
from faceprep.inference.generator import UsedGenerator
from faceprep.metrics.workspace_faces import reduce_crop

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Portrait:
    """One face.

    Attributes
    ----------
    source
        Path or ``face_id``, as given.
    image
        ``(S, S, 3) uint8`` RGB, aligned, in the size of the generator.
    face_id, subject, expression
        Of a face of the workspace; None for a photograph, and where there is no label.
    faces_found
        How many the detector saw in a photograph.
    """

    source: str
    image: np.ndarray
    face_id: str | None = None
    subject: str | None = None
    expression: str | None = None
    faces_found: int | None = None

    @property
    def name(self) -> str:
        """For a file that is made of it: its own name, without folder and ending."""
        if self.face_id is not None:
            return "__".join(self.face_id.split("/")[1:]) or self.face_id
        return Path(self.source).stem


@dataclass(frozen=True)
class Portraits:
    """Faces that could be read, and why others could not.

    Attributes
    ----------
    faces
        In the order given.
    failures
        Source → reason.
    """

    faces: list[Portrait]
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> np.ndarray:
        """``(N, S, S, 3) uint8``."""
        return np.stack([face.image for face in self.faces])

    def notes(self) -> list[str]:
        """What a user should know of the faces that were taken."""
        return [
            f"{face.source}: {face.faces_found} faces found, one was taken"
            for face in self.faces
            if (face.faces_found or 0) > 1
        ]


def read_portraits(words: Sequence[str], used: UsedGenerator, ask: str) -> Portraits:
    """Read and align what a user named.

    Parameters
    ----------
    words
        Paths of photographs, and ``face_id``s of the workspace. A file goes before a face.
    used
        Its workspace and its size.
    ask
        The verb, for errors.

    Raises
    ------
    UsageError
        Something named is not there, or is a folder.
    FaceprepError
        No face could be read at all; with several, the others are done.
    """
    if not words:
        raise UsageError("no photograph is given", f"{ask} PHOTO …")
    known = _rows_of(words, used, ask)
    faces, failures = [], {}
    for word in words:
        try:
            faces.append(_portrait(word, known, used))
        except (_Failed, UnreadableImage) as error:
            failures[word] = str(error.message)
    if not faces:
        word, reason = next(iter(failures.items()))
        more = f"; and {len(failures) - 1} more" if len(failures) > 1 else ""
        raise FaceprepError(f"{word}: {reason}{more}", _remedy(reason, used))
    return Portraits(faces, failures)


class _Failed(FaceprepError):
    """A photograph or a face of the workspace that is of no use."""


def _portrait(word: str, known: "pd.DataFrame | None", used: UsedGenerator) -> Portrait:
    if not Path(word).exists():
        assert known is not None
        return _of_workspace(word, known, used)
    from faceprep.faces.aligner import Aligner

    image = read_image(Path(word), used.align.max_pixels)
    aligned = Aligner(used.align, used.device).align_one(image)
    if aligned.crop is None:
        raise _Failed(str(aligned.columns["reason"]))
    found = aligned.columns.get("faces_found")
    return Portrait(word, reduce_crop(aligned.crop, used.model.size), faces_found=found)


def _of_workspace(face_id: str, known: "pd.DataFrame", used: UsedGenerator) -> Portrait:
    row = known.loc[face_id]
    if row["align_status"] != "ok":
        raise _Failed(f"{row['align_status']}: {row['align_reason']}")
    crop = read_image(Path(row["crop"]))
    return Portrait(
        face_id,
        reduce_crop(crop, used.model.size),
        face_id=face_id,
        subject=f"{row['dataset']}/{row['subject']}",
        expression=row["expression"] if isinstance(row["expression"], str) else None,
    )


def _rows_of(words: Sequence[str], used: UsedGenerator, ask: str) -> "pd.DataFrame | None":
    """Faces of the workspace, where a word may be one of them.

    Raises
    ------
    UsageError
        A word is a folder, or neither a file nor a face.
    """
    for word in words:
        if Path(word).is_dir():
            raise UsageError(
                f"{word} is a folder, photographs are wanted", f"{ask} {Path(word) / '*.jpg'} …"
            )
    others = [word for word in words if not Path(word).exists()]
    if not others:
        return None
    if used.workspace is None or not used.workspace.shards("align"):
        raise UsageError(f"there is no photograph {others[0]}", f"{ask} PHOTO …")
    from faceprep.workspace.load import load

    table = load(used.workspace.root, ["select", "align"])
    missing = [word for word in others if word not in table.index]
    if missing:
        usable = load(used.workspace.root, ["align"], only_ok=True).index[:5000].tolist()
        near = difflib.get_close_matches(missing[0], usable, 1, 0)
        raise UsageError(
            f"there is no photograph {missing[0]}, and no such face in {used.workspace.root}",
            f"a face_id looks like {near[0]}" if near else f"{ask} PHOTO …",
        )
    return table


def _remedy(reason: str, used: UsedGenerator) -> str:
    if "face" not in reason:
        return "faceprep doctor   says what can be read; or take another photograph"
    other = "dlib" if used.align.detector == "mtcnn" else "mtcnn"
    return f"--detector {other}, or a photograph with a larger face, seen from the front"
