"""Estimate Action Units from images and landmarks with the models of OpenFace."""

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
from faceprep.faces.action_units.openface.models.au_models import AUModels
from faceprep.faces.action_units.openface.models.descriptor import (
    Descriptors,
    describe,
    predict_stills,
)
from faceprep.faces.action_units.openface.models.landmark_source import LandmarkSource
from faceprep.faces.action_units.openface.models.linear_predictors import GEOMETRY_SIZE, HOG_SIZE
from faceprep.faces.action_units.openface.models.sequence_estimator import SequenceEstimator
from faceprep.faces.action_units.openface.sequences import FrameSequence
from faceprep.faces.photographs import FacePicture, landmarks_in_photograph, read_picture

if TYPE_CHECKING:
    from faceprep.faces.action_units.openface.models.tracking import FaceTracker

# Limits of a batch of images in memory, which may be exceeded by one image.
_BATCH_PICTURES = 32
_BATCH_BYTES = 30_000_000

_NO_FIT = "68 landmarks are missing or all in one place"
_UNKNOWN = np.full((68, 2), np.nan)

_Picture = FacePicture | str
"""An image, with NaN landmarks if they are not known yet, or why there is none."""


class Estimator:
    """Estimate the AUs of single faces or of whole sequences."""

    def __init__(self, config: Config, models: AUModels, source: LandmarkSource) -> None:
        self.root = config.dataset_root()
        self._config = config
        self._models = models
        self._source = source

    def estimate_stills(self, faces: Sequence[FaceInput]) -> list[AUResult]:
        """Estimate the AUs of single faces; return one result per face."""
        results: list[AUResult] = []
        given = self._source.given(faces)
        pictures = (
            self._read_face(face, points) for face, points in zip(faces, given, strict=True)
        )
        for batch in _batches(pictures):
            described, confidence = self._describe(batch)
            estimates = zip(*predict_stills(described, self._models), strict=True)
            reasons = _reasons(batch, described.fitted)
            results += self._results("static", reasons, estimates, confidence)
        return results

    def estimate_sequence(
        self, sequence: FrameSequence, faces: Mapping[int, FaceInput]
    ) -> dict[int, AUResult]:
        """Estimate the AUs of faces from all frames of their sequence.

        `faces`, and the results, are by the numbers of the faces in ``sequence.selected``.
        """
        at = {place: faces[number] for number, place in sequence.selected.items()}
        given = self._given(sequence.frames, at)
        if given is None:
            return dict(zip(faces, self.estimate_stills(list(faces.values())), strict=True))
        tracker = self._tracker(at) if len(at) < len(sequence.frames) else None
        estimator = SequenceEstimator(self._models.dynamic)
        reasons: list[str | None] = []
        confidence: list[float] = []
        pictures = (
            self._read_face(at[place], points) if place in at else self._read_frame(frame, points)
            for place, (frame, points) in enumerate(zip(sequence.frames, given, strict=True))
        )
        for batch in _batches(pictures):
            if tracker is not None:
                _track(tracker, range(len(reasons), len(reasons) + len(batch)), batch, at)
            described, sure = self._describe(batch)
            estimator.add(described.hog, described.geometry, described.fitted)
            reasons += _reasons(batch, described.fitted)
            confidence += sure
        estimates = zip(*estimator.estimate(), strict=True)
        results = self._results("dynamic", reasons, estimates, confidence)
        return {number: results[place] for number, place in sequence.selected.items()}

    def _given(
        self, frames: Sequence[Path], at: Mapping[int, FaceInput]
    ) -> list[np.ndarray | str | None] | None:
        """Return the source's landmarks of each frame; ``None`` if only selected ones have any."""
        if self._source.tracks:
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

    def _tracker(self, at: Mapping[int, FaceInput]) -> "FaceTracker | None":
        """Return a tracker of the face for the other frames; ``None`` without known landmarks."""
        # imports torch
        from faceprep.faces.action_units.openface.models.tracking import FaceTracker

        known = {}
        for place, face in at.items() if self._source.tracks else ():
            with suppress(ValueError):  # singular matrix
                points = landmarks_in_photograph(face.align)
                if np.isfinite(points).all():
                    known[place] = points
        return FaceTracker(known, choose_device(self._config.device)) if known else None

    def _read_face(self, face: FaceInput, given: np.ndarray | str | None) -> _Picture:
        """Read the image of a selected face."""
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
        """Read the image of another frame."""
        if isinstance(given, str):
            return given
        try:
            image = read_image(path, self._config.align.max_pixels)
        except UnreadableImage as error:
            return error.message
        return FacePicture(image, _UNKNOWN if given is None else given)

    def _describe(self, batch: Sequence[_Picture]) -> tuple[Descriptors, list[float]]:
        """Return the descriptors of a batch and the confidence in its landmarks."""
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
            landmarks[places] = self._source.finalize(images, points)
            seen = describe(images, landmarks[places], self._models)
            hog[places], geometry[places], fitted[places] = seen.hog, seen.geometry, seen.fitted
        return Descriptors(hog, geometry, fitted), estimate(landmarks).confidence.tolist()

    def _results(
        self,
        method: str,
        reasons: Sequence[str | None],
        estimates: Iterable[tuple[np.ndarray, np.ndarray]],
        confidence: Sequence[float],
    ) -> list[AUResult]:
        crop = "+crop" if self._config.aus.input == "crop" else ""
        variant = f"{method}+{self._source.name}{crop}"
        return [
            AUResult(*values, sure, variant) if reason is None else AUResult(reason=reason)
            for reason, values, sure in zip(reasons, estimates, confidence, strict=True)
        ]


def _reasons(batch: Sequence[_Picture], fitted: np.ndarray) -> list[str | None]:
    """Return, for each image, the reason of a failure; ``None`` with an estimate."""
    return [
        picture if isinstance(picture, str) else None if fit else _NO_FIT
        for picture, fit in zip(batch, fitted.tolist(), strict=True)
    ]


def _track(
    tracker: "FaceTracker", places: range, batch: list[_Picture], at: Mapping[int, FaceInput]
) -> None:
    """Add tracked landmarks to the images of a batch that show no selected face."""
    others = {
        k: picture
        for k, (place, picture) in enumerate(zip(places, batch, strict=True))
        if place not in at and isinstance(picture, FacePicture)
    }
    if others:
        images = [picture.image for picture in others.values()]
        found = tracker.landmarks([places[k] for k in others], images)
        for (k, picture), points in zip(others.items(), found, strict=True):
            batch[k] = replace(picture, landmarks68=points)


def _batches(pictures: Iterable[_Picture]) -> Iterator[list[_Picture]]:
    """Divide a stream of images into batches that fit into memory."""
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
