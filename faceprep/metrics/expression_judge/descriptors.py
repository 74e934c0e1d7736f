"""What the expression judge sees of a face: its shape by 68 points, its texture by HOG.

Neither is part of any loss. Landmarks are found from the template's five points: the crops are
aligned, so no detector is needed, and none could fail on a face that a generator made.
"""

from typing import NamedTuple

import cv2
import numpy as np

from faceprep.faces.action_units.face_shape import mean_face, to_front
from faceprep.faces.action_units.measures import measure
from faceprep.faces.action_units.openface.models.fhog import SIDE, fhog
from faceprep.faces.alignment import estimate_similarity, load_template
from faceprep.faces.dlib.landmark_predictor import shared_predictor
from faceprep.faces.face import Face
from faceprep.faces.landmarks import LEFT_EYE, RIGHT_EYE

#: Points that hold a face in place while its expression changes: eye corners and nose.
ANCHORS = (27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)

_MOUTH = tuple(range(48, 68))

# Squares that are described, in distances between the eyes: how far below the eyes their centre
# lies (None: at the centre of the mouth), and their side. Chosen by cross-validation over the
# training subjects of photographs.
_SQUARES: tuple[tuple[float | None, float], ...] = ((0.45, 2.3), (None, 1.25), (-0.1, 1.9))


class FaceDescriptors(NamedTuple):
    """Shape and texture of *N* faces.

    Attributes
    ----------
    points
        ``(N, 136) float32``: 68 points after the similarity that brings them nearest to the mean
        face, minus the mean face, in distances between its eyes.
    measures
        ``(N, 30) float32``: `faceprep.faces.action_units.measures` of the face turned to the front.
    face, mouth, eyes
        ``(N, 4464) float32``: HOG of squares that go with the eye corners and the nose, and with
        the mouth.
    """

    points: np.ndarray
    measures: np.ndarray
    face: np.ndarray
    mouth: np.ndarray
    eyes: np.ndarray


def find_landmarks(images: np.ndarray, template: str = "expression") -> np.ndarray:
    """Find the 68 points of aligned crops.

    Parameters
    ----------
    images
        ``(N, S, S, 3) uint8`` RGB.
    template
        To which they are aligned.

    Returns
    -------
    ``(N, 68, 2) float32`` crop pixels.

    Raises
    ------
    MissingToolError
        The landmark predictor's file is not installed.
    """
    side = images.shape[1]
    start = Face((0, 0, side, side), 1.0, load_template(template, side).astype(np.float32))
    return shared_predictor().predict_many(list(images), [start] * len(images))


def describe(images: np.ndarray, landmarks68: np.ndarray) -> FaceDescriptors:
    """Describe aligned crops.

    Parameters
    ----------
    images
        ``(N, S, S, 3) uint8`` RGB.
    landmarks68
        ``(N, 68, 2)`` crop pixels.
    """
    points = np.asarray(landmarks68, np.float64)
    reference, eyes = _reference()
    shapes = [_onto(face, reference, range(68)) for face in points]
    placed = np.array(
        [q @ m[:, :2].T + m[:, 2] - reference for q, m in zip(points, shapes, strict=True)]
    )
    squares: list[list[np.ndarray]] = [[] for _ in _SQUARES]
    for image, face in zip(images, points, strict=True):
        matrix = _onto(face, reference, ANCHORS)
        mouth = matrix[:, :2] @ face[list(_MOUTH)].mean(0) + matrix[:, 2]
        for found, (below, side) in zip(squares, _SQUARES, strict=True):
            centre = mouth if below is None else eyes + (0, below)
            found.append(_square(image, matrix, centre, side))
    textures = (fhog(np.array(s, np.uint8).reshape(-1, SIDE, SIDE, 3)) for s in squares)
    return FaceDescriptors(
        placed.reshape(len(points), 136).astype(np.float32),
        measure(to_front(points).points).astype(np.float32),
        *textures,
    )


def _reference() -> tuple[np.ndarray, np.ndarray]:
    """The mean face from the front, eye distance 1, and the point between its eyes."""
    reference = mean_face()[:, :2]
    return reference, reference[[*LEFT_EYE, *RIGHT_EYE]].mean(0)


def _onto(face: np.ndarray, reference: np.ndarray, which: "range | tuple[int, ...]") -> np.ndarray:
    chosen = list(which)
    return estimate_similarity(face[chosen], reference[chosen])


def _square(image: np.ndarray, matrix: np.ndarray, centre: np.ndarray, side: float) -> np.ndarray:
    """Part of a crop as ``(112, 112, 3) uint8``."""
    scale = SIDE / side
    moved = matrix * scale
    moved[:, 2] += (SIDE - 1) / 2 - np.asarray(centre) * scale
    return cv2.warpAffine(
        image, moved, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
