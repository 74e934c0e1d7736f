"""Choose the face found by OpenFace that matches the face of `align`."""

from collections.abc import Sequence

import numpy as np

from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.action_units.openface.csv.row import CsvRow
from faceprep.faces.photographs import landmarks_in_crop, landmarks_in_photograph

#: Intersection over union of the bounding boxes of the landmarks, below which two faces are
#: different people.
MIN_OVERLAP = 0.3


def align_landmarks(face: FaceInput, source: str) -> np.ndarray:
    """Return the landmarks of `align`, ``(68, 2)`` pixels of the photograph or of the crop."""
    if source == "crop":
        return landmarks_in_crop(face.align)
    return landmarks_in_photograph(face.align)


def choose_row(rows: Sequence[CsvRow], landmarks68: np.ndarray) -> CsvRow | str:
    """Return the row whose landmarks overlap those of `align` the most, or the reason of a failure.

    Parameters
    ----------
    rows
        Rows of one image, at least one.
    landmarks68
        Landmarks of `align`, ``(68, 2)`` pixels of the same image.
    """
    seen = [
        (overlap(row.landmarks68, landmarks68), row) for row in rows if row.landmarks68 is not None
    ]
    best, chosen = max(seen, key=lambda pair: pair[0], default=(0.0, rows[0]))
    if best >= MIN_OVERLAP:
        return chosen
    broken = [row for row in rows if row.fault and row.landmarks68 is None]
    if broken:  # any of them may be the face
        return broken[0]
    if not seen:
        if len(rows) == 1:
            return rows[0]
        return f"{len(rows)} faces and no landmarks to tell which is ours (-2Dfp writes them)"
    faces = "face lies" if len(rows) == 1 else f"{len(rows)} faces lie"
    return f"OpenFace's {faces} elsewhere in the picture than ours (overlap {best:.2f})"


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection over union, 0–1, of the bounding boxes of points ``(n, 2)``."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(np.ptp(one, axis=0)) + np.prod(np.ptp(other, axis=0)))
    return shared / (areas - shared) if areas > shared else 0.0
