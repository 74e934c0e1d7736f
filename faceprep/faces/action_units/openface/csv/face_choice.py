"""Which of the faces that OpenFace found in a picture is ours."""

from collections.abc import Sequence

import numpy as np

from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.action_units.openface.csv.file import CsvRow
from faceprep.faces.photographs import landmarks_in_crop, landmarks_in_photograph

#: Overlap (intersection over union) of the landmarks' bounding boxes, below which two faces are
#: two people.
MIN_OVERLAP = 0.3


def our_landmarks(face: FaceInput, source: str) -> np.ndarray:
    """Landmarks of `align`, ``(68, 2)`` pixels of the photograph or of the crop."""
    if source == "crop":
        return landmarks_in_crop(face.align)
    return landmarks_in_photograph(face.align)


def choose_row(rows: Sequence[CsvRow], landmarks68: np.ndarray) -> CsvRow | str:
    """Return the row of the face whose landmarks' box overlaps that of ours the most, or why none.

    Parameters
    ----------
    rows
        Those of one picture, at least one.
    landmarks68
        ``(68, 2)`` pixels of the same picture.
    """
    seen = [
        (overlap(row.landmarks68, landmarks68), row) for row in rows if row.landmarks68 is not None
    ]
    best, chosen = max(seen, key=lambda pair: pair[0], default=(0.0, rows[0]))
    if best >= MIN_OVERLAP:
        return chosen
    broken = [row for row in rows if row.fault and row.landmarks68 is None]
    if broken:  # any of them may have been ours
        return broken[0]
    if not seen:
        if len(rows) == 1:
            return rows[0]
        return f"{len(rows)} faces and no landmarks to tell which is ours (-2Dfp writes them)"
    faces = "face lies" if len(rows) == 1 else f"{len(rows)} faces lie"
    return f"OpenFace's {faces} elsewhere in the picture than ours (overlap {best:.2f})"


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union, 0–1, of the bounding boxes of two sets of points ``(n, 2)``."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(np.ptp(one, axis=0)) + np.prod(np.ptp(other, axis=0)))
    return shared / (areas - shared) if areas > shared else 0.0
