"""Backend ``openface``: OpenFace's own programs, as the user has built them.

Every face alone is judged by ``FaceLandmarkImg``. A face of a sequence is judged by
``FeatureExtraction`` among all frames of that sequence on disk, unless ``aus.sequences`` is static.
Crops exist of selected frames only, so there every face is alone.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.images import UnreadableImage
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.csv.face_choice import choose_row, our_landmarks
from faceprep.faces.action_units.openface.csv.file import CsvRow
from faceprep.faces.action_units.openface.csv.frames import join_frames
from faceprep.faces.action_units.openface.programs.batch_runner import Outcome, Unit
from faceprep.faces.action_units.openface.programs.pictures import ProgramPictures
from faceprep.faces.action_units.openface.programs.program import SEQUENCES, STILLS, find_program
from faceprep.faces.action_units.openface.sequences import FrameSequence, find_sequences

# They would lead the program away from what it is given.
_OWN_FLAGS = frozenset(("-f", "-fdir", "-of", "-out_dir", "-root", "-inroot", "-device"))


class ProgramBackend:
    """OpenFace's ``FaceLandmarkImg`` and ``FeatureExtraction``."""

    name = "openface"

    def available(self, config: Config) -> str | None:
        """Say which program is missing, and where it was looked for."""
        try:
            program = find_program(config.aus.openface_bin)
        except MissingToolError as error:
            return error.message
        for tool in _tools(config):
            if reason := program.missing(tool):
                other = "; --set aus.sequences=static does without" if tool == SEQUENCES else ""
                return reason + other
        if reason := _flag_fault(config.aus.openface_flags):
            return reason
        return program.incomplete(STILLS, shlex.split(config.aus.openface_flags))

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """The build or its command line, its flags, and which pictures it sees."""
        return {
            **find_program(config.aus.openface_bin).fingerprint(_tools(config)),
            "flags": shlex.split(config.aus.openface_flags),
            "input": config.aus.input,
            "sequences": "dynamic" if config.aus.whole_sequences else "static",
        }

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Judge sequences as a whole where that is asked for, and all other faces alone."""
        folder = scratch.absolute()
        sequences: list[FrameSequence] = []
        alone: Sequence[int] = range(len(faces))
        if config.aus.whole_sequences:
            root = config.dataset_root()
            sequences, alone = find_sequences([face.select for face in faces], root)
        results = _stills(faces, alone, ProgramPictures(STILLS, config, folder))
        results |= _sequences(faces, sequences, ProgramPictures(SEQUENCES, config, folder))
        return [results[k] for k in range(len(faces))]


def _stills(
    faces: Sequence[FaceInput], which: Sequence[int], pictures: ProgramPictures
) -> dict[int, AUResult]:
    """Judge some faces, each alone."""
    results: dict[int, AUResult] = {}
    units: dict[int, Unit] = {}

    def judge() -> None:
        outcomes = pictures.run(list(units.values()))
        for k, outcome in zip(units, outcomes, strict=True):
            results[k] = _still(faces[k], outcome, pictures.source)
        units.clear()

    for k in which:
        try:
            path = pictures.copy_face(faces[k], f"{k:06d}")
        except UnreadableImage as error:
            results[k] = AUResult(reason=error.message)
            continue
        units[k] = Unit(path, 1, faces[k].select["path"])
        if pictures.full:
            judge()
    judge()
    return results


def _still(face: FaceInput, outcome: Outcome, source: str) -> AUResult:
    if isinstance(outcome, str):
        return AUResult(reason=outcome)
    if not outcome:
        return AUResult(reason=f"{STILLS} found no face")
    return _result(face, outcome, source, "static")


def _sequences(
    faces: Sequence[FaceInput], sequences: Sequence[FrameSequence], pictures: ProgramPictures
) -> dict[int, AUResult]:
    """Judge the selected faces of some sequences, each among all frames of its own."""
    results: dict[int, AUResult] = {}
    copies: list[_Copy] = []

    def judge() -> None:
        outcomes = pictures.run([copy.unit for copy in copies])
        for copy, outcome in zip(copies, outcomes, strict=True):
            results.update(copy.judge(faces, outcome))
        copies.clear()

    for number, sequence in enumerate(sequences):
        copy = _copy_sequence(faces, sequence, pictures, f"{number:06d}")
        results |= {k: AUResult(reason=why) for k, why in copy.unreadable.items()}
        if copy.selected:
            copies.append(copy)
        if pictures.full:
            judge()
    judge()
    return results


@dataclass
class _Copy:
    """A sequence where a program finds it.

    Attributes
    ----------
    unit
        Its folder.
    frames
        Its files there, named by number.
    selected
        Index of a face → its file there.
    unreadable
        Index of a face → why its frame cannot be read.
    lost
        How many frames cannot be read.
    """

    unit: Unit
    frames: list[Path]
    selected: dict[int, Path]
    unreadable: dict[int, str]
    lost: int

    def judge(self, faces: Sequence[FaceInput], outcome: Outcome) -> dict[int, AUResult]:
        """Give each selected face the row of its frame."""
        joined = outcome if isinstance(outcome, str) else join_frames(outcome, self.frames)
        if isinstance(joined, str):
            if not isinstance(outcome, str):
                joined = f"{SEQUENCES} wrote a CSV that {joined}"
            return {k: AUResult(reason=joined) for k in self.selected}
        variant = "dynamic"
        if self.lost:
            variant += f", {self.lost} of {len(self.frames) + self.lost} frames unreadable"
        results = {}
        for k, frame in self.selected.items():
            rows = joined.get(frame)
            results[k] = (
                _result(faces[k], rows, "source", variant)
                if rows
                else AUResult(reason=f"{SEQUENCES} wrote no row for this frame")
            )
        return results


def _copy_sequence(
    faces: Sequence[FaceInput], sequence: FrameSequence, pictures: ProgramPictures, name: str
) -> _Copy:
    """Copy all frames that can be read."""
    owners = {place: k for k, place in sequence.selected.items()}
    frames: list[Path] = []
    selected: dict[int, Path] = {}
    unreadable: dict[int, str] = {}
    lost = 0
    for place, path in enumerate(sequence.frames):
        owner = owners.get(place)
        stem = f"{name}/{place:06d}"
        try:
            copy = (
                pictures.copy(path, stem)
                if owner is None
                else pictures.copy_face(faces[owner], stem)
            )
        except UnreadableImage as error:
            lost += 1
            if owner is not None:
                unreadable[owner] = error.message
            continue
        frames.append(copy)
        if owner is not None:
            selected[owner] = copy
    title = str(PurePosixPath(faces[next(iter(sequence.selected))].select["path"]).parent)
    folder = frames[0].parent if frames else Path(name)
    return _Copy(Unit(folder, len(frames), title), frames, selected, unreadable, lost)


def _result(face: FaceInput, rows: Sequence[CsvRow], source: str, variant: str) -> AUResult:
    chosen = choose_row(rows, our_landmarks(face, source))
    return AUResult(reason=chosen) if isinstance(chosen, str) else chosen.result(variant)


def _tools(config: Config) -> tuple[str, ...]:
    return (STILLS, SEQUENCES) if config.aus.whole_sequences else (STILLS,)


def _flag_fault(flags: str) -> str | None:
    try:
        own = _OWN_FLAGS.intersection(shlex.split(flags))
    except ValueError as error:
        return f"aus.openface_flags cannot be split into words: {error}"
    return f"aus.openface_flags may not hold {', '.join(sorted(own))}" if own else None
