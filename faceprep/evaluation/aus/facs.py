"""Translate codes of the Facial Action Coding System (FACS) to the estimated AUs.

CK+ codes the last frame of a sequence. `select` writes the codes to every peak frame; only the last
one is used here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS

#: Codes of the same movement with another scale: the AU counts as present, not graded. A mouth
#: stretched open is coded 27 instead of 26 (jaw drop), and a single frame cannot distinguish a
#: closed eye (43) from a blink (45).
SAME_MOVEMENT = {"AU27": "AU26", "AU43": "AU45"}

#: Grades A to E.
GRADES = (1, 5)


@dataclass(frozen=True, slots=True)
class CodedAUs:
    """FACS codes of *n* faces in terms of the estimated AUs."""

    #: ``(n, 17)``, 1-5 for grades A-E, 0 if the AU is not coded (absent), NaN if it is present but
    #: not graded.
    intensities: np.ndarray
    presences: np.ndarray  # ``(n, 18)``, 1 where coded, 0 elsewhere
    not_estimated: dict[str, int]  # AUs that no backend estimates → number of faces that show them


def translate(codes: Sequence[Mapping[str, float]]) -> CodedAUs:
    """Translate the codes of faces: ``AU12`` → 1-5, or 0 for present but not graded."""
    intensities = np.zeros((len(codes), len(INTENSITY_AUS)))
    presences = np.zeros((len(codes), len(PRESENCE_AUS)))
    others: Counter[str] = Counter()
    for row, code in enumerate(codes):
        for au, grade in _direct_codes_last(code):
            column = SAME_MOVEMENT.get(au, au)
            if column not in PRESENCE_AUS:
                others[au] += 1
                continue
            presences[row, PRESENCE_AUS.index(column)] = 1
            if column in INTENSITY_AUS:
                graded = column == au and GRADES[0] <= grade <= GRADES[1]
                intensities[row, INTENSITY_AUS.index(column)] = grade if graded else np.nan
    return CodedAUs(intensities, presences, dict(sorted(others.items())))


def _direct_codes_last(codes: Mapping[str, float]) -> list[tuple[str, float]]:
    """Sort the codes so that an AU's own code overwrites other codes of the same movement."""
    return sorted(codes.items(), key=lambda code: code[0] not in SAME_MOVEMENT)


def coded_frames(
    subjects: Sequence[str],
    sequences: Sequence[str | None],
    frames: Sequence[int | None],
    roles: Sequence[str],
) -> list[int]:
    """Find the last peak frame of every sequence, which CK+ codes.

    The arguments are columns of the select manifest. Row numbers, ascending.
    """
    last: dict[tuple[str, str], int] = {}
    for row, (subject, sequence, role) in enumerate(zip(subjects, sequences, roles, strict=True)):
        if role != "peak" or sequence is None:
            continue
        before = last.get((subject, sequence))
        if before is None or (frames[row] or 0) >= (frames[before] or 0):
            last[subject, sequence] = row
    return sorted(last.values())
