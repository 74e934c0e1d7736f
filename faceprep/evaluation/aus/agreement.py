"""Action Units of a workspace beside what is known of the same faces, and how far they agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from faceprep.core.action_units import INTENSITY_AUS, PRESENCE_AUS
from faceprep.metrics.agreement import (
    bootstrap_pearson,
    f1,
    icc_3_1,
    mean_absolute_error,
    pearson,
)


@dataclass(frozen=True, slots=True)
class AUValues:
    """AUs of *n* faces, from anywhere.

    Attributes
    ----------
    face_ids
        Whose.
    intensities : (n, 17)
        0-5, NaN where not known.
    presences : (n, 18)
        0 or 1, NaN where not known.
    source
        Where they come from, for people.
    """

    face_ids: list[str]
    intensities: np.ndarray
    presences: np.ndarray
    source: str


@dataclass(frozen=True, slots=True)
class AUPairs:
    """The same *n* faces twice: estimated and known.

    Attributes
    ----------
    face_ids, subjects : (n,)
        Of each face.
    estimated, known
        In the same order.
    """

    face_ids: list[str]
    subjects: np.ndarray
    estimated: AUValues
    known: AUValues


@dataclass(frozen=True, slots=True)
class AUAgreement:
    """How far estimates of one AU agree with what is known; NaN where a number is not defined.

    Attributes
    ----------
    au
        ``AU01`` …; ``mean`` for the mean over all that have the number.
    n
        Faces whose intensity is known.
    r, r_low, r_high
        Pearson's r and its 95 % interval over subjects.
    icc
        ICC(3,1).
    mae
        Mean absolute error of the intensity, 0-5.
    f1
        Of the presence.
    faces
        Faces whose presence is known.
    present, claimed
        Share of them in which the AU is present, and in which the estimator says so.
    """

    au: str
    n: int
    r: float
    r_low: float
    r_high: float
    icc: float
    mae: float
    f1: float
    faces: int
    present: float
    claimed: float


@dataclass(frozen=True, slots=True)
class AUEvaluation:
    """All that ``faceprep evaluate aus`` says.

    Attributes
    ----------
    workspace, reference
        What was held against what, for people.
    which
        Which faces, for people.
    pairs
        The faces.
    aus
        One for each AU that has a presence, in OpenFace's order.
    mean
        Over the AUs.
    not_estimated
        AUs that are known but that no backend estimates → number of faces that show them.
    notes
        Faces that take no part, and why.
    """

    workspace: str
    reference: str
    which: str
    pairs: AUPairs
    aus: list[AUAgreement]
    mean: AUAgreement
    not_estimated: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def pair(estimated: AUValues, known: AUValues, subjects: Mapping[str, str]) -> AUPairs:
    """Put the faces that both have side by side, in the order of the estimates.

    Parameters
    ----------
    subjects
        ``face_id`` → subject; faces that are missing here are left out.
    """
    at = {face_id: row for row, face_id in enumerate(known.face_ids)}
    rows = [
        (row, at[face_id])
        for row, face_id in enumerate(estimated.face_ids)
        if face_id in at and face_id in subjects
    ]
    mine, theirs = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True))
        if rows
        else (np.zeros((2, 0), np.int64))
    )
    face_ids = [estimated.face_ids[row] for row in mine]
    return AUPairs(
        face_ids,
        np.array([subjects[face_id] for face_id in face_ids], np.str_),
        _rows(estimated, mine),
        _rows(known, theirs),
    )


def _rows(values: AUValues, rows: np.ndarray) -> AUValues:
    face_ids = [values.face_ids[row] for row in rows]
    return AUValues(face_ids, values.intensities[rows], values.presences[rows], values.source)


def agreement(pairs: AUPairs) -> tuple[list[AUAgreement], AUAgreement]:
    """Compare every AU.

    Returns
    -------
    One for each of the 18 AUs, and their mean. AU28 has a presence only.
    """
    low, high = bootstrap_pearson(
        pairs.estimated.intensities, pairs.known.intensities, pairs.subjects
    )
    compared = [_compare(pairs, au, low, high) for au in PRESENCE_AUS]
    return compared, _mean(pairs, compared, float(low[-1]), float(high[-1]))


def _compare(pairs: AUPairs, au: str, low: np.ndarray, high: np.ndarray) -> AUAgreement:
    column = PRESENCE_AUS.index(au)
    is_there, said = _both(pairs.known.presences, pairs.estimated.presences, column)
    ends = np.nan, np.nan
    known = estimated = np.zeros(0)
    if au in INTENSITY_AUS:
        column = INTENSITY_AUS.index(au)
        known, estimated = _both(pairs.known.intensities, pairs.estimated.intensities, column)
        ends = float(low[column]), float(high[column])
    return AUAgreement(
        au,
        len(known),
        pearson(known, estimated),
        *ends,
        icc_3_1(np.stack([known, estimated], axis=1)),
        mean_absolute_error(known, estimated),
        f1(is_there, said),
        len(is_there),
        float(is_there.mean()) if len(is_there) else np.nan,
        float(said.mean()) if len(said) else np.nan,
    )


def _both(known: np.ndarray, estimated: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """One column of either, of the faces that have both."""
    a, b = known[:, column], estimated[:, column]
    there = np.isfinite(a) & np.isfinite(b)
    return a[there], b[there]


def _mean(pairs: AUPairs, compared: list[AUAgreement], low: float, high: float) -> AUAgreement:
    def mean(name: str) -> float:
        values = np.array([getattr(one, name) for one in compared], np.float64)
        values = values[np.isfinite(values)]
        return float(values.mean()) if len(values) else np.nan

    faces = len(pairs.face_ids)
    return AUAgreement(
        "mean", faces, mean("r"), low, high, mean("icc"), mean("mae"), mean("f1"), faces,
        mean("present"), mean("claimed"),
    )  # fmt: skip
