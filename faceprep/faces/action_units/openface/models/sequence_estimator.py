"""Action Units of a whole sequence, as OpenFace's ``FeatureExtraction`` judges one person's video.

Dynamic predictors see how the face differs from the person's median face; dynamic regressors are
shifted so that a share of the frames that was learnt for each AU counts as zero; at the end the
values are averaged over neighbouring frames (OpenFace 2.0.6, ``FaceAnalyser::AddNextFrame``,
``ExtractAllPredictionsOfflineReg`` and ``…Class``).

A frame whose face was lost counts as zero in these means, as there. The median takes every other
frame. Where no more than one of those has a face, OpenFace may subtract an empty histogram's lowest
bin, or nothing; here the median is that one face, or zero.
"""

import numpy as np

from faceprep.core.action_units import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.openface.models.median import (
    GEOMETRY_BINS,
    HOG_BINS,
    RunningMedian,
)
from faceprep.faces.action_units.openface.models.predictors import (
    GEOMETRY_SIZE,
    HOG_SIZE,
    LinearPredictors,
)

#: So many frames with a face are judged by the median of the whole sequence; each later one by the
#: median of the frames up to it.
INITIAL_FRAMES = 3000
#: Frames in the centred means.
INTENSITY_WINDOW, PRESENCE_WINDOW = 3, 7

_REGRESSORS = len(INTENSITY_AUS)


class SequenceJudge:
    """Takes the frames of a sequence in their order, and judges them all at the end.

    What it keeps of a frame is 35 scores; the predictors are linear, so the median's share can be
    subtracted afterwards.

    Parameters
    ----------
    predictors
        OpenFace's list for sequences.
    """

    def __init__(self, predictors: LinearPredictors) -> None:
        self._predictors = predictors
        self._hog = RunningMedian(HOG_SIZE, HOG_BINS)
        self._geometry = RunningMedian(GEOMETRY_SIZE, GEOMETRY_BINS)
        self._scores: list[np.ndarray] = []
        self._success: list[bool] = []
        self._late: dict[int, np.ndarray] = {}  # frame → the share of the median up to it
        self._faces = 0

    def add(self, hog: np.ndarray, geometry: np.ndarray, success: np.ndarray) -> None:
        """Take in the next frames.

        Parameters
        ----------
        hog
            ``(n, 4464)``.
        geometry
            ``(n, 238)``, millimetres.
        success
            ``(n,) bool``: whether the frame has a face; what the others hold does not matter.
        """
        success = np.asarray(success, bool)
        scores = self._predictors.scores(
            np.where(success[:, None], hog, 0), np.where(success[:, None], geometry, 0)
        )
        for k, face in enumerate(success.tolist()):
            odd = len(self._success) % 2 == 0  # its number, counted from one
            if face and odd:
                self._hog.add(hog[k])
                self._geometry.add(geometry[k])
            self._faces += face
            if face and self._faces > INITIAL_FRAMES:
                self._late[len(self._success)] = self._share()
            self._scores.append(scores[k])
            self._success.append(face)

    def judge(self) -> tuple[np.ndarray, np.ndarray]:
        """Judge all frames.

        Returns
        -------
        Intensities ``(n, 17) float64``, 0–5, and presences ``(n, 18) bool``, in the order of
        `INTENSITY_AUS` and `PRESENCE_AUS`.
        """
        success = np.array(self._success, bool)
        if not len(success):
            return np.zeros((0, _REGRESSORS)), np.zeros((0, len(PRESENCE_AUS)), bool)
        scores = np.stack(self._scores)
        shares = np.repeat(self._share()[None], len(scores), axis=0)
        for frame, share in self._late.items():
            shares[frame] = share
        scores -= shares
        intensities = calibrate(scores[:, :_REGRESSORS], success, self._predictors.cutoffs)
        presences = self._predictors.presences(scores) & success[:, None]
        return smooth_intensities(intensities), smooth_presences(presences)

    def _share(self) -> np.ndarray:
        """What the median so far adds to the scores, ``(35,)``."""
        median = np.concatenate([np.maximum(self._hog.value(), 0), self._geometry.value()])
        none = np.zeros((1, HOG_SIZE)), np.zeros((1, GEOMETRY_SIZE))
        return (self._predictors.scores(*none) - self._predictors.scores(*none, median))[0]


def calibrate(values: np.ndarray, success: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Shift each regressor to the person's zero, and cut it to 0–5.

    Parameters
    ----------
    values
        ``(n, 17)`` scores of the regressors.
    success
        ``(n,) bool``: whether the frame has a face.
    cutoffs
        ``(17,)``: which part of the frames counts as zero, 0–1; NaN where nothing is shifted.

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
    """Mean of `INTENSITY_WINDOW` frames around each, ``(n, 17) float64``; ends stay as they are."""
    return _centred_means(intensities, INTENSITY_WINDOW)


def smooth_presences(presences: np.ndarray) -> np.ndarray:
    """Majority of `PRESENCE_WINDOW` frames around each, ``(n, 18) bool``; ends stay as they are."""
    return _centred_means(presences, PRESENCE_WINDOW) >= 0.5


def _centred_means(values: np.ndarray, window: int) -> np.ndarray:
    means = np.array(values, np.float64)
    if len(means) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(means.copy(), window, axis=0)
        means[window // 2 : len(means) - window // 2] = windows.mean(axis=-1)
    return means
