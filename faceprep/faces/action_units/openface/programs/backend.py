"""Backend ``openface``: run the programs of OpenFace, as built by the user.

``FaceLandmarkImg`` processes single faces. ``FeatureExtraction`` processes sequences with all their
frames on disk, unless ``aus.sequences`` is static. Crops exist only for selected frames, so they
are always processed as single faces.
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
from faceprep.faces.action_units.openface.csv.frames import join_frames
from faceprep.faces.action_units.openface.csv.row import CsvRow, align_landmarks, choose_row
from faceprep.faces.action_units.openface.programs.batch_runner import BatchItem, Outcome
from faceprep.faces.action_units.openface.programs.pictures import ProgramPictures
from faceprep.faces.action_units.openface.programs.program import SEQUENCES, STILLS, find_program
from faceprep.faces.action_units.openface.sequences import FrameSequence, find_sequences

# Flags that would change the inputs or outputs of the program.
_OWN_FLAGS = frozenset(("-f", "-fdir", "-of", "-out_dir", "-root", "-inroot", "-device"))


class ProgramBackend:
    """Run ``FaceLandmarkImg`` and ``FeatureExtraction`` of OpenFace."""

    name = "openface"
    settings = ("input", "sequences", "openface_bin", "openface_flags", "openface_timeout")

    def available(self, config: Config) -> str | None:
        """Return which program is missing, and where it was expected."""
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
        """Return the build or its command line, its flags, and the settings of its inputs."""
        return {
            **find_program(config.aus.openface_bin).fingerprint(_tools(config)),
            "flags": shlex.split(config.aus.openface_flags),
            "input": config.aus.input,
            "sequences": "dynamic" if config.aus.whole_sequences else "static",
        }

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Estimate sequences as a whole if configured, and all other faces individually."""
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
    """Estimate the AUs of single faces."""
    results: dict[int, AUResult] = {}
    items: dict[int, BatchItem] = {}

    def flush() -> None:
        outcomes = pictures.run(list(items.values()))
        for k, outcome in zip(items, outcomes, strict=True):
            results[k] = _still(faces[k], outcome, pictures.source)
        items.clear()

    for k in which:
        try:
            path = pictures.copy_face(faces[k], f"{k:06d}")
        except UnreadableImage as error:
            results[k] = AUResult(reason=error.message)
            continue
        items[k] = BatchItem(path, 1, faces[k].select["path"])
        if pictures.full:
            flush()
    flush()
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
    """Estimate the AUs of the selected faces of sequences."""
    results: dict[int, AUResult] = {}
    copies: list[_SequenceCopy] = []

    def flush() -> None:
        outcomes = pictures.run([copy.item for copy in copies])
        for copy, outcome in zip(copies, outcomes, strict=True):
            results.update(copy.results(faces, outcome))
        copies.clear()

    for number, sequence in enumerate(sequences):
        copy = _copy_sequence(faces, sequence, pictures, f"{number:06d}")
        results |= {k: AUResult(reason=why) for k, why in copy.unreadable.items()}
        if copy.selected:
            copies.append(copy)
        if pictures.full:
            flush()
    flush()
    return results


@dataclass
class _SequenceCopy:
    """Hold the copy of a sequence for the program."""

    item: BatchItem  # input of the program: the folder of the copy
    frames: list[Path]  # copied files, named by number
    selected: dict[int, Path]  # index of a face → copied file
    unreadable: dict[int, str]  # index of a face → why its frame cannot be read
    lost: int  # number of frames that cannot be read

    def results(self, faces: Sequence[FaceInput], outcome: Outcome) -> dict[int, AUResult]:
        """Return the result of each selected face from the row of its frame."""
        joined = outcome if isinstance(outcome, str) else join_frames(outcome, self.frames)
        if isinstance(joined, str):
            if not isinstance(outcome, str):
                joined = f"{SEQUENCES} wrote a CSV that {joined}"
            return {k: AUResult(reason=joined) for k in self.selected}
        variant = "dynamic"
        if self.lost:
            variant += f", {self.lost} of {len(self.frames) + self.lost} frames unreadable"
        found = {}
        for k, frame in self.selected.items():
            rows = joined.get(frame)
            found[k] = (
                _result(faces[k], rows, "source", variant)
                if rows
                else AUResult(reason=f"{SEQUENCES} wrote no row for this frame")
            )
        return found


def _copy_sequence(
    faces: Sequence[FaceInput], sequence: FrameSequence, pictures: ProgramPictures, name: str
) -> _SequenceCopy:
    """Copy all readable frames of a sequence."""
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
    return _SequenceCopy(BatchItem(folder, len(frames), title), frames, selected, unreadable, lost)


def _result(face: FaceInput, rows: Sequence[CsvRow], source: str, variant: str) -> AUResult:
    chosen = choose_row(rows, align_landmarks(face, source))
    return AUResult(reason=chosen) if isinstance(chosen, str) else chosen.result(variant)


def _tools(config: Config) -> tuple[str, ...]:
    return (STILLS, SEQUENCES) if config.aus.whole_sequences else (STILLS,)


def _flag_fault(flags: str) -> str | None:
    try:
        own = _OWN_FLAGS.intersection(shlex.split(flags))
    except ValueError as error:
        return f"aus.openface_flags cannot be split into words: {error}"
    return f"aus.openface_flags may not hold {', '.join(sorted(own))}" if own else None
