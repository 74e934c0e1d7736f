"""Apply the linear predictors of OpenFace to descriptors of faces."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.faces.action_units.openface.models.shape_model import MODES, POINTS

HOG_SIZE = 4464
GEOMETRY_SIZE = 3 * POINTS + MODES
DESCRIPTOR_SIZE = HOG_SIZE + GEOMETRY_SIZE


@dataclass(frozen=True)
class LinearPredictors:
    """Hold the 35 predictors of one list: 17 regressors, then 18 classifiers."""

    # (35, 4702) float64: rows in the order of `INTENSITY_AUS`, then of `PRESENCE_AUS`; columns are
    # the HOG (4464) and the geometry (238)
    weights: np.ndarray
    # (35, 4702) float64: means that are subtracted from the descriptor; equal in all files of
    # OpenFace
    means: np.ndarray
    biases: np.ndarray  # (35,) float64
    # (35,) bool: whether the person's median is subtracted as well (dynamic predictors)
    person_specific: np.ndarray
    # (17,) float64: quantile of a person's intensities that counts as zero; NaN for static
    # regressors.
    cutoffs: np.ndarray
    # outputs of a classifier for scores above zero and for other scores
    positive: np.ndarray
    negative: np.ndarray  # (18,) bool

    def scores(
        self, hog: np.ndarray, geometry: np.ndarray, median: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the scores of all predictors, without clipping or thresholds.

        Parameters
        ----------
        hog : (N, 4464)
        geometry : (N, 238)
        median : (4702,) or (N, 4702), optional
            Median descriptor of the person, or one for each face; ignored by static predictors.

        Returns
        -------
        ``(N, 35) float64``: regressors in the order of `INTENSITY_AUS`, then classifiers in the
        order of `PRESENCE_AUS`.
        """
        scores = self._products(np.asarray(hog), np.asarray(geometry)) + self._offsets
        if median is not None:
            rows = np.atleast_2d(median)
            products = self._products(rows[:, :HOG_SIZE], rows[:, HOG_SIZE:])
            scores -= np.where(self.person_specific, products, 0.0)
        return scores

    def intensities(self, scores: np.ndarray) -> np.ndarray:
        """Convert scores to intensities, ``(N, 17)``, 0–5, in the order of `INTENSITY_AUS`."""
        return np.clip(scores[:, : len(INTENSITY_AUS)], 0.0, 5.0)

    def presences(self, scores: np.ndarray) -> np.ndarray:
        """Convert scores to presences, ``(N, 18) bool``, in the order of `PRESENCE_AUS`."""
        return np.where(scores[:, len(INTENSITY_AUS) :] > 0, self.positive, self.negative)

    @cached_property
    def _offsets(self) -> np.ndarray:
        """Constant terms: (v - means) · w + bias = v · w + offset."""
        offsets: np.ndarray = self.biases - (self.means * self.weights).sum(axis=1)
        return offsets

    @cached_property
    def _columns(self) -> np.ndarray:
        return np.ascontiguousarray(self.weights.T)

    def _products(self, hog: np.ndarray, geometry: np.ndarray) -> np.ndarray:
        of_hog: np.ndarray = hog.astype(np.float64) @ self._columns[:HOG_SIZE]
        return of_hog + geometry.astype(np.float64) @ self._columns[HOG_SIZE:]
