"""Action Unit intensities and presences from 68 points, by geometry alone.

Points are turned to the front (`face_shape`), named distances are taken (`measures`), and each AU
is a weighted sum of them, cut to 0–5. Where the neutral face of the same sequence is known,
distances are taken from that face instead of from the average one, with weights of their own, and
only those count that the AU's muscle moves. All weights stand in
``landmark_coefficients.toml``, which says how they were found.

Points do not show wrinkles, bulges or teeth. What that costs is measured per AU: see
`reliability` and ``benchmarks/README.md``.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from faceprep.core.action_units import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.face_shape import FaceShapes, to_front
from faceprep.faces.action_units.measures import MEASURES, measure

#: File beside this module with every number of the estimator.
COEFFICIENTS = "landmark_coefficients.toml"

MAX_INTENSITY = 5.0

# Estimates are given to this many decimals, more than they are worth, so that the order in which
# a machine adds numbers up never shows in a manifest.
_DECIMALS = 3

# Confidence falls linearly from 1 at the first number to 0 at the second. Most of the calibration
# photographs stay below the first; next to none of them reach the second.
_RESIDUAL_RANGE = (0.05, 0.15)  # in distances between the eyes
_YAW_RANGE = (15.0, 45.0)  # degrees
_PITCH_RANGE = (12.0, 40.0)  # degrees


class Estimates(NamedTuple):
    """AUs of *N* faces.

    Attributes
    ----------
    intensities
        ``(N, 17) float32``, 0–5, in the order of `INTENSITY_AUS`; NaN where landmarks were NaN.
    presences
        ``(N, 18) bool`` in the order of `PRESENCE_AUS`; False where landmarks were NaN.
    confidence
        ``(N,) float32``, 0–1: how well the points fit a face seen from a direction in which the
        distances can be trusted. 1: a shape and pose like those of the calibration photographs;
        0: turned away, or no face shape. Of a face and its neutral face, the worse counts. Not a
        probability, and not about single AUs; points that sit plausibly in a wrong place (on the
        rim of glasses) do not lower it. NaN where landmarks were NaN.
    """

    intensities: np.ndarray
    presences: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of all AUs for one kind of input, in measures scaled to their spread.

    Attributes
    ----------
    gains
        ``(18, measures)`` AU levels per spread, in the order of `PRESENCE_AUS`.
    offsets
        ``(18,)`` AU levels of the face that is compared with.
    thresholds
        ``(18,)`` levels from which on an AU counts as present.
    """

    gains: np.ndarray
    offsets: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True, slots=True)
class Coefficients:
    """``landmark_coefficients.toml`` as arrays.

    Attributes
    ----------
    average, spread
        ``(measures,)`` mean and standard deviation of the measures over the calibration faces.
    still
        Weights for the difference from the average face.
    change
        Weights for the difference from the neutral face of the same sequence.
    reliability
        AU → Pearson r with OpenFace on photographs of people that were not calibrated on.
    """

    average: np.ndarray
    spread: np.ndarray
    still: Weights
    change: Weights
    reliability: dict[str, float]


