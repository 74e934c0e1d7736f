"""Backend ``openface-csv``: find the rows of faces in CSV files of OpenFace.

The backend is only used when requested by name. ``aus.openface_csv`` is one file, or a folder with
files of these layouts at any depth:

* ``FaceLandmarkImg``: one file per image with the same name (``017.csv`` for ``017.jpeg``), in the
  folders of the dataset, or named like the ``face_id`` with ``__`` for ``/``, as crops are;
* ``FeatureExtraction -fdir``: one file per sequence, named like its folder (``P001/Anger.csv``,
  ``P001_Anger.csv``, ``S005_001.csv``), one row per frame (see `frames`);
* one table with a column ``image``, ``filename``, ``path`` or ``face_id``.

A file that could belong to two images is not used, with a reason (`path_match`). If an image
contains several faces, the one that overlaps the aligned face is used (`row.choose_row`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.csv.file import CsvError
from faceprep.faces.action_units.openface.csv.folder import (
    DETAILS,
    csv_folder,
    parts_of,
    picture_tree,
)
from faceprep.faces.action_units.openface.csv.frames import join_frames
from faceprep.faces.action_units.openface.csv.path_match import Match
from faceprep.faces.action_units.openface.csv.row import CsvRow, align_landmarks, choose_row
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
    """Find faces in a folder of CSV files, or in one file.

    `root` is the folder of the dataset, `source` the input of OpenFace: the photograph
    (``"source"``) or the crop of align.
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
        nameless = self.folder.nameless()
        if nameless is not None:
            return CsvFace(
                reason=f"no {what} for {path}: {nameless[0]} has {nameless[1]} numbered rows"
                " without names (FeatureExtraction -fdir), and nothing tells which row shows which"
                " photograph; FaceLandmarkImg -fdir writes a CSV for each, or add a column image"
            )
        return CsvFace(
            reason=f"no {what} for {path}: OpenFace writes none for an image without a face"
        )


def _identity(face: FaceInput) -> list[str]:
    return [part for part in (face.select["subject"], face.select["sequence"]) if part]


class CsvBackend:
    """Assign rows of CSV files to faces; a face without a row fails with a reason."""

    name = "openface-csv"
    settings = ("input", "openface_csv")

    def available(self, config: Config) -> str | None:
        """Return the missing part: the setting, the folder, or its CSV files."""
        path = config.aus.openface_csv
        if path is None:
            return "aus.openface_csv is not set (the folder of your CSV files)"
        if not path.expanduser().exists():
            return f"there is no {path} (aus.openface_csv)"
        if not csv_folder(_path(config)).names:
            return f"no CSV file below {path} (aus.openface_csv)"
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return the digest of names, sizes and times of the files, and the kind of images."""
        return {"files": csv_folder(_path(config)).fingerprint(), "input": config.aus.input}

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Return the values in the row of each face."""
        found = CsvFaces(_path(config), config.dataset_root(), config.aus.input)
        return [_result(face) for face in found.find_all(faces)]


def _path(config: Config) -> Path:
    """Return the absolute path of the files, which identifies them in caches."""
    assert config.aus.openface_csv is not None  # checked by available()
    return config.aus.openface_csv.expanduser().absolute()


def _result(face: CsvFace) -> AUResult:
    if face.row is None:
        return AUResult(reason=face.reason)
    result = face.row.result()
    return result if result.reason is None else AUResult(reason=f"{face.label}: {result.reason}")
