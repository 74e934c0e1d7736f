"""The person's median face, to the width of a bin, as the frames of a sequence come.

OpenFace takes the median of its descriptor from histograms (OpenFace 2.0.6, ``FaceAnalyser``;
Baltrušaitis, Mahmoud and Robinson, "Cross-dataset learning and person-specific normalisation for
automatic Action Unit detection", FG 2015).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of equal width; what lies outside goes into the first or the last.

    Attributes
    ----------
    low, high
        Edges of the first and the last bin.
    number
        How many.
    """

    low: float
    high: float
    number: int

    def index(self, values: np.ndarray) -> np.ndarray:
        """Bin of each value, ``int64``."""
        scaled = (np.asarray(values, np.float64) - self.low) * self.number / (self.high - self.low)
        return np.clip(scaled, 0, self.number - 1).astype(np.int64)

    def centre(self, index: np.ndarray) -> np.ndarray:
        """Value in the middle of each bin."""
        return self.low + (np.asarray(index) + 0.5) * (self.high - self.low) / self.number


#: Up to so many vectors sorting them is faster than counting, and takes less memory.
FEW = 100

#: OpenFace's bins for HOG features and for the shape's deviations, millimetres.
HOG_BINS = Bins(-0.005, 1.0, 1000)
GEOMETRY_BINS = Bins(-60.0, 60.0, 10_000)


class RunningMedian:
    """Median of vectors, each element by itself.

    It is an order statistic of the bins: of a few vectors these are kept and sorted; of many, they
    are counted, and the median is followed from where it was when last asked for.

    Parameters
    ----------
    size
        Elements of a vector.
    bins
        Their common bins.
    """

    def __init__(self, size: int, bins: Bins) -> None:
        self._size = size
        self._bins = bins
        self._first = np.zeros(size)
        self._number = 0
        self._few: list[np.ndarray] = []
        self._many: _Counts | None = None

    def add(self, vector: np.ndarray) -> None:
        """Take in a vector, ``(size,)``."""
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
        """Median so far, ``(size,) float64``.

        Centre of the first bin up to which half of the vectors, rounded up, are counted; a single
        vector is its own median; 0 without any.
        """
        if self._number < 2:
            return self._first.copy()
        rank = (self._number + 1) // 2
        if self._many is not None:
            return self._bins.centre(self._many.follow(rank))
        return self._bins.centre(np.partition(np.stack(self._few), rank - 1, axis=0)[rank - 1])


class _Counts:
    """Histograms of all elements, and a place in each that is moved to a rank."""

    def __init__(self, indices: np.ndarray, bins: int) -> None:
        self._elements = np.arange(indices.shape[1])
        self._counts = np.zeros((indices.shape[1], bins), np.int32)
        for index in indices:
            self._counts[self._elements, index] += 1
        self._at = np.median(indices, axis=0).astype(np.int64)
        self._below = (indices < self._at).sum(axis=0)  # vectors in lower bins

    def add(self, index: np.ndarray) -> None:
        """Count the bins of a vector."""
        self._counts[self._elements, index] += 1
        self._below += index < self._at

    def follow(self, rank: int) -> np.ndarray:
        """Bins of the vectors of this rank, counted from 1."""
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
