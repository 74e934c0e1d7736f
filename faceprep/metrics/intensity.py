"""Whether an expression grows with the intensity that is asked for, and the map that makes it even.

A slider that fades a sticker in scores well here: these numbers mean something only beside the
others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from faceprep.core.action_units import INTENSITY_AUS
from faceprep.core.errors import UsageError
from faceprep.faces.action_units.face_shape import to_front
from faceprep.faces.action_units.landmark_estimator import estimate
from faceprep.faces.action_units.measures import MEASURES, measure

#: Action Units of each expression (Ekman, Friesen and Hager, FACS Investigator's Guide, 2002, and
#: EMFACS), those that the landmark estimator knows.
EXPRESSION_AUS: dict[str, tuple[str, ...]] = {
    "anger": ("AU04", "AU05", "AU07", "AU23"),
    "contempt": ("AU12", "AU14"),
    "disgust": ("AU09", "AU10", "AU15"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU07", "AU20", "AU26"),
    "happiness": ("AU06", "AU12"),
    "sadness": ("AU01", "AU04", "AU15"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
}

#: The one distance on the face that says most about each expression, and its sign.
EXPRESSION_MEASURES: dict[str, tuple[str, float]] = {
    "anger": ("brow above lid", -1.0),
    "disgust": ("nostril lift", 1.0),
    "fear": ("mouth height", 1.0),
    "happiness": ("mouth corner lift", 1.0),
    "neutral": ("lip gap", -1.0),
    "sadness": ("mouth corner lift", -1.0),
    "surprise": ("mouth height", 1.0),
}


#: Where the maps lie in the `extra` of a generator's file.
CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's ρ between asked and measured intensity.

    Attributes
    ----------
    within
        Mean over the faces of each face's own ρ; a face that does not change counts as 0.
    pooled
        ρ over all faces and intensities together: differences between people lower it.
    """

    within: float
    pooled: float


def expression_aus(
    landmarks68: np.ndarray, before: np.ndarray, expression: str
) -> np.ndarray | None:
    """Mean intensity of an expression's AUs that came in by an edit, by the backend ``landmarks``.

    Edits are compared with their sources: a face at rest that has heavy brows is not angry. For
    neutral it is what went out: the mean over all AUs of the source, compared with the edit.

    Parameters
    ----------
    landmarks68, before : (N, 68, 2)
        Points of the edits and of their sources.

    Returns
    -------
    ``(N,)`` 0 to 5; None for an expression without known AUs.
    """
    if expression == "neutral":
        return np.asarray(estimate(before, landmarks68).intensities.mean(axis=1))
    if expression not in EXPRESSION_AUS:
        return None
    columns = [INTENSITY_AUS.index(au) for au in EXPRESSION_AUS[expression]]
    return np.asarray(estimate(landmarks68, before).intensities[:, columns].mean(axis=1))


def expression_measure(landmarks68: np.ndarray, expression: str) -> np.ndarray | None:
    """`EXPRESSION_MEASURES` of ``(N, 68, 2)`` points, ``(N,)``; None where there is none."""
    if expression not in EXPRESSION_MEASURES:
        return None
    name, sign = EXPRESSION_MEASURES[expression]
    return sign * measure(to_front(landmarks68).points)[:, list(MEASURES).index(name)]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's ρ: Pearson's r of the ranks, ties sharing their mean rank.

    NaN for fewer than 3 values, and for constant values.
    """
    x, y = rankdata(a), rankdata(b)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def correlate(intensities: Sequence[float], measured: np.ndarray) -> Correlation:
    """ρ of the asked intensities with what was measured.

    Parameters
    ----------
    intensities : (L,)
        Different from each other; at least 3, else ρ is NaN.
    measured : (L, N)
        One row for each, one column a face.
    """
    levels = np.asarray(intensities, np.float64)
    if not measured.size or len(levels) < 3:
        return Correlation(np.nan, np.nan)
    each = np.array([spearman(levels, column) for column in measured.T])
    pooled = spearman(np.repeat(levels, measured.shape[1]), measured.ravel())
    return Correlation(float(np.nan_to_num(each).mean()), float(np.nan_to_num(pooled)))


@dataclass(frozen=True, slots=True)
class IntensityMap:
    """From the intensity that a user asks for to the one that the generator is told.

    Attributes
    ----------
    asked, told
        Knots, both rising from 0 to 1; straight lines between.
    """

    asked: tuple[float, ...] = (0.0, 1.0)
    told: tuple[float, ...] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for knots in (self.asked, self.told):
            values = np.asarray(knots, np.float64)
            if (
                len(values) != len(self.asked)
                or len(values) < 2
                or not np.isfinite(values).all()
                or (values[0], values[-1]) != (0, 1)
                or (np.diff(values) < 0).any()
            ):
                raise UsageError("a calibration of the intensity does not rise from 0 to 1")

    def __call__(self, intensity: float) -> float:
        """Intensity for the generator, 0 to 1, never falling as the asked one grows."""
        return float(np.interp(intensity, self.asked, self.told))

    def to_json(self) -> dict[str, list[float]]:
        """Plain values."""
        return {"asked": list(self.asked), "told": list(self.told)}


def fit_intensity_map(told: Sequence[float], measured: np.ndarray) -> IntensityMap:
    """Fit the map that makes the measured expression grow evenly (isotonic regression).

    Parameters
    ----------
    told : (L,)
        Intensities that the generator was told, rising from 0 to 1.
    measured : (L,) or (L, N)
        What was measured at each; the mean over the faces is taken. Use faces of training subjects.

    Returns
    -------
    The identity where nothing grows.
    """
    levels = np.asarray(told, np.float64)
    values = np.asarray(measured, np.float64)
    values = values.mean(axis=1) if values.ndim == 2 else values
    if len(levels) < 2 or (levels[0], levels[-1]) != (0, 1) or (np.diff(levels) <= 0).any():
        raise ValueError("the intensities do not rise from 0 to 1")
    if not np.isfinite(values).all():
        return IntensityMap()
    from sklearn.isotonic import IsotonicRegression

    grown = IsotonicRegression().fit(levels, values).predict(levels)
    span = grown[-1] - grown[0]
    if span <= 1e-9 * max(1.0, float(np.abs(grown).max())):
        return IntensityMap()
    share = (grown - grown[0]) / span
    # Where the expression stands still, the knot in the middle: one asked value, one told.
    asked, where = np.unique(np.round(share, 9), return_inverse=True)
    middles = [float(levels[where == k].mean()) for k in range(len(asked))]
    middles[0], middles[-1] = 0.0, 1.0
    return IntensityMap(tuple(asked.tolist()), tuple(middles))


def calibration_of(extra: Mapping[str, Any]) -> dict[str, IntensityMap]:
    """Maps in the ``extra`` of a generator's file, by expression; none where it was not calibrated.

    Raises
    ------
    UsageError
        They are no such maps.
    """
    return maps_from_json(extra.get(CALIBRATION, {}))


def maps_from_json(values: Mapping[str, Any]) -> dict[str, IntensityMap]:
    """Read the maps that `IntensityMap.to_json` wrote, by expression.

    Raises
    ------
    UsageError
        They are no such maps.
    """
    try:
        return {
            str(name): IntensityMap(
                tuple(float(v) for v in one["asked"]), tuple(float(v) for v in one["told"])
            )
            for name, one in values.items()
        }
    except (KeyError, TypeError, ValueError):
        raise UsageError("the generator's calibration of the intensity cannot be read") from None
