"""Backend ``landmarks``: estimate Action Units from the geometry of 68 points, without models.

The points are rotated to a frontal view, named distances are computed (`face_shape.MEASURES`), and
each AU is a weighted sum of them, clipped to 0–5. If the neutral face of the sequence is known,
distances are relative to that face instead of the average one, with other weights, and only
distances that the muscle of the AU changes are used. ``landmark_coefficients.toml`` contains the
weights and describes their origin.

Points do not show wrinkles, bulges or teeth. See `reliability` and ``benchmarks/README.md`` for the
effect on each AU.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from faceprep.config import Config
from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.face_shape import (
    MEAN_FACE,
    MEASURES,
    FaceShapes,
    measure,
    to_front,
)

#: File of the weights, beside this module.
COEFFICIENTS = "landmark_coefficients.toml"

MAX_INTENSITY = 5.0

# Estimates are rounded to this number of decimals, which exceeds their accuracy, so that manifests
# do not depend on the order of summation.
_DECIMALS = 3

# Confidence decreases linearly from 1 at the first number to 0 at the second. Most calibration
# photographs are below the first number, and almost none reach the second.
_RESIDUAL_RANGE = (0.05, 0.15)  # in distances between the eyes
_YAW_RANGE = (15.0, 45.0)  # degrees
_PITCH_RANGE = (12.0, 40.0)  # degrees


class Estimates(NamedTuple):
    """Hold the AUs of *N* faces.

    Attributes
    ----------
    intensities
        ``(N, 17) float32``, 0–5, in the order of `INTENSITY_AUS`; NaN if landmarks are NaN.
    presences
        ``(N, 18) bool`` in the order of `PRESENCE_AUS`; False if landmarks are NaN.
    confidence
        ``(N,) float32``, 0–1: how well the points fit a face in a suitable pose. 1 means shape and
        pose like those of the calibration photographs; 0 means a turned face or no face shape. The
        lower confidence of a face and its neutral face counts. It is neither a probability nor
        specific to an AU; plausible points at wrong positions (on the rim of glasses) do not
        decrease it. NaN if landmarks are NaN.
    """

    intensities: np.ndarray
    presences: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True, slots=True)
class Weights:
    """Hold the weights of all AUs for one kind of input, for measures in units of their spread."""

    gains: np.ndarray  # ``(18, measures)`` AU levels per spread, in the order of `PRESENCE_AUS`
    offsets: np.ndarray  # ``(18,)`` AU levels of the reference face
    thresholds: np.ndarray  # ``(18,)`` levels from which an AU counts as present


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Hold the content of ``landmark_coefficients.toml`` as arrays."""

    # ``(measures,)`` mean and standard deviation of the measures over the calibration faces
    average: np.ndarray
    spread: np.ndarray
    still: Weights  # weights for the difference from the average face
    change: Weights  # weights for the difference from the neutral face of the same sequence
    # AU → Pearson r with OpenFace on photographs of people not used for calibration
    reliability: dict[str, float]


def estimate(landmarks68: np.ndarray, neutral: np.ndarray | None = None) -> Estimates:
    """Estimate the AUs of faces.

    Parameters
    ----------
    landmarks68
        ``(N, 68, 2)`` x, y in pixels of any image, iBUG order. Position, scale, roll and mirroring
        have no effect; yaw and pitch are corrected to first order.
    neutral
        ``(N, 68, 2)`` points of the neutral face of the same person, NaN without one. It may be
        from another image at another scale.

    Returns
    -------
    `Estimates`. Each intensity is monotone in each of its distances.

    Raises
    ------
    ValueError
        If an array has another shape.
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
    """Return AU → Pearson r with OpenFace on photographs of people not used for calibration.

    AU28 is missing, because it has no intensity.
    """
    return dict(coefficients().reliability)


@cache
def coefficients() -> Coefficients:
    """Load ``landmark_coefficients.toml``."""
    text = files(__package__).joinpath(COEFFICIENTS).read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    scales, aus, gains = tables["measures"], tables["action_units"], tables["still_gains"]
    columns = [gains["columns"].index(name) for name in PRESENCE_AUS]
    still = np.array([gains[name] for name in MEASURES])[:, columns].T
    change = _gain_table([aus[name]["change"]["gains"] for name in PRESENCE_AUS])
    return Coefficients(
        average=np.array([scales[name]["average"] for name in MEASURES]),
        spread=np.array([scales[name]["spread"] for name in MEASURES]),
        still=_weights(still, [aus[name]["still"] for name in PRESENCE_AUS]),
        change=_weights(change, [aus[name]["change"] for name in PRESENCE_AUS]),
        reliability={name: aus[name]["reliability"] for name in INTENSITY_AUS},
    )


def _gain_table(tables: list[dict[str, float]]) -> np.ndarray:
    """Return gains ``(AUs, measures)``, 0 for measures that are not in a table."""
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
    """Return levels before clipping to 0–5, and thresholds, both ``(N, 18)``."""
    level = weights.offsets + difference / spread @ weights.gains.T
    return level, np.broadcast_to(weights.thresholds, level.shape).copy()


def _usable(landmarks68: np.ndarray) -> np.ndarray:
    """Return which faces have 68 finite points that do not all coincide, ``(N,) bool``."""
    finite = np.isfinite(landmarks68).all(axis=(1, 2))
    return finite & (np.ptp(np.where(finite[:, None, None], landmarks68, 0), axis=1) > 0).all(
        axis=1
    )


def _confidence(shapes: FaceShapes) -> np.ndarray:
    return (
        _decrease(shapes.residual, _RESIDUAL_RANGE)
        * _decrease(np.abs(shapes.yaw), _YAW_RANGE)
        * _decrease(np.abs(shapes.pitch), _PITCH_RANGE)
    )


def _decrease(value: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return 1 up to the first limit, 0 from the second, linear in between."""
    return np.interp(value, limits, (1.0, 0.0))


class LandmarkBackend:
    """Estimate from the geometry of 68 points, relative to a neutral frame if there is one."""

    name = "landmarks"
    settings = ()

    def available(self, config: Config) -> str | None:
        """Return ``None``: the backend is always available."""
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return the hash of the weights of the estimator."""
        folder = files(__package__)
        numbers = b"".join(folder.joinpath(n).read_bytes() for n in (MEAN_FACE, COEFFICIENTS))
        return {"coefficients": hashlib.sha256(numbers).hexdigest()[:16]}

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Estimate all faces at once, relative to the neutral frame if there is one."""
        if not faces:
            return []
        nothing = np.full((68, 2), np.nan)
        found = estimate(
            np.stack([face.landmarks68 for face in faces]),
            np.stack([nothing if face.neutral68 is None else face.neutral68 for face in faces]),
        )
        results = []
        for face, intensities, presences, confidence in zip(faces, *found, strict=True):
            if np.isnan(intensities).any():
                results.append(AUResult(reason="68 landmarks are missing or all in one place"))
                continue
            compared = face.neutral68 is not None and bool(np.isfinite(face.neutral68).all())
            variant = "neutral" if compared else None
            results.append(AUResult(intensities, presences, float(confidence), variant))
        return results
