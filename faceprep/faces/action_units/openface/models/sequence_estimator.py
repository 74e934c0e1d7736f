"""Estimate the Action Units of a whole sequence, as ``FeatureExtraction`` of OpenFace does.

Dynamic predictors use the difference between the face and the person's median face. Dynamic
regressors are shifted so that a quantile of the frames, learnt for each AU, counts as zero. Finally
the values are averaged over neighbouring frames (OpenFace 2.0.6, ``FaceAnalyser::AddNextFrame``,
``ExtractAllPredictionsOfflineReg`` and ``…Class``).

As in OpenFace, a frame without a face counts as zero in these averages, and the median uses every
other frame. If at most one of those has a face, OpenFace may subtract the lowest bin of an empty
histogram, or nothing; here the median is that one face, or zero.
"""

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.openface.models.linear_predictors import (
    GEOMETRY_SIZE,
    HOG_SIZE,
    LinearPredictors,
)
from faceprep.faces.action_units.openface.models.median import (
    GEOMETRY_BINS,
    HOG_BINS,
    RunningMedian,
)

#: Number of frames with a face that use the median of the whole sequence. Each later frame uses the
#: median of the frames up to it.
INITIAL_FRAMES = 3000
#: Numbers of frames in the centred means.
INTENSITY_WINDOW, PRESENCE_WINDOW = 3, 7

_REGRESSORS = len(INTENSITY_AUS)


class SequenceEstimator:
    """Collect the frames of a sequence in order, and estimate the AUs of all of them at the end.

    Only 35 scores per frame are kept: the predictors are linear, so the contribution of the median
    can be subtracted afterwards.

    Parameters
    ----------
    predictors
        Dynamic predictors of OpenFace.
    """

    def __init__(self, predictors: LinearPredictors) -> None:
        self._predictors = predictors
        self._hog = RunningMedian(HOG_SIZE, HOG_BINS)
        self._geometry = RunningMedian(GEOMETRY_SIZE, GEOMETRY_BINS)
        self._scores: list[np.ndarray] = []
        self._success: list[bool] = []
        self._late: dict[
            int, np.ndarray
        ] = {}  # frame → contribution of the median of the frames up to it
        self._faces = 0

    def add(self, hog: np.ndarray, geometry: np.ndarray, success: np.ndarray) -> None:
        """Add the next frames.

        Parameters
        ----------
        hog
            ``(n, 4464)``.
        geometry
            ``(n, 238)``, millimetres.
        success
            ``(n,) bool``: whether the frame has a face. The values of other frames are ignored.
        """
        success = np.asarray(success, bool)
        scores = self._predictors.scores(
            np.where(success[:, None], hog, 0), np.where(success[:, None], geometry, 0)
        )
        for k, face in enumerate(success.tolist()):
            odd = len(self._success) % 2 == 0  # 1-based number of the frame
            if face and odd:
                self._hog.add(hog[k])
                self._geometry.add(geometry[k])
            self._faces += face
            if face and self._faces > INITIAL_FRAMES:
                self._late[len(self._success)] = self._median_scores()
            self._scores.append(scores[k])
            self._success.append(face)

    def estimate(self) -> tuple[np.ndarray, np.ndarray]:
        """Estimate the AUs of all frames.

        Returns
        -------
        Intensities ``(n, 17) float64``, 0–5, and presences ``(n, 18) bool``, in the order of
        `INTENSITY_AUS` and `PRESENCE_AUS`.
        """
        success = np.array(self._success, bool)
        if not len(success):
            return np.zeros((0, _REGRESSORS)), np.zeros((0, len(PRESENCE_AUS)), bool)
        scores = np.stack(self._scores)
        offsets = np.repeat(self._median_scores()[None], len(scores), axis=0)
        for frame, offset in self._late.items():
            offsets[frame] = offset
        scores -= offsets
        intensities = calibrate(scores[:, :_REGRESSORS], success, self._predictors.cutoffs)
        presences = self._predictors.presences(scores) & success[:, None]
        return smooth_intensities(intensities), smooth_presences(presences)

    def _median_scores(self) -> np.ndarray:
        """Return the contribution of the current median to the scores, ``(35,)``."""
        median = np.concatenate([np.maximum(self._hog.value(), 0), self._geometry.value()])
        none = np.zeros((1, HOG_SIZE)), np.zeros((1, GEOMETRY_SIZE))
        return (self._predictors.scores(*none) - self._predictors.scores(*none, median))[0]


def calibrate(values: np.ndarray, success: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Shift each regressor to the zero of the person, and clip it to 0–5.

    Parameters
    ----------
    values
        ``(n, 17)`` scores of the regressors.
    success
        ``(n,) bool``: whether the frame has a face.
    cutoffs
        ``(17,)``: quantile of the frames that counts as zero, 0–1; NaN for no shift.

    Returns
    -------
    ``(n, 17) float64``; 0 in frames without a face.
    """
    found = np.sort(np.asarray(values, np.float64)[success], axis=0)
    if not len(found):
        return np.zeros(np.shape(values))
    shifted = np.isfinite(cutoffs)
    rank = (len(found) * np.where(shifted, cutoffs, 0)).astype(np.int64)
    zero = np.where(shifted, np.take_along_axis(found, rank[None], axis=0)[0], 0)
    return np.where(np.asarray(success)[:, None], np.clip(values - zero, 0, 5), 0)


def smooth_intensities(intensities: np.ndarray) -> np.ndarray:
    """Average intensities over `INTENSITY_WINDOW` frames, ``(n, 17)``, except at the ends."""
    return _centred_means(intensities, INTENSITY_WINDOW)


def smooth_presences(presences: np.ndarray) -> np.ndarray:
    """Take the majority of `PRESENCE_WINDOW` frames, ``(n, 18) bool``, except at the ends."""
    return _centred_means(presences, PRESENCE_WINDOW) >= 0.5


def _centred_means(values: np.ndarray, window: int) -> np.ndarray:
    means = np.array(values, np.float64)
    if len(means) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(means.copy(), window, axis=0)
        means[window // 2 : len(means) - window // 2] = windows.mean(axis=-1)
    return means
