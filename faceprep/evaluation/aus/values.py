"""Action Units of faces as arrays, and pairs of values from two sources."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class AUValues:
    """Action Units of *n* faces from one source.

    Attributes
    ----------
    face_ids
        Names of the faces.
    intensities : (n, 17)
        0-5, NaN where unknown.
    presences : (n, 18)
        0 or 1, NaN where unknown.
    source
        Name of the source, for reports.
    """

    face_ids: list[str]
    intensities: np.ndarray
    presences: np.ndarray
    source: str

    def take(self, rows: np.ndarray) -> "AUValues":
        """Return a subset of the faces by indices."""
        face_ids = [self.face_ids[row] for row in rows]
        return AUValues(face_ids, self.intensities[rows], self.presences[rows], self.source)


@dataclass(frozen=True, slots=True)
class AUPairs:
    """Estimated and known Action Units of the same *n* faces, in the same order.

    Attributes
    ----------
    face_ids, subjects : (n,)
        Name and subject of each face.
    estimated, known
        Values of both sources.
    """

    face_ids: list[str]
    subjects: np.ndarray
    estimated: AUValues
    known: AUValues


def pair(estimated: AUValues, known: AUValues, subjects: Mapping[str, str]) -> AUPairs:
    """Join the faces of both sources, in the order of the estimates.

    Parameters
    ----------
    subjects
        ``face_id`` → subject; other faces are excluded.
    """
    at = {face_id: row for row, face_id in enumerate(known.face_ids)}
    rows = np.array(
        [
            (row, at[face_id])
            for row, face_id in enumerate(estimated.face_ids)
            if face_id in at and face_id in subjects
        ],
        np.int64,
    ).reshape(-1, 2)
    here, there = estimated.take(rows[:, 0]), known.take(rows[:, 1])
    names = np.array([subjects[face_id] for face_id in here.face_ids], np.str_)
    return AUPairs(here.face_ids, names, here, there)
