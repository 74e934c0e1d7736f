"""Find the face that the dataset annotates among the detected ones."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from faceprep.faces.finder import Face, Finder

Box = tuple[float, float, float, float]

#: Smallest intersection over union of a detected face and its annotation; boxes of datasets reach
#: from the brows to the chin or over the whole head.
_OVERLAP = 0.15
# A face that is mostly inside its annotation, or around it, may be this much smaller or larger.
_INSIDE, _AREAS = 0.7, 16

# Side in pixels to which a smaller annotated face is enlarged before it is searched again.
_SIDE = 120


def overlap(one: Box, other: Box) -> tuple[float, float]:
    """Return intersection over union of two boxes, and over the smaller one."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = one[2] * one[3], other[2] * other[3]
    if not common or not min(areas) > 0:
        return 0.0, 0.0
    return common / (sum(areas) - common), common / min(areas)


def best_match(faces: Sequence[Face], box: Box) -> Face | None:
    """Return the face that overlaps a box most, None if none overlaps it enough."""
    best = max(faces, key=lambda face: overlap(face.box, box)[0], default=None)
    if best is None:
        return None
    union, inside = overlap(best.box, box)
    ratio = best.box[2] * best.box[3] / max(box[2] * box[3], 1e-9)
    similar = inside >= _INSIDE and 1 / _AREAS <= ratio <= _AREAS
    return best if union >= _OVERLAP or similar else None


def around(box: Box, shape: tuple[int, ...], margin: float) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a box with a margin in its sides, within an image."""
    x, y, width, height = box
    more = margin * max(width, height)
    left = min(max(math.floor(x - more), 0), shape[1] - 1)
    top = min(max(math.floor(y - more), 0), shape[0] - 1)
    right = min(max(math.ceil(x + width + more), left + 1), shape[1])
    bottom = min(max(math.ceil(y + height + more), top + 1), shape[0])
    return left, top, right, bottom


def search_around(finder: Finder, image: np.ndarray, box: Box) -> Face | None:
    """Search the annotated face in its surroundings, enlarged if it is small.

    Detectors skip small faces, and the search of MTCNN those that are much smaller than others.
    """
    left, top, right, bottom = around(box, image.shape, 1.0)
    scale = max(_SIDE / max(box[2], box[3], 1.0), 1.0)
    scale = min(scale, 2000 / max(right - left, bottom - top))
    part = np.ascontiguousarray(image[top:bottom, left:right])
    if scale > 1:
        part = cv2.resize(part, None, fx=scale, fy=scale)
    scale = max(scale, 1.0)
    moved = []
    for face in finder.find([part], [{}])[0].faces:
        x, y = (
            (value + 0.5) / scale - 0.5 + corner
            for value, corner in zip(face.box[:2], (left, top), strict=True)
        )
        five = face.landmarks5
        if five is not None:
            five = ((five + 0.5) / scale - 0.5 + [left, top]).astype(np.float32)
        moved.append(Face((x, y, face.box[2] / scale, face.box[3] / scale), face.confidence, five))
    return best_match(moved, box)
