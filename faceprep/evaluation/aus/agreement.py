"""Agreement of estimated with known Action Units, by AU and on average."""

from dataclasses import dataclass

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.evaluation.aus.values import AUPairs
from faceprep.metrics.agreement import (
    bootstrap_pearson,
    f1,
    icc_3_1,
    mean_absolute_error,
    mean_of,
    pearson,
)


@dataclass(frozen=True, slots=True)
class AUAgreement:
    """Agreement on one AU; undefined numbers are NaN."""

    au: str  # ``AU01`` …; ``mean`` for the mean of the defined numbers over all AUs
    n: int  # number of faces of known intensity
    #: Pearson's r and its 95 % interval over subjects.
    r: float
    r_low: float
    r_high: float
    icc: float
    mae: float  # mean absolute error of the intensity, 0-5
    f1: float  # F1 of the presence
    faces: int  # number of faces of known presence
    #: Shares of faces in which the AU is present, and in which it is estimated as present.
    present: float
    claimed: float


def agreement(pairs: AUPairs) -> tuple[list[AUAgreement], AUAgreement]:
    """Return the agreement on each of the 18 AUs, and their mean. AU28 has a presence only."""
    low, high = bootstrap_pearson(
        pairs.estimated.intensities, pairs.known.intensities, pairs.subjects
    )
    compared = [_compare(pairs, au, low, high) for au in PRESENCE_AUS]
    return compared, _mean(pairs, compared, float(low[-1]), float(high[-1]))


def _compare(pairs: AUPairs, au: str, low: np.ndarray, high: np.ndarray) -> AUAgreement:
    column = PRESENCE_AUS.index(au)
    present, claimed = _both(pairs.known.presences, pairs.estimated.presences, column)
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
        f1(present, claimed),
        len(present),
        float(present.mean()) if len(present) else np.nan,
        float(claimed.mean()) if len(claimed) else np.nan,
    )


def _both(known: np.ndarray, estimated: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one column of both arrays, for the faces with both values."""
    a, b = known[:, column], estimated[:, column]
    finite = np.isfinite(a) & np.isfinite(b)
    return a[finite], b[finite]


def _mean(pairs: AUPairs, compared: list[AUAgreement], low: float, high: float) -> AUAgreement:
    def mean(name: str) -> float:
        return mean_of([getattr(one, name) for one in compared])

    faces = len(pairs.face_ids)
    return AUAgreement(
        "mean", faces, mean("r"), low, high, mean("icc"), mean("mae"), mean("f1"), faces,
        mean("present"), mean("claimed"),
    )  # fmt: skip