def estimate(landmarks68: np.ndarray, neutral: np.ndarray | None = None) -> Estimates:
    """Estimate the AUs of faces.

    Parameters
    ----------
    landmarks68
        ``(N, 68, 2)`` x, y in pixels of any image, iBUG order. Position, scale, roll and mirroring
        do not matter; yaw and pitch are corrected to first order.
    neutral
        ``(N, 68, 2)`` points of the same person's neutral face, NaN where there is none. May come
        from another image at another scale.

    Returns
    -------
    `Estimates`. Each intensity is monotone in each distance that it is made of.

    Raises
    ------
    ValueError
        For arrays of other shapes.
    """
    landmarks68 = np.asarray(landmarks68, dtype=np.float64)
    if landmarks68.ndim != 3 or landmarks68.shape[1:] != (68, 2):
        raise ValueError(f"expected (N, 68, 2) landmarks, got {landmarks68.shape}")
    if neutral is None:
        neutral = np.full_like(landmarks68, np.nan)
    neutral = np.asarray(neutral, dtype=np.float64)
    if neutral.shape != landmarks68.shape:
        raise ValueError(f"{landmarks68.shape} landmarks, but {neutral.shape} neutral ones")

    numbers = coefficients()
    usable = _usable(landmarks68)
    shapes = to_front(landmarks68[usable])
    distances = measure(shapes.points)
    level, threshold = _levels(distances - numbers.average, numbers.still, numbers.spread)

    sure = _confidence(shapes)

    compared = _usable(neutral[usable])
    rest = to_front(neutral[usable][compared])
    change = distances[compared] - measure(rest.points)
    level[compared], threshold[compared] = _levels(change, numbers.change, numbers.spread)
    sure[compared] = np.minimum(sure[compared], _confidence(rest))

    presences = np.zeros((len(landmarks68), len(PRESENCE_AUS)), dtype=bool)
    presences[usable] = level >= threshold
    intensities = np.full((len(landmarks68), len(INTENSITY_AUS)), np.nan, dtype=np.float32)
    graded = [PRESENCE_AUS.index(name) for name in INTENSITY_AUS]
    intensities[usable] = np.clip(level[:, graded], 0, MAX_INTENSITY).round(_DECIMALS)
    confidence = np.full(len(landmarks68), np.nan, dtype=np.float32)
    confidence[usable] = sure.round(_DECIMALS)
    return Estimates(intensities, presences, confidence)


def reliability() -> dict[str, float]:
    """AU → Pearson r with OpenFace's intensities on photographs of people not calibrated on.

    AU28, which has no intensity, is not among them.
    """
    return dict(coefficients().reliability)


@cache
def coefficients() -> Coefficients:
    """Read ``landmark_coefficients.toml``, once."""
    text = files(__package__).joinpath(COEFFICIENTS).read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    scales, aus, gains = tables["measures"], tables["action_units"], tables["still_gains"]
    columns = [gains["columns"].index(name) for name in PRESENCE_AUS]
    still = np.array([gains[name] for name in MEASURES])[:, columns].T
    change = _chosen([aus[name]["change"]["gains"] for name in PRESENCE_AUS])
    return Coefficients(
        average=np.array([scales[name]["average"] for name in MEASURES]),
        spread=np.array([scales[name]["spread"] for name in MEASURES]),
        still=_weights(still, [aus[name]["still"] for name in PRESENCE_AUS]),
        change=_weights(change, [aus[name]["change"] for name in PRESENCE_AUS]),
        reliability={name: aus[name]["reliability"] for name in INTENSITY_AUS},
    )


def _chosen(tables: list[dict[str, float]]) -> np.ndarray:
    """Gains ``(AUs, measures)``, 0 for the measures that a table does not name."""
    return np.array([[table.get(name, 0.0) for name in MEASURES] for table in tables])


def _weights(gains: np.ndarray, tables: list[dict[str, Any]]) -> Weights:
    return Weights(
        gains=gains,
        offsets=np.array([table["offset"] for table in tables]),
        thresholds=np.array([table["present_from"] for table in tables]),
    )


def _levels(
    difference: np.ndarray, weights: Weights, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Levels before they are cut to 0–5, and thresholds, both ``(N, 18)``."""
    level = weights.offsets + difference / spread @ weights.gains.T
    return level, np.broadcast_to(weights.thresholds, level.shape).copy()


def _usable(landmarks68: np.ndarray) -> np.ndarray:
    """Which faces have 68 finite points that do not all coincide, ``(N,) bool``."""
    finite = np.isfinite(landmarks68).all(axis=(1, 2))
    return finite & (np.ptp(np.where(finite[:, None, None], landmarks68, 0), axis=1) > 0).all(
        axis=1
    )


def _confidence(shapes: FaceShapes) -> np.ndarray:
    return (
        _fall(shapes.residual, _RESIDUAL_RANGE)
        * _fall(np.abs(shapes.yaw), _YAW_RANGE)
        * _fall(np.abs(shapes.pitch), _PITCH_RANGE)
    )


def _fall(value: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """1 up to the first limit, 0 from the second on, a straight line between."""
    return np.interp(value, limits, (1.0, 0.0))
