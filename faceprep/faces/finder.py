"""Find the faces of a photograph with a detector or in the annotations of the dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from faceprep.faces.alignment import estimate_similarity, is_mirrored, load_template
from faceprep.faces.photographs import Row


@dataclass(frozen=True, slots=True)
class Face:
    """Hold one detected face, in pixels of its image (centre of the first pixel = (0, 0)).

    Attributes
    ----------
    box
        ``(x, y, width, height)``; may extend beyond the image.
    confidence
        Score of the detector; not comparable between detectors.
    landmarks5
        ``(5, 2) float32``: left eye, right eye, nose, left and right mouth corner, left and right
        as seen in the image; ``None`` if the detector gives only boxes.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks5: np.ndarray | None = None


class Detector(Protocol):
    """Find faces in images of any sizes."""

    name: str

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each ``(H, W, 3) uint8 RGB`` image, best confidence first."""
        ...


#: Exceptions of image libraries about one image; any other exception is a bug in this package.
LIBRARY_ERRORS: tuple[type[Exception], ...] = (cv2.error, RuntimeError, ValueError, MemoryError)


@dataclass(frozen=True)
class FacesFound:
    """Faces in one photograph."""

    faces: list[Face] = field(default_factory=list)  # every face, best confidence first
    # landmarks ``(68, 2)`` of the only face, where the dataset annotates them
    landmarks68: np.ndarray | None = None
    # status and reason of a photograph without faces
    status: str = "no_face"
    reason: str = "no face found"


class Finder(Protocol):
    """Find the faces in photographs."""

    name: str

    def find(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> list[FacesFound]:
        """Return the faces of each ``(H, W, 3) uint8`` image; `rows` are its rows of `select`."""
        ...


class DetectorFinder:
    """Find faces with a detector."""

    def __init__(self, detector: Detector) -> None:
        self.name = detector.name
        self._detector = detector

    def find(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> list[FacesFound]:
        """Return the faces of each image; a failure affects its own image only."""
        try:
            return [FacesFound(faces) for faces in self._detector.detect(images)]
        except LIBRARY_ERRORS as error:
            if len(images) == 1:
                reason = f"{self.name} failed on it: {describe(error)}"
                return [FacesFound(status="unreadable", reason=reason)]
            parts = ((images[k : k + 1], rows[k : k + 1]) for k in range(len(images)))
            return [found for part in parts for found in self.find(*part)]


class AnnotationFinder:
    """Read faces from the annotations of the dataset, or from columns of the user's table."""

    name = "given"

    def find(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> list[FacesFound]:
        """Return the one face that each row describes."""
        return [_given(row, image.shape) for row, image in zip(rows, images, strict=True)]


def describe(error: Exception) -> str:
    """Return one line about an error, with its type unless it is a plain `ValueError`."""
    text = " ".join(str(error).split())[:200]
    return text if type(error) is ValueError else f"{type(error).__name__}: {text}"


def choose(faces: Sequence[Face], how: str, shape: tuple[int, ...]) -> Face:
    """Choose the ``largest`` or the most ``central`` face; of equal ones the most confident.

    `faces` is not empty, best confidence first; `shape` begins with the height and width of the
    image.
    """
    if how == "central":
        middle = np.array([shape[1] - 1, shape[0] - 1]) / 2

        def distance(face: Face) -> float:
            x, y, width, height = face.box
            return float(np.hypot(*(np.array([x + width / 2, y + height / 2]) - middle)))

        return min(faces, key=distance)
    return max(faces, key=lambda face: face.box[2] * face.box[3])


def annotated_box(row: Row) -> tuple[float, float, float, float] | None:
    """Return the box of the face that the dataset annotates, from the box or the landmarks.

    None without an annotation, or if it is not finite or has no area.
    """
    five, points, box = _annotation(row)
    if five is None and points is None and box is None:
        return None
    x, y, width, height = _box(box, points, five)
    usable = np.isfinite([x, y, width, height]).all() and width > 0 and height > 0
    return (x, y, width, height) if usable else None


def _annotation(row: Row) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Return five and 68 landmarks and the box (position, size) of a row of `select`."""
    five, points, box = (
        np.array(row[key], np.float32).reshape(count, 2) if row.get(key) is not None else None
        for key, count in (("landmarks5", 5), ("landmarks68", 68), ("box", 2))
    )
    return five, points, box


def _given(row: Row, shape: tuple[int, ...]) -> FacesFound:
    """Return the annotated face of a select row after checks: conventions of datasets differ."""
    five, points, box = _annotation(row)
    if five is None and points is None and box is None:
        reason = "the dataset gives neither landmarks5, landmarks68 nor box for it"
        return FacesFound(status="landmarks_failed", reason=reason)
    problem = _problem(five, points, box, shape)
    if problem:
        return FacesFound(status="landmarks_failed", reason=problem)
    return FacesFound([Face(_box(box, points, five), 1.0, five)], points)


def _problem(
    five: np.ndarray | None,
    points: np.ndarray | None,
    box: np.ndarray | None,
    shape: tuple[int, ...],
) -> str | None:
    """Return the error of annotated coordinates, or None."""
    if any(part is not None and not np.isfinite(part).all() for part in (five, points, box)):
        return "a given coordinate is not a number"
    if box is not None and not (box[1] > 0).all():
        return "the given box has no area"
    if any(part is not None and _outside(part, shape) for part in (five, points)):
        return "the given landmarks lie outside the image"
    if five is not None:
        template = load_template("expression", 128)
        try:
            estimate_similarity(five, template)
        except ValueError as error:
            return f"the given landmarks5 are no face: {error}"
        if is_mirrored(five, template):
            return "left and right of the given landmarks5 are swapped: they are as seen"
    return None


def _outside(points: np.ndarray, shape: tuple[int, ...]) -> bool:
    x, y = points.mean(axis=0)
    return not (0 <= x < shape[1] and 0 <= y < shape[0])


def _box(
    box: np.ndarray | None, points: np.ndarray | None, five: np.ndarray | None
) -> tuple[float, float, float, float]:
    """Return the annotated box, or one around the 68 points, or a detector's around the five."""
    if box is not None:
        (x, y), (width, height) = box.tolist()
        return x, y, width, height
    if points is not None:
        (x, y), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x, y, right - x, bottom - y
    assert five is not None
    centre = five.mean(axis=0)
    spread = float(np.sqrt(((five - centre) ** 2).sum(axis=1).mean()))
    # Medians of MTCNN's boxes around its own five points in 1 362 photographs.
    width, height = 3.4 * spread, 4.2 * spread
    x, y = (centre - [width / 2, height / 2 + 0.4 * spread]).tolist()
    return x, y, width, height
