"""Measured intensity of expressions, its correlation with the requested one, and its calibration.

A generator that fades in a fixed overlay also reaches a high correlation, so it must be read
together with identity and realism.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.isotonic import IsotonicRegression

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.faces.action_units.face_shape import MEASURES, measure, to_front
from faceprep.faces.action_units.landmark_estimator import estimate
from faceprep.generators.editor import Editor, IntensityMap
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, log_odds

#: Action units of each expression (Ekman, Friesen and Hager, FACS Investigator's Guide, 2002, and
#: EMFACS) that the landmark estimator measures.
EXPRESSION_AUS: dict[str, tuple[str, ...]] = {
    "anger": ("AU04", "AU05", "AU07", "AU23"),
    "contempt": ("AU12", "AU14"),
    "disgust": ("AU09", "AU10", "AU15"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU07", "AU20", "AU26"),
    "happiness": ("AU06", "AU12"),
    "sadness": ("AU01", "AU04", "AU15"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
}

#: Most discriminative distance on the face for each expression, and its sign.
EXPRESSION_MEASURES: dict[str, tuple[str, float]] = {
    "anger": ("brow above lid", -1.0),
    "disgust": ("nostril lift", 1.0),
    "fear": ("mouth height", 1.0),
    "happiness": ("mouth corner lift", 1.0),
    "neutral": ("lip gap", -1.0),
    "sadness": ("mouth corner lift", -1.0),
    "surprise": ("mouth height", 1.0),
}


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's ρ between requested and measured intensity."""

    #: Mean over the faces of each face's own ρ; a face that does not change counts as 0.
    within: float
    #: ρ over all faces and intensities together; differences between subjects lower it.
    pooled: float


def expression_aus(
    landmarks68: np.ndarray, before: np.ndarray, expression: str
) -> np.ndarray | None:
    """Return the mean increase of an expression's AUs by an edit, ``(N,)`` in [0, 5].

    Landmarks ``(N, 68, 2)`` of the edits are compared with those of their sources, `before`,
    because neutral faces differ. For neutral, return the decrease: the mean over all AUs of the
    source relative to the edit. None for an expression without known AUs.
    """
    if expression == "neutral":
        return np.asarray(estimate(before, landmarks68).intensities.mean(axis=1))
    if expression not in EXPRESSION_AUS:
        return None
    columns = [INTENSITY_AUS.index(au) for au in EXPRESSION_AUS[expression]]
    return np.asarray(estimate(landmarks68, before).intensities[:, columns].mean(axis=1))


def expression_measure(landmarks68: np.ndarray, expression: str) -> np.ndarray | None:
    """Return `EXPRESSION_MEASURES` of landmarks ``(N, 68, 2)`` as ``(N,)``; None if undefined."""
    if expression not in EXPRESSION_MEASURES:
        return None
    name, sign = EXPRESSION_MEASURES[expression]
    return sign * measure(to_front(landmarks68).points)[:, list(MEASURES).index(name)]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's ρ; ties share their mean rank.

    NaN for fewer than 3 values, or if one side is constant.
    """
    # Not scipy.stats.spearmanr: it computes a p-value as well, which takes three times as long.
    x, y = rankdata(a), rankdata(b)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def correlate(intensities: Sequence[float], measured: np.ndarray) -> Correlation:
    """Correlate L distinct intensities with measurements ``(L, N)``; NaN for L < 3."""
    levels = np.asarray(intensities, np.float64)
    if not measured.size or len(levels) < 3:
        return Correlation(np.nan, np.nan)
    each = np.array([spearman(levels, column) for column in measured.T])
    pooled = spearman(np.repeat(levels, measured.shape[1]), measured.ravel())
    return Correlation(float(np.nan_to_num(each).mean()), float(np.nan_to_num(pooled)))


def fit_intensity_map(told: Sequence[float], measured: np.ndarray) -> IntensityMap:
    """Fit the map that makes the measured expression linear (isotonic regression).

    `told` are the L inputs of the generator, rising from 0 to 1; `measured` ``(L,)`` or ``(L, N)``
    is averaged over the faces, which should be of training subjects. Return the identity map if the
    measurement does not grow.
    """
    levels = np.asarray(told, np.float64)
    values = np.asarray(measured, np.float64)
    values = values.mean(axis=1) if values.ndim == 2 else values
    if len(levels) < 2 or (levels[0], levels[-1]) != (0, 1) or (np.diff(levels) <= 0).any():
        raise ValueError("the intensities do not rise from 0 to 1")
    if not np.isfinite(values).all():
        return IntensityMap()
    grown = IsotonicRegression().fit(levels, values).predict(levels)
    span = grown[-1] - grown[0]
    if span <= 1e-9 * max(1.0, float(np.abs(grown).max())):
        return IntensityMap()
    share = (grown - grown[0]) / span
    # If the expression is constant over a range, keep one knot in its middle.
    asked, where = np.unique(np.round(share, 9), return_inverse=True)
    middles = [float(levels[where == k].mean()) for k in range(len(asked))]
    middles[0], middles[-1] = 0.0, 1.0
    return IntensityMap(tuple(asked.tolist()), tuple(middles))


def measurements(
    judge: ExpressionClassifier, faces: AlignedFaces, sources: AlignedFaces, expression: str
) -> dict[str, np.ndarray]:
    """Measure the intensity of an expression in edits of sources.

    Name of the measurement → ``(N,)``: ``judge`` (log-odds); ``AUs`` and ``distance on the face``
    if they are defined for the expression.
    """
    column = judge.classes.index(expression)
    found = {
        "judge": log_odds(judge.log_probabilities(faces), column) if len(faces) else np.zeros(0)
    }
    if len(faces):
        others = {
            "AUs": expression_aus(faces.landmarks68, sources.landmarks68, expression),
            "distance on the face": expression_measure(faces.landmarks68, expression),
        }
        found |= {key: values for key, values in others.items() if values is not None}
    return found


def calibrate(editor: Editor, faces: LabelledFaces, steps: int = 11) -> dict[str, IntensityMap]:
    """Fit the maps of the intensity by expression, on faces of training subjects.

    The expression's AUs are measured. The editor's own calibration is not used. Expressions that
    every face shows have no map. The result is for `Editor` and for ``extra["calibration"]`` of the
    generator's file.
    """
    plain = Editor(editor.generator, None, editor.device, editor.targets.references)
    levels = np.linspace(0, 1, steps)
    maps = {}
    for expression in editor.generator.classes:
        other = faces.expressions != expression
        if not other.any():
            continue
        sources, before = faces.images[other], faces.landmarks68[other]
        measurements = faces.measurements.take(other)
        measured = []
        for level in levels:
            images = plain.edit(sources, expression, float(level), measurements)
            edits = AlignedFaces(images, faces.template)
            measured.append(expression_aus(edits.landmarks68, before, expression))
        if any(values is None for values in measured):
            continue
        maps[expression] = fit_intensity_map(levels.tolist(), np.array(measured))
    return maps
