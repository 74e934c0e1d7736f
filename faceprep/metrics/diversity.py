"""Diversity of new identities: their spread relative to that of real people."""

from dataclasses import dataclass

import numpy as np

from faceprep.metrics.identity import all_distances, pair_distances


@dataclass(frozen=True, slots=True)
class Diversity:
    """Spread of new faces of one expression.

    Attributes
    ----------
    expression
        Name of the expression.
    made
        Number of faces.
    spread
        Mean distance between their embeddings.
    real
        Mean distance between different real people who show the expression.
    """

    expression: str
    made: int
    spread: float
    real: float

    @property
    def share(self) -> float:
        """Spread relative to real people: 0 means a single face, 1 as much as real people."""
        return self.spread / self.real if self.real > 0 else np.nan


def spread(embeddings: np.ndarray) -> float:
    """Return the mean distance of all pairs of ``(N, D)`` embeddings; NaN for fewer than two."""
    if len(embeddings) < 2:
        return np.nan
    first, second = np.triu_indices(len(embeddings), k=1)
    return float(all_distances(embeddings, embeddings)[first, second].mean())


def real_spread(embeddings: np.ndarray, subjects: np.ndarray) -> float:
    """Return the mean distance of all pairs of different people; NaN without pairs."""
    distances = pair_distances(embeddings, subjects, same=False)
    return float(distances.mean()) if len(distances) else np.nan
