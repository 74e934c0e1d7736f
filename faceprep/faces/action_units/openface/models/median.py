"""Update the median descriptor of a person frame by frame, to the precision of a histogram bin.

OpenFace computes the median of its descriptor from histograms (OpenFace 2.0.6, ``FaceAnalyser``;
Baltrušaitis, Mahmoud and Robinson, "Cross-dataset learning and person-specific normalisation for
automatic Action Unit detection", FG 2015).
"""

from dataclasses import dataclass

import numpy as np


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
    """Compute the elementwise median of vectors.

    The median is an order statistic of bins. Up to `FEW` vectors, their bins are stored and sorted;
    beyond that, they are counted, and each median is searched from its previous bin.

    Parameters
    ----------
    size
        Number of elements of a vector.
    bins
        Bins of all elements.
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
