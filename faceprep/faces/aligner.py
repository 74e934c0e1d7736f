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
    invert_affine,
    load_template,
    warp,
)
from faceprep.faces.finder import (
    LIBRARY_ERRORS,
    Face,
    FacesFound,
    annotated_box,
    choose,
    describe,
)
from faceprep.faces.matching import Box, best_match, overlap, search_around
from faceprep.faces.photographs import Row
from faceprep.faces.registry import DETECTORS, load_finder
from faceprep.faces.turns import (
    compose,
    landmarks_conflict,
    move_face,
    turn_image,
    turn_matrix,
    turned_faces,
)


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
        self._config, self._device = config, device
        self._finder = load_finder(config, device)
        self.name = self._finder.name

    def align_one(self, image: np.ndarray) -> Alignment:
        """Align a photograph ``(H, W, 3) uint8`` RGB without annotations.

        A face is detected: ``align.detector`` is not ``given``.
        """
        return next(self.align([image], [{}]))

    def align(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> Iterator[Alignment]:
        """Align photographs ``(H, W, 3) uint8`` RGB together, and yield their crops one at a time.

        `rows` are their rows of `select`. Their annotations are what ``given`` reads; detectors
        take the face that overlaps the annotated one.
        """
        photos = self._look(images, rows, 0)
        detected = self._config.detector != "given"
        if detected and self._config.turns > 1:
            for turn in (1, 2, 3):
                others = self._look(images, rows, turn)
                photos = [max(pair, key=_sureness) for pair in zip(photos, others, strict=True)]
        _predict_landmarks([photo for photo in photos if photo.face and photo.points is None])
        if detected and self._config.turns == 1:
            self._refuse_turned(photos)
        for photo in photos:
            _crop(photo, self._config)
            yield photo.alignment

    def _look(self, images: Sequence[np.ndarray], rows: Sequence[Row], turn: int) -> "list[_Photo]":
        """Find and choose the face of each image, turned counterclockwise by quarter turns."""
        photos = [
            _Photo(turn_image(image, turn), turn, turn_matrix(turn, image.shape))
            for image in images
        ]
        found = self._finder.find([photo.image for photo in photos], rows)
        for photo, one, row in zip(photos, found, rows, strict=True):
            box = None if self._config.detector == "given" else annotated_box(row)
            if box is not None:
                box = move_face(Face(box, 1.0), photo.to_image).box
            self._choose_face(photo, one, box)
        return photos

    def _choose_face(self, photo: "_Photo", found: FacesFound, annotated: Box | None) -> None:
        config, columns = self._config, photo.alignment.columns
        faces, given = found.faces, config.detector == "given"
        if found.status == "no_face":
            columns["faces_found"] = len(faces)
        if annotated is not None and found.status == "no_face":
            match = best_match(faces, annotated)
            if match is None:
                match = search_around(self._finder, photo.image, annotated)
                columns["faces_found"] += match is not None
            if match is None and faces:
                share = max(overlap(face.box, annotated)[0] for face in faces)
                photo.fail(
                    "no_face",
                    f"the annotated face is not among the {len(faces)} found (largest overlap"
                    f" {share:.2f})",
                )
                return
            faces = [match] if match is not None else []
        if not faces:
            photo.fail(found.status, found.reason)
            return
        confident = [face for face in faces if face.confidence >= config.min_confidence]
        face = choose(confident or faces, config.choose, photo.image.shape)
        photo.face, photo.points = face, found.landmarks68
        in_file = photo.in_file(face)
        columns |= {"confidence": None if given else face.confidence, "box": in_file.box}
        if in_file.landmarks5 is not None:
            columns["landmarks5"] = _flat(in_file.landmarks5)
        if not (confident or given):
            limit = f"{config.min_confidence:g} (align.min_confidence)"
            photo.fail("low_confidence", f"confidence {face.confidence:.3f} is below {limit}")

    def _refuse_turned(self, photos: "Sequence[_Photo]") -> None:
        """Fail doubtful faces that are found with more confidence when they are turned."""
        spec = DETECTORS[self._config.detector]
        doubtful: list[tuple[_Photo, Face, bool]] = []
        for photo in photos:
            face, points = photo.face, photo.points
            if face is None or points is None:
                continue
            five = face.landmarks5
            conflict = five is not None and landmarks_conflict(five, points)
            if conflict or face.confidence < spec.surer:
                doubtful.append((photo, face, conflict))
        if not doubtful or spec.load_quick is None:
            return
        quick = spec.load_quick(self._config, self._device)
        doubted, faces, conflicts = zip(*doubtful, strict=True)
        images = [photo.image for photo in doubted]
        answers = turned_faces(quick, images, faces, spec.sure, conflicts)
        for photo, face, answer in zip(doubted, faces, answers, strict=True):
            if answer is not None:
                degrees, confidence = answer
                how = "be upside down" if degrees == 180 else "lie on its side"
                photo.fail(
                    "low_confidence",
                    f"the face may {how}: turned by {degrees} degrees it has confidence"
                    f" {confidence:.3f}, as it is {face.confidence:.3f}; set align.turns=4",
                )


@dataclass
class _Photo:
    """A photograph, its chosen face and its landmarks ``(68, 2)``; None without landmarks.

    `to_image` is the transformation of the pixels of the file to those of `image`, which is turned
    by `turn` quarter turns.
    """

    image: np.ndarray
    turn: int
    to_image: np.ndarray
    alignment: Alignment = field(default_factory=Alignment)
    face: Face | None = None
    points: np.ndarray | None = None

    def in_file(self, face: Face) -> Face:
        """Return a face in pixels of the file."""
        return move_face(face, invert_affine(self.to_image)) if self.turn else face

    def fail(self, status: str, reason: str) -> None:
        self.alignment.columns |= {"status": status, "reason": reason}
        self.face = None


def _sureness(photo: _Photo) -> tuple[bool, float]:
    confidence = photo.alignment.columns.get("confidence")
    return photo.face is not None, -np.inf if confidence is None else confidence


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
    in_file = photo.in_file(Face(photo.face.box, 1.0, five))
    photo.alignment.columns |= {
        "status": "ok",
        "landmarks5": _flat(np.asarray(in_file.landmarks5)),
        "landmarks68": _flat(apply_affine(matrix, photo.points)),
        "matrix": _flat(compose(matrix, photo.to_image)),
    }


def _flat(values: np.ndarray) -> list[float]:
    return np.asarray(values, np.float32).ravel().tolist()
