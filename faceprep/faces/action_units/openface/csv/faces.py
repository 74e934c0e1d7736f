"""Faces and their rows in CSV files that a user already has.

Layouts, all of which may lie below one folder, at any depth:

* ``FaceLandmarkImg``: one file per picture, called like it (``017.csv`` of ``017.jpeg``), in
  folders like the dataset's, or called like the ``face_id`` with ``__`` for ``/``, as this
  package's crops are;
* ``FeatureExtraction -fdir``: one file per sequence, called like its folder (``P001/Anger.csv``,
  ``P001_Anger.csv``, ``S005_001.csv``), one row per frame; see `csv_frames`;
* one table of all of them, with a column ``image``, ``filename``, ``path`` or ``face_id``.

What could belong to two pictures belongs to none, and says so (`path_match`). Of several faces in a
picture ours is the one that overlaps it (`face_choice`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.action_units.openface.csv.face_choice import choose_row, our_landmarks
from faceprep.faces.action_units.openface.csv.file import CsvError, CsvRow
from faceprep.faces.action_units.openface.csv.folder import (
    DETAILS,
    csv_folder,
    parts_of,
    picture_tree,
)
from faceprep.faces.action_units.openface.csv.frames import join_frames
from faceprep.faces.action_units.openface.csv.path_match import Match
from faceprep.faces.action_units.openface.sequences import FrameSequence, find_sequences


@dataclass(frozen=True, slots=True)
class CsvFace:
    """What the CSV files say about one face.

    Attributes
    ----------
    label
        The file's name, for messages.
    row
        The face's row; ``None`` where there is a reason.
    reason
        Why there is no row.
    """

    label: str = ""
    row: CsvRow | None = None
    reason: str | None = None

    @property
    def landmarks68(self) -> np.ndarray | None:
        """OpenFace's own landmarks, ``(68, 2) float64`` pixels of the picture; or ``None``."""
        return self.row.landmarks68 if self.row is not None else None

    @property
    def landmarks_fault(self) -> str | None:
        """Why there are no landmarks; ``None`` where there are."""
        if self.row is None:
            return self.reason
        if self.row.landmarks68 is not None:
            return None
        fault = "no landmarks (x_0 …): OpenFace writes them with -2Dfp"
        if self.row.fault and self.row.fault.startswith(("success", "line")):
            fault = self.row.fault
        return f"{self.label}: {fault}"


class CsvFaces:
    """Finds faces in CSV files.

    Parameters
    ----------
    path
        Folder of CSV files, or one file.
    root
        Folder of the dataset.
    source
        Which picture OpenFace was given: the photograph (``"source"``) or the crop of align.
    """

    def __init__(self, path: Path, root: Path, source: str = "source") -> None:
        self.folder = csv_folder(path)
        self._root = root
        self._source = source
        self._matcher = self.folder.matcher

    def find(self, face: FaceInput) -> CsvFace:
        """Find one face; `find_all` is faster for several of a sequence."""
        return self.find_all([face])[0]

    def find_all(self, faces: Sequence[FaceInput]) -> list[CsvFace]:
        """Find faces, in order; one that is not found has a reason."""
        found: dict[int, CsvFace] = {}
        if self._source == "source":
            sequences, alone = find_sequences([face.select for face in faces], self._root)
        else:
            sequences, alone = [], list(range(len(faces)))
        for index in alone:
            found[index] = self._picture(faces[index]) or self._absent(faces[index])
        for sequence in sequences:
            unclear = {}
            for index in sequence.selected:
                face = self._picture(faces[index], in_sequence=True)
                found[index] = face or self._absent(faces[index], in_sequence=True)
                if not found[index].label:
                    unclear[index] = faces[index]
            if unclear:
                found.update(self._sequence(unclear, sequence))
        return [found[index] for index in range(len(faces))]

    def _picture(self, face: FaceInput, in_sequence: bool = False) -> CsvFace | None:
        """Look for a file of the face's own picture; ``None`` where there is none."""
        identifier = tuple(face.select["face_id"].split("/"))
        match = self._matcher.exact(identifier)
        if match.name is None and match.reason is None and self._source == "source":
            match = self._matcher.find(
                parts_of(face.select["path"]),
                _identity(face),
                lambda stem: picture_tree(self._root).pictures(stem),
                lambda: picture_tree(self._root).folder_names,
            )
        if match.name is None:
            return CsvFace(reason=match.reason) if match.reason else None
        label = self.folder.label(match.name)
        try:
            if self.folder.is_sequence(match.name):
                fault = "holds the frames of a sequence, not one picture"
                return None if in_sequence else CsvFace(label, reason=f"{label} {fault}")
            return self._choose(face, label, self.folder.rows(match.name))
        except CsvError as error:
            return CsvFace(label, reason=f"{label} {error.message}")

    def _sequence(
        self, faces: Mapping[int, FaceInput], sequence: FrameSequence
    ) -> dict[int, CsvFace]:
        """Look some faces up in the file of their whole sequence; those it says nothing of miss."""
        match = self._sequence_file(next(iter(faces.values())))
        if match.name is None:
            return dict.fromkeys(faces, CsvFace(reason=match.reason)) if match.reason else {}
        label = self.folder.label(match.name)
        try:
            joined = join_frames(self.folder.rows(match.name), sequence.frames)
        except CsvError as error:
            joined = error.message
        if isinstance(joined, str):
            return dict.fromkeys(faces, CsvFace(label, reason=f"{label} {joined}"))
        found = {}
        for index, face in faces.items():
            frame = sequence.frames[sequence.selected[index]]
            if frame in joined:
                found[index] = self._choose(face, label, joined[frame])
            else:
                found[index] = CsvFace(label, reason=f"{label} has no row for {frame.name}")
        return found

    def _sequence_file(self, face: FaceInput) -> Match:
        """Name of the file of a face's sequence: that of its folder, or of who it is of."""
        *folder, _ = parts_of(face.select["path"])
        if folder:
            match = self._matcher.find(
                tuple(folder),
                _identity(face),
                lambda name: picture_tree(self._root).folders(name),
                lambda: picture_tree(self._root).folder_names,
            )
            if match.name is not None or match.reason is not None:
                return match
        return self._matcher.exact((face.select["subject"], face.select["sequence"]))

    def _choose(self, face: FaceInput, label: str, rows: Sequence[CsvRow]) -> CsvFace:
        if not rows:
            return CsvFace(label, reason=f"{label} has no rows")
        chosen = choose_row(rows, our_landmarks(face, self._source))
        if isinstance(chosen, str):
            return CsvFace(label, reason=f"{label}: {chosen}")
        return CsvFace(label, chosen)

    def _absent(self, face: FaceInput, in_sequence: bool = False) -> CsvFace:
        path = face.select["path"] if self._source == "source" else face.align["crop"]
        *folder, stem = parts_of(path)
        if stem in self.folder.faceless:
            return CsvFace(
                reason=f"no CSV for {path}, only {stem}{DETAILS}: OpenFace saw no face in it"
            )
        what = f"row in {self.folder.path.name}" if self.folder.is_table else "CSV"
        if in_sequence:
            return CsvFace(reason=f"no {what} for {path}, nor for its sequence {'/'.join(folder)}")
        return CsvFace(
            reason=f"no {what} for {path}: OpenFace writes none for an image without a face"
        )


def _identity(face: FaceInput) -> list[str]:
    return [part for part in (face.select["subject"], face.select["sequence"]) if part]
