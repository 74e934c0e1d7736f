"""Alignment of photographs: face → 5 and 68 landmarks → similarity to a template → crop.

A photograph that cannot be aligned has a status and a reason; only errors that affect all
photographs, such as missing weights, are exceptions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceprep.config import AlignConfig
from faceprep.faces.alignment import (
    apply_affine,
    estimate_similarity,
    five_from_68,
    load_template,
    warp,
)
from faceprep.faces.finder import (
    LIBRARY_ERRORS,
    Face,
    FacesFound,
    choose,
    describe,
)
from faceprep.faces.photographs import Row
from faceprep.faces.registry import load_finder


@dataclass
class Alignment:
    """Result of aligning one photograph."""

    # columns of `align` by name, without those about the file of the crop
    columns: dict[str, Any] = field(default_factory=dict)
    crop: np.ndarray | None = None  # ``(S, S, 3) uint8`` RGB; None where ``status`` is not ``ok``


class Aligner:
    """Align photographs with the detector and the template of section ``[align]``.

    `device` is that of a detector that runs on a GPU.
    """

    def __init__(self, config: AlignConfig, device: str = "cpu") -> None:
        self._config = config
        self._finder = load_finder(config, device)
        self.name = self._finder.name

    def align_one(self, image: np.ndarray) -> Alignment:
        """Align a photograph ``(H, W, 3) uint8`` RGB without annotations.

        A face is detected: ``align.detector`` is not ``given``.
        """
        return next(self.align([image], [{}]))

    def align(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> Iterator[Alignment]:
        """Align photographs ``(H, W, 3) uint8`` RGB together, and yield their crops one at a time.

        `rows` are their rows of `select`, which have the annotations that ``given`` reads.
        """
        found = self._finder.find(images, rows)
        photos = [
            _choose_face(image, one, self._config) for image, one in zip(images, found, strict=True)
        ]
        _predict_landmarks([photo for photo in photos if photo.face and photo.points is None])
        for photo in photos:
            _crop(photo, self._config)
            yield photo.alignment


@dataclass
class _Photo:
    """A photograph, its chosen face and its landmarks ``(68, 2)``; None without landmarks."""

    image: np.ndarray
    alignment: Alignment = field(default_factory=Alignment)
    face: Face | None = None
    points: np.ndarray | None = None

    def fail(self, status: str, reason: str) -> None:
        self.alignment.columns |= {"status": status, "reason": reason}
        self.face = None


def _choose_face(image: np.ndarray, found: FacesFound, config: AlignConfig) -> _Photo:
    photo = _Photo(image)
    columns = photo.alignment.columns
    if found.status == "no_face":
        columns["faces_found"] = len(found.faces)
    if not found.faces:
        photo.fail(found.status, found.reason)
        return photo
    confident = [face for face in found.faces if face.confidence >= config.min_confidence]
    face = choose(confident or found.faces, config.choose, image.shape)
    photo.face, photo.points = face, found.landmarks68
    given = config.detector == "given"
    columns |= {"confidence": None if given else face.confidence, "box": face.box}
    if face.landmarks5 is not None:
        columns["landmarks5"] = _flat(face.landmarks5)
    if not (confident or given):
        limit = f"{config.min_confidence:g} (align.min_confidence)"
        photo.fail("low_confidence", f"confidence {face.confidence:.3f} is below {limit}")
    return photo


def _predict_landmarks(photos: Sequence[_Photo]) -> None:
    """Predict 68 landmarks of each chosen face; a failure affects its own photograph only."""
    if not photos:
        return
    from faceprep.faces.dlib.landmark_predictor import shared_predictor  # imports torch

    faces = [photo.face for photo in photos if photo.face is not None]
    try:
        points = shared_predictor().predict_many([photo.image for photo in photos], faces)
    except LIBRARY_ERRORS as error:
        if len(photos) == 1:
            photos[0].fail("landmarks_failed", describe(error))
            return
        for photo in photos:
            _predict_landmarks([photo])
    else:
        for photo, its_points in zip(photos, points, strict=True):
            photo.points = its_points


def _crop(photo: _Photo, config: AlignConfig) -> None:
    """Crop a photograph that has a face with landmarks, or record why it cannot be cropped."""
    if photo.face is None or photo.points is None:
        return
    try:
        if not np.isfinite(photo.points).all():
            raise ValueError("a landmark is not a number")
        five = photo.face.landmarks5
        five = five_from_68(photo.points) if five is None else five
        matrix = estimate_similarity(five, load_template(config.template, config.size))
        photo.alignment.crop = warp(photo.image, matrix, config.size)
    except LIBRARY_ERRORS as error:
        photo.fail("landmarks_failed", describe(error))
        return
    photo.alignment.columns |= {
        "status": "ok",
        "landmarks5": _flat(five),
        "landmarks68": _flat(apply_affine(matrix, photo.points)),
        "matrix": _flat(matrix),
    }


def _flat(values: np.ndarray) -> list[float]:
    return np.asarray(values, np.float32).ravel().tolist()
