"""Turn photographs and faces by quarter turns, and tell which way up a face is."""

from collections.abc import Sequence

import cv2
import numpy as np

from faceprep.faces.alignment import apply_affine, five_from_68, invert_affine
from faceprep.faces.finder import Face, Finder
from faceprep.faces.matching import around, best_match

#: A face is turned if the detector is sure of it in the image turned by so many quarter turns, with
#: this much more confidence and at most this roll. Refusing an upright face is worse than missing a
#: turned one: of some upright drawn faces, the image on its side gives 0.15 more.
_MORE_CONFIDENCE = {1: 0.2, 2: 0.025, 3: 0.2}
_UPRIGHT_ROLL = 20

#: Mean distance of the five landmarks of detector and predictor, of the distance of the eyes, above
#: which they conflict. The turned image may then give this much less confidence.
_CONFLICT = 0.1
_LESS_CONFIDENCE = 0.05

#: Degrees by which the rolls of two detections of one face may differ.
_SAME_ROLL = 15

# Side in pixels to which larger surroundings of a face are reduced.
_SIDE = 200


def turn_image(image: np.ndarray, turn: int) -> np.ndarray:
    """Turn ``(H, W, 3)`` counterclockwise by a number of quarter turns."""
    return np.ascontiguousarray(np.rot90(image, turn)) if turn else image


def turn_matrix(turn: int, shape: Sequence[int]) -> np.ndarray:
    """Return the ``(2, 3)`` transformation of points of an image to points of the turned image.

    `shape` begins with the height and width of the image.
    """
    right, bottom = shape[1] - 1, shape[0] - 1
    rows = (
        ((1, 0, 0), (0, 1, 0)),
        ((0, 1, 0), (-1, 0, right)),
        ((-1, 0, right), (0, -1, bottom)),
        ((0, -1, bottom), (1, 0, 0)),
    )
    return np.array(rows[turn % 4], np.float64)


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the transformation that applies `first`, then `second`."""
    shift = apply_affine(second, first[:, 2])
    return np.column_stack([second[:, :2] @ first[:, :2], shift])


def move_face(face: Face, matrix: np.ndarray) -> Face:
    """Return a face in other coordinates."""
    x, y, width, height = face.box
    corners = apply_affine(matrix, np.array([[x, y], [x + width, y + height]]))
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    five = face.landmarks5
    moved = None if five is None else apply_affine(matrix, five).astype(np.float32)
    return Face((left, top, right - left, bottom - top), face.confidence, moved)


def turned_faces(
    finder: Finder,
    images: Sequence[np.ndarray],
    faces: Sequence[Face],
    sure: float,
    conflicts: Sequence[bool],
) -> list[tuple[int, float] | None]:
    """Look at doubtful faces turned by 90, 180 and 270 degrees, at those that are sure by 180 only.

    Detectors also find some faces that are upside down, as if they were upright, with wrong
    landmarks; turned upright they are surer of them. A detector with a confidence of at least
    `sure` is sure; `conflicts` are the faces of which `landmarks_conflict`.

    Returns
    -------
    Degrees (counterclockwise) and confidence of the turn in which each face is found with more
    confidence than as it is, None if it is the right way up.
    """
    views = [_surroundings(image, face) for image, face in zip(images, faces, strict=True)]
    turns = [range(4) if face.confidence < sure else (2,) for face in faces]
    turned = [turn_image(part, turn) for (part, _), few in zip(views, turns, strict=True)
              for turn in few]  # fmt: skip
    found = iter(finder.find(turned, [{}] * len(turned)))
    answers: list[tuple[int, float] | None] = []
    for (part, to_part), face, few, conflict in zip(views, faces, turns, conflicts, strict=True):
        box = move_face(face, to_part).box
        upright, best, way = float(face.confidence), 0.0, 0
        for turn in few:
            matrix = turn_matrix(turn, part.shape)
            seen = [move_face(one, invert_affine(matrix)) for one in next(found).faces]
            match = best_match(seen, box)
            if match is None:
                continue
            if turn == 0:
                upright = max(upright, match.confidence)
                continue
            roll = _roll(match, turn)
            stands = _difference(roll, 90 * turn) <= _UPRIGHT_ROLL
            less = _LESS_CONFIDENCE if conflict and turn == 2 else 0.0
            more = -less or _MORE_CONFIDENCE[turn]
            if (
                stands
                and match.confidence >= sure - less
                and match.confidence > max(best, upright + more)
                and _difference(_roll(face, 0), roll) > _SAME_ROLL
            ):
                best, way = match.confidence, turn
        answers.append((90 * way, best) if way else None)
    return answers


def landmarks_conflict(five: np.ndarray, predicted: np.ndarray) -> bool:
    """Return whether the detector's five landmarks are not those of the 68 predicted ones.

    Of a face that is upside down, both are wrong, each in its own way: they conflict in 14 of 15
    such faces, and in 41 of 1362 upright ones.
    """
    distances = np.linalg.norm(five - five_from_68(predicted), axis=1)
    return bool(distances.mean() > _CONFLICT * np.linalg.norm(five[1] - five[0]))


def _surroundings(image: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of an image around a face, and the transformation to its pixels."""
    left, top, right, bottom = around(face.box, image.shape, 0.5)
    part = image[top:bottom, left:right]
    scale = min(_SIDE / max(part.shape[:2]), 1)
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shift = (scale - 1) / 2
    return part, np.array([[scale, 0, shift - scale * left], [0, scale, shift - scale * top]])


def _roll(face: Face, turn: int) -> float:
    """Return the clockwise roll of a face in degrees; without points, that of the turn."""
    if face.landmarks5 is None:
        return 90 * turn
    eyes, mouth = face.landmarks5[:2].mean(axis=0), face.landmarks5[3:].mean(axis=0)
    x, y = (mouth - eyes).tolist()
    return float(np.degrees(np.arctan2(-x, y)))


def _difference(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)
