"""Estimate the Action Units of a whole sequence, as ``FeatureExtraction`` of OpenFace does.

Dynamic predictors use the difference between the face and the person's median face. OpenFace
computes the median of its descriptor from histograms (Baltrušaitis, Mahmoud and Robinson,
"Cross-dataset learning and person-specific normalisation for automatic Action Unit detection", FG
2015). Dynamic regressors are shifted so that a quantile of the frames, learnt for each AU, counts
as zero. Finally the values are averaged over neighbouring frames (OpenFace 2.0.6,
``FaceAnalyser::AddNextFrame``, ``ExtractAllPredictionsOfflineReg`` and ``…Class``).

As in OpenFace, a frame without a face counts as zero in these averages, and the median uses every
other frame. If at most one of those has a face, OpenFace may subtract the lowest bin of an empty
histogram, or nothing; here the median is that one face, or zero.
"""

from dataclasses import dataclass

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.openface.models.linear_predictors import (
    GEOMETRY_SIZE,
    HOG_SIZE,
    LinearPredictors,
)


@dataclass(frozen=True, slots=True)
class Bins:
    """Define bins of equal width; values outside count in the first or the last bin."""

    # edges of the first and the last bin
    low: float
    high: float
    number: int

    def index(self, values: np.ndarray) -> np.ndarray:
        """Return the bin of each value, ``int64``."""
        scaled = (np.asarray(values, np.float64) - self.low) * self.number / (self.high - self.low)
        return np.clip(scaled, 0, self.number - 1).astype(np.int64)

    def centre(self, index: np.ndarray) -> np.ndarray:
        """Return the centre of each bin."""
        return self.low + (np.asarray(index) + 0.5) * (self.high - self.low) / self.number


#: Number of vectors up to which sorting is faster than counting and takes less memory.
FEW = 100

#: OpenFace's bins for HOG features and for the shape's deviations, millimetres.
HOG_BINS = Bins(-0.005, 1.0, 1000)
GEOMETRY_BINS = Bins(-60.0, 60.0, 10_000)


class RunningMedian:
    """Compute the elementwise median of vectors of `size` elements.

    The median is an order statistic of bins. Up to `FEW` vectors, their bins are stored and sorted;
    beyond that, they are counted, and each median is searched from its previous bin.
    """

    def __init__(self, size: int, bins: Bins) -> None:
        self._size = size
        self._bins = bins
        self._first = np.zeros(size)
        self._number = 0
        self._few: list[np.ndarray] = []
        self._many: _Counts | None = None

    def add(self, vector: np.ndarray) -> None:
        """Add a vector, ``(size,)``."""
        index = self._bins.index(vector)
        if self._number == 0:
            self._first = np.array(vector, np.float64)
        self._number += 1
        if self._many is not None:
            self._many.add(index)
        else:
            self._few.append(index.astype(np.int16))
            if len(self._few) > FEW:
                self._many = _Counts(np.stack(self._few), self._bins.number)
                self._few = []

    def value(self) -> np.ndarray:
        """Return the current median, ``(size,) float64``.

        The result is the centre of the first bin up to which half of the vectors, rounded up, are
        counted. A single vector is its own median; without vectors the median is 0.
        """
        if self._number < 2:
            return self._first.copy()
        rank = (self._number + 1) // 2
        if self._many is not None:
            return self._bins.centre(self._many.bins_at(rank))
        return self._bins.centre(np.partition(np.stack(self._few), rank - 1, axis=0)[rank - 1])


class _Counts:
    """Hold the histograms of all elements, and the bin of the current median in each."""

    def __init__(self, indices: np.ndarray, bins: int) -> None:
        self._elements = np.arange(indices.shape[1])
        self._counts = np.zeros((indices.shape[1], bins), np.int32)
        for index in indices:
            self._counts[self._elements, index] += 1
        self._at = np.median(indices, axis=0).astype(np.int64)
        self._below = (indices < self._at).sum(axis=0)  # number of vectors in lower bins

    def add(self, index: np.ndarray) -> None:
        """Count the bins of a vector."""
        self._counts[self._elements, index] += 1
        self._below += index < self._at

    def bins_at(self, rank: int) -> np.ndarray:
        """Return the bins of the values with this rank, 1-based."""
        counts, at, below = self._counts, self._at, self._below
        up = self._elements
        while (up := up[below[up] + counts[up, at[up]] < rank]).size:
            below[up] += counts[up, at[up]]
            at[up] += 1
        down = self._elements
        while (down := down[below[down] >= rank]).size:
            at[down] -= 1
            below[down] -= counts[down, at[down]]
        return at


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
    """

    def __init__(self, predictors: LinearPredictors) -> None:
        self._predictors = predictors
        self._hog = RunningMedian(HOG_SIZE, HOG_BINS)
        self._geometry = RunningMedian(GEOMETRY_SIZE, GEOMETRY_BINS)
        self._scores: list[np.ndarray] = []
        self._success: list[bool] = []
        # Frame → contribution of the median of the frames up to it.
        self._late: dict[int, np.ndarray] = {}
        self._faces = 0

    def add(self, hog: np.ndarray, geometry: np.ndarray, success: np.ndarray) -> None:
        """Add the next frames: HOG ``(n, 4464)`` and geometry ``(n, 238)``, millimetres.

        `success`, ``(n,) bool``, is whether the frame has a face; the values of others are ignored.
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

        Intensities are ``(n, 17) float64``, 0–5, and presences ``(n, 18) bool``, in the order of
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
    """Shift the scores ``(n, 17)`` of each regressor to the zero of the person, and clip to 0–5.

    `cutoffs`, ``(17,)`` in 0–1, is the quantile of the frames that counts as zero; NaN for no
    shift. Frames without a face, where `success` is false, are not counted and are 0.
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
