"""Find the rows of faces in CSV files of OpenFace.

Supported layouts, at any depth below one folder:

* ``FaceLandmarkImg``: one file per image with the same name (``017.csv`` for ``017.jpeg``), in the
  folders of the dataset, or named like the ``face_id`` with ``__`` for ``/``, as crops are;
* ``FeatureExtraction -fdir``: one file per sequence, named like its folder (``P001/Anger.csv``,
  ``P001_Anger.csv``, ``S005_001.csv``), one row per frame (see `frames`);
* one table with a column ``image``, ``filename``, ``path`` or ``face_id``.

A file that could belong to two images is not used, with a reason (`path_match`). If an image
contains several faces, the one that overlaps the aligned face is used (`face_choice`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.action_units.openface.csv.face_choice import align_landmarks, choose_row
from faceprep.faces.action_units.openface.csv.file import CsvError
from faceprep.faces.action_units.openface.csv.folder import (
    DETAILS,
    csv_folder,
    parts_of,
    picture_tree,
)
from faceprep.faces.action_units.openface.csv.frames import join_frames
from faceprep.faces.action_units.openface.csv.path_match import Match
from faceprep.faces.action_units.openface.csv.row import CsvRow
from faceprep.faces.action_units.openface.sequences import FrameSequence, find_sequences


@dataclass(frozen=True, slots=True)
class CsvFace:
    """Hold the row of one face in the CSV files."""

    label: str = ""  # name of the file, for messages
    row: CsvRow | None = None  # row of the face; ``None`` with a reason
    reason: str | None = None  # reason of a missing row

    @property
    def landmarks68(self) -> np.ndarray | None:
        """Landmarks of OpenFace, ``(68, 2) float64`` pixels of the image, or ``None``."""
        return self.row.landmarks68 if self.row is not None else None

    @property
    def landmarks_fault(self) -> str | None:
        """Reason of missing landmarks; ``None`` with landmarks."""
        if self.row is None:
            return self.reason
        if self.row.landmarks68 is not None:
            return None
        fault = "no landmarks (x_0 …): OpenFace writes them with -2Dfp"
        if self.row.fault and self.row.fault.startswith(("success", "line")):
            fault = self.row.fault
        return f"{self.label}: {fault}"


class CsvFaces:
    """Find faces in CSV files.

    Parameters
    ----------
    path
        Folder of CSV files or one file.
    root
        Folder of the dataset.
    source
        Input of OpenFace: the photograph (``"source"``) or the crop of align.
    """

    def __init__(self, path: Path, root: Path, source: str = "source") -> None:
        self.folder = csv_folder(path)
        self._root = root
        self._source = source
        self._matcher = self.folder.matcher

    def find(self, face: FaceInput) -> CsvFace:
        """Find one face; `find_all` is faster for several faces of a sequence."""
        return self.find_all([face])[0]

    def find_all(self, faces: Sequence[FaceInput]) -> list[CsvFace]:
        """Find faces, in order; a face that is not found has a reason."""
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
        """Find the file of the image of a face; ``None`` if there is none."""
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
        """Find faces in the file of their sequence; the result omits faces without a file."""
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
        """Find the file of a sequence by its folder, or by its subject and sequence."""
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
        chosen = choose_row(rows, align_landmarks(face, self._source))
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
