"""Which face of a photograph: what a detector finds, or what came with the dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import cv2
import numpy as np

from faceprep.config import AlignConfig
from faceprep.execution.stage import Row
from faceprep.faces.alignment import estimate_similarity, is_mirrored, load_template
from faceprep.faces.face import Detector, Face

#: What image libraries raise over an image they choke on; anything else is a bug of ours.
LIBRARY_ERRORS: tuple[type[Exception], ...] = (cv2.error, RuntimeError, ValueError, MemoryError)


@dataclass(frozen=True)
class Found:
    """What is known of the faces in one photograph.

    Attributes
    ----------
    faces
        Every face, best confidence first.
    landmarks68
        ``(68, 2)`` of the only face, where the dataset has them.
    status, reason
        Why there is none.
    """

    faces: list[Face] = field(default_factory=list)
    landmarks68: np.ndarray | None = None
    status: str = "no_face"
    reason: str = "no face found"


class Finder(Protocol):
    """Says which faces are in photographs; one `Found` for each."""

    name: str

    def find(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> list[Found]:
        """Faces of each ``(H, W, 3) uint8`` image, whose row of `select` comes with it."""
        ...


class Detected:
    """Faces as a detector finds them."""

    def __init__(self, detector: Detector) -> None:
        self.name = detector.name
        self._detector = detector

    def find(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> list[Found]:
        """Faces of each image; an image on which the detector fails does not harm the others."""
        try:
            return [Found(faces) for faces in self._detector.detect(images)]
        except LIBRARY_ERRORS as error:
            if len(images) == 1:
                reason = f"{self.name} failed on it: {describe(error)}"
                return [Found(status="unreadable", reason=reason)]
            parts = ((images[k : k + 1], rows[k : k + 1]) for k in range(len(images)))
            return [found for part in parts for found in self.find(*part)]


class Given:
    """Faces as the dataset's annotations, or the user's own columns, say."""

    name = "given"

    def find(self, images: Sequence[np.ndarray], rows: Sequence[Row]) -> list[Found]:
        """The one face that each row describes."""
        return [_given(row, image.shape) for row, image in zip(rows, images, strict=True)]


def load_finder(config: AlignConfig, device: str) -> Finder:
    """The source of faces that the configuration names; a detector is loaded once a process."""
    if config.detector == "given":
        return Given()
    if config.detector == "dlib":
        return Detected(_dlib(config.dlib_model))
    return Detected(_mtcnn(device, config.min_face_size, search_of(config)))


def search_of(config: AlignConfig) -> str:
    """How MTCNN searches: the most central face may be a small one, so it looks for all sizes."""
    return "full" if config.choose == "central" else config.search


def describe(error: Exception) -> str:
    """One line on an error: our own `ValueError` speaks for itself, a library's is named."""
    text = " ".join(str(error).split())[:200]
    return text if type(error) is ValueError else f"{type(error).__name__}: {text}"


def choose(faces: Sequence[Face], how: str, shape: tuple[int, ...]) -> Face:
    """The ``largest`` face, or the most ``central`` one; of equals the most confident.

    Parameters
    ----------
    faces
        At least one, best confidence first.
    how
        ``align.choose``.
    shape
        Of the image: height, width, …
    """
    if how == "central":
        middle = np.array([shape[1] - 1, shape[0] - 1]) / 2

        def distance(face: Face) -> float:
            x, y, width, height = face.box
            return float(np.hypot(*(np.array([x + width / 2, y + height / 2]) - middle)))

        return min(faces, key=distance)
    return max(faces, key=lambda face: face.box[2] * face.box[3])


@cache
def _mtcnn(device: str, min_face_size: int, search: Any) -> Detector:
    from faceprep.faces.mtcnn.detector import MTCNN

    return MTCNN(device=device, min_face_size=min_face_size, search=search)


@cache
def _dlib(model: str) -> Detector:
    from faceprep.faces.dlib.detector import DlibCNN, DlibHOG

    return DlibCNN() if model == "cnn" else DlibHOG()


def _given(row: Row, shape: tuple[int, ...]) -> Found:
    """Face of a select row's columns, checked: annotations come in many conventions."""
    five, points, box = (
        np.array(row[key], np.float32).reshape(count, 2) if row.get(key) is not None else None
        for key, count in (("landmarks5", 5), ("landmarks68", 68), ("box", 2))
    )
    if five is None and points is None and box is None:
        reason = "the dataset gives neither landmarks5, landmarks68 nor box for it"
        return Found(status="landmarks_failed", reason=reason)
    trouble = _trouble(five, points, box, shape)
    if trouble:
        return Found(status="landmarks_failed", reason=trouble)
    return Found([Face(_box(box, points, five), 1.0, five)], points)


def _trouble(
    five: np.ndarray | None,
    points: np.ndarray | None,
    box: np.ndarray | None,
    shape: tuple[int, ...],
) -> str | None:
    """What is wrong with given coordinates, if anything is."""
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
    """Box as given, else around the 68 points, else as a detector would draw it about the five."""
    if box is not None:
        (x, y), (width, height) = box.tolist()
        return x, y, width, height
    if points is not None:
        (x, y), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x, y, right - x, bottom - y
    assert five is not None
    centre = five.mean(axis=0)
    spread = float(np.sqrt(((five - centre) ** 2).sum(axis=1).mean()))
    # Medians of MTCNN's boxes about its own five points, in 1 362 photographs.
    width, height = 3.4 * spread, 4.2 * spread
    x, y = (centre - [width / 2, height / 2 + 0.4 * spread]).tolist()
    return x, y, width, height
