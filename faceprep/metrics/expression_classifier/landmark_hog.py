"""Features of an aligned face: its shape by 68 points, its texture by HOG.

Neither is part of any loss. The search for landmarks starts from the template's five points, so
that it needs no face detector, which could fail on a generated face.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from faceprep.core.landmarks import LEFT_EYE, RIGHT_EYE
from faceprep.faces.action_units.face_shape import mean_face, measure, to_front
from faceprep.faces.action_units.openface.models.fhog import SIDE, fhog
from faceprep.faces.alignment import estimate_similarity, load_template
from faceprep.faces.dlib.landmark_predictor import shared_predictor
from faceprep.faces.finder import Face

#: Points that move little with the expression: eye corners and nose.
ANCHORS = (27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)

_MOUTH = tuple(range(48, 68))

# HOG squares, in units of the distance between the eyes: distance of the centre below the eyes
# (None: the centre of the mouth), and side. Chosen by cross-validation over the training subjects
# of photographs.
_SQUARES: tuple[tuple[float | None, float], ...] = ((0.45, 2.3), (None, 1.25), (-0.1, 1.9))


class LandmarkHog(NamedTuple):
    """Shape and texture of *N* faces."""

    #: ``(N, 136) float32``, 68 points fitted to the mean face by a similarity, minus the mean face,
    #: in units of the distance between its eyes.
    points: np.ndarray
    #: ``(N, 30) float32``, `face_shape.MEASURES` of the face turned to the front.
    measures: np.ndarray
    #: ``(N, 4464) float32``: HOG of squares placed by the eye corners and the nose, and by the
    #: mouth.
    face: np.ndarray
    mouth: np.ndarray
    eyes: np.ndarray


def find_landmarks(images: np.ndarray, template: str = "expression") -> np.ndarray:
    """Find the 68 points of aligned crops ``(N, S, S, 3) uint8``, ``(N, 68, 2) float32`` pixels.

    MissingToolError if the landmark predictor's file is not installed.
    """
    side = images.shape[1]
    start = Face((0, 0, side, side), 1.0, load_template(template, side).astype(np.float32))
    return shared_predictor().predict_many(list(images), [start] * len(images))


def extract_features(images: np.ndarray, landmarks68: np.ndarray) -> LandmarkHog:
    """Compute shape and texture of crops ``(N, S, S, 3) uint8`` with landmarks in their pixels."""
    points = np.asarray(landmarks68, np.float64)
    reference, eyes = _reference()
    shapes = [_fit(face, reference, range(68)) for face in points]
    placed = np.array(
        [q @ m[:, :2].T + m[:, 2] - reference for q, m in zip(points, shapes, strict=True)]
    )
    squares: list[list[np.ndarray]] = [[] for _ in _SQUARES]
    for image, face in zip(images, points, strict=True):
        matrix = _fit(face, reference, ANCHORS)
        mouth = matrix[:, :2] @ face[list(_MOUTH)].mean(0) + matrix[:, 2]
        for crops, (below, side) in zip(squares, _SQUARES, strict=True):
            centre = mouth if below is None else eyes + (0, below)
            crops.append(_square(image, matrix, centre, side))
    textures = (fhog(np.array(s, np.uint8).reshape(-1, SIDE, SIDE, 3)) for s in squares)
    return LandmarkHog(
        placed.reshape(len(points), 136).astype(np.float32),
        measure(to_front(points).points).astype(np.float32),
        *textures,
    )


def _reference() -> tuple[np.ndarray, np.ndarray]:
    """Return the frontal mean face with eye distance 1, and the point between its eyes."""
    reference = mean_face()[:, :2]
    return reference, reference[[*LEFT_EYE, *RIGHT_EYE]].mean(0)


def _fit(face: np.ndarray, reference: np.ndarray, points: Sequence[int]) -> np.ndarray:
    """Return the similarity ``(2, 3)`` that maps some points of a face onto the mean face."""
    chosen = list(points)
    return estimate_similarity(face[chosen], reference[chosen])


def _square(image: np.ndarray, matrix: np.ndarray, centre: np.ndarray, side: float) -> np.ndarray:
    """Cut a square of a crop, ``(112, 112, 3) uint8``."""
    scale = SIDE / side
    moved = matrix * scale
    moved[:, 2] += (SIDE - 1) / 2 - np.asarray(centre) * scale
    return cv2.warpAffine(
        image, moved, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
