"""Pictures and landmarks of faces in, Action Units by OpenFace's models out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.images import UnreadableImage, read_image
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.landmark_estimator import estimate
from faceprep.faces.action_units.openface.models.descriptor import (
    Descriptors,
    describe,
    judge_stills,
)
from faceprep.faces.action_units.openface.models.landmark_source import LandmarkSource
from faceprep.faces.action_units.openface.models.predictors import GEOMETRY_SIZE, HOG_SIZE, AUModels
from faceprep.faces.action_units.openface.models.sequence_estimator import SequenceJudge
from faceprep.faces.action_units.openface.sequences import FrameSequence
from faceprep.faces.photographs import FacePicture, landmarks_in_photograph, read_picture

if TYPE_CHECKING:
    from faceprep.faces.action_units.openface.models.tracking import FaceFollower

# Of the pictures in memory at a time. One huge picture may come on top.
_BATCH_PICTURES = 32
_BATCH_BYTES = 30_000_000

_NO_FIT = "68 landmarks are missing or all in one place"
_UNKNOWN = np.full((68, 2), np.nan)

_Picture = FacePicture | str
"""A picture, its landmarks NaN as long as they are not known; or why there is none."""


class Judge:
    """Judges faces alone, or by their whole sequence.

    Parameters
    ----------
    config
        Which pictures, where they lie, where torch runs.
    models
        OpenFace's.
    source
        Of the landmarks.
    """

    def __init__(self, config: Config, models: AUModels, source: LandmarkSource) -> None:
        self.root = config.dataset_root()
        self._config = config
        self._models = models
        self._source = source

    def stills(self, faces: Sequence[FaceInput]) -> list[AUResult]:
        """Judge each face alone; one result per face."""
        results: list[AUResult] = []
        given = self._source.given(faces)
        pictures = (self._read(face, points) for face, points in zip(faces, given, strict=True))
        for batch in _batches(pictures):
            described, confidence = self._describe(batch)
            judged = zip(*judge_stills(described, self._models), strict=True)
            reasons = _reasons(batch, described.fitted)
            results += self._results("static", reasons, judged, confidence)
        return results

    def sequence(
        self, sequence: FrameSequence, faces: Mapping[int, FaceInput]
    ) -> dict[int, AUResult]:
        """Judge faces by all frames of their sequence.

        Parameters
        ----------
        sequence
            Its frames, and which of them the faces are.
        faces
            The same numbers as in ``sequence.selected`` → face.

        Returns
        -------
        Number → result.
        """
        at = {place: faces[number] for number, place in sequence.selected.items()}
        given = self._given(sequence.frames, at)
        if given is None:
            return dict(zip(faces, self.stills(list(faces.values())), strict=True))
        follower = self._follower(at) if len(at) < len(sequence.frames) else None
        judge = SequenceJudge(self._models.dynamic)
        reasons: list[str | None] = []
        confidence: list[float] = []
        pictures = (
            self._read(at[place], points) if place in at else self._read_frame(frame, points)
            for place, (frame, points) in enumerate(zip(sequence.frames, given, strict=True))
        )
        for batch in _batches(pictures):
            if follower is not None:
                _follow(follower, range(len(reasons), len(reasons) + len(batch)), batch, at)
            described, sure = self._describe(batch)
            judge.add(described.hog, described.geometry, described.fitted)
            reasons += _reasons(batch, described.fitted)
            confidence += sure
        judged = zip(*judge.judge(), strict=True)
        results = self._results("dynamic", reasons, judged, confidence)
        return {number: results[place] for number, place in sequence.selected.items()}

    def _given(
        self, frames: Sequence[Path], at: Mapping[int, FaceInput]
    ) -> list[np.ndarray | str | None] | None:
        """What the source knows of each frame; ``None`` where it knows of selected ones alone."""
        if self._source.follows:
            return [None] * len(frames)
        faces = []
        for place, frame in enumerate(frames):
            nearest = at[min(at, key=lambda known: abs(known - place))]
            path = str(PurePosixPath(nearest.select["path"]).with_name(frame.name))
            other = replace(nearest, select={**nearest.select, "path": path, "face_id": path})
            faces.append(at.get(place, other))
        given = self._source.given(faces)
        others = [points for place, points in enumerate(given) if place not in at]
        return None if others and all(isinstance(points, str) for points in others) else given

    def _follower(self, at: Mapping[int, FaceInput]) -> "FaceFollower | None":
        """One who looks for the face in the frames between; ``None`` where nothing is to follow."""
        from faceprep.faces.action_units.openface.models.tracking import (
            FaceFollower,  # imports torch
        )

        known = {}
        for place, face in at.items() if self._source.follows else ():
            with suppress(ValueError):  # a matrix without an inverse
                points = landmarks_in_photograph(face.align)
                if np.isfinite(points).all():
                    known[place] = points
        return FaceFollower(known, choose_device(self._config.device)) if known else None

    def _read(self, face: FaceInput, given: np.ndarray | str | None) -> _Picture:
        """The picture of a face that was selected."""
        if isinstance(given, str):
            return given
        try:
            picture = read_picture(
                face.select,
                face.align,
                self._config.aus.input,
                root=self.root,
                align_folder=self._config.workspace / "align",
                max_pixels=self._config.align.max_pixels,
            )
        except UnreadableImage as error:
            return error.message
        except ValueError as error:
            return f"align: {error}"
        return picture if given is None else replace(picture, landmarks68=given)

    def _read_frame(self, path: Path, given: np.ndarray | str | None) -> _Picture:
        """The picture of any other frame."""
        if isinstance(given, str):
            return given
        try:
            image = read_image(path, self._config.align.max_pixels)
        except UnreadableImage as error:
            return error.message
        return FacePicture(image, _UNKNOWN if given is None else given)

    def _describe(self, batch: Sequence[_Picture]) -> tuple[Descriptors, list[float]]:
        """Descriptors of a batch, and how far its landmarks may be trusted."""
        count = len(batch)
        landmarks = np.full((count, 68, 2), np.nan)
        hog = np.zeros((count, HOG_SIZE), np.float32)
        geometry, fitted = np.zeros((count, GEOMETRY_SIZE)), np.zeros(count, bool)
        known = {
            k: picture
            for k, picture in enumerate(batch)
            if isinstance(picture, FacePicture) and np.isfinite(picture.landmarks68).all()
        }
        if known:
            places = list(known)
            images = [picture.image for picture in known.values()]
            points = np.stack([picture.landmarks68 for picture in known.values()])
            landmarks[places] = self._source.settle(images, points)
            seen = describe(images, landmarks[places], self._models)
            hog[places], geometry[places], fitted[places] = seen.hog, seen.geometry, seen.fitted
        return Descriptors(hog, geometry, fitted), estimate(landmarks).confidence.tolist()

    def _results(
        self,
        how: str,
        reasons: Sequence[str | None],
        judged: Iterable[tuple[np.ndarray, np.ndarray]],
        confidence: Sequence[float],
    ) -> list[AUResult]:
        crop = "+crop" if self._config.aus.input == "crop" else ""
        variant = f"{how}+{self._source.name}{crop}"
        return [
            AUResult(*values, sure, variant) if reason is None else AUResult(reason=reason)
            for reason, values, sure in zip(reasons, judged, confidence, strict=True)
        ]


def _reasons(batch: Sequence[_Picture], fitted: np.ndarray) -> list[str | None]:
    """Why there is nothing to say about each picture; ``None`` where there is."""
    return [
        picture if isinstance(picture, str) else None if fit else _NO_FIT
        for picture, fit in zip(batch, fitted.tolist(), strict=True)
    ]


def _follow(
    follower: "FaceFollower", places: range, batch: list[_Picture], at: Mapping[int, FaceInput]
) -> None:
    """Put landmarks into those pictures of a batch that are of no selected face."""
    others = {
        k: picture
        for k, (place, picture) in enumerate(zip(places, batch, strict=True))
        if place not in at and isinstance(picture, FacePicture)
    }
    if others:
        images = [picture.image for picture in others.values()]
        found = follower.landmarks([places[k] for k in others], images)
        for (k, picture), points in zip(others.items(), found, strict=True):
            batch[k] = replace(picture, landmarks68=points)


def _batches(pictures: Iterable[_Picture]) -> Iterator[list[_Picture]]:
    """Cut a stream of pictures into lists that fit into memory."""
    batch: list[_Picture] = []
    size = 0
    for picture in pictures:
        batch.append(picture)
        size += picture.image.nbytes if isinstance(picture, FacePicture) else 0
        if len(batch) >= _BATCH_PICTURES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
