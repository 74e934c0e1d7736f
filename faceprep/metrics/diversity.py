"""Whether new identities differ from each other: their spread against real people's."""

from dataclasses import dataclass

import numpy as np

from faceprep.metrics.identity import all_distances, pair_distances


@dataclass(frozen=True, slots=True)
class Diversity:
    """New faces of one expression.

    Attributes
    ----------
    expression
        Which.
    made
        How many faces.
    spread
        Mean distance between their embeddings.
    real
        The same between different real people who show the expression.
    """

    expression: str
    made: int
    spread: float
    real: float

    @property
    def share(self) -> float:
        """Spread of new faces in parts of real people's: 0 is one face for all, 1 is as many."""
        return self.spread / self.real if self.real > 0 else np.nan


def spread(embeddings: np.ndarray) -> float:
    """Mean Euclidean distance of all pairs of ``(N, D)`` embeddings; NaN of fewer than two."""
    if len(embeddings) < 2:
        return np.nan
    first, second = np.triu_indices(len(embeddings), k=1)
    return float(all_distances(embeddings, embeddings)[first, second].mean())


def real_spread(embeddings: np.ndarray, subjects: np.ndarray) -> float:
    """Mean distance of all pairs of different people; NaN where there are none."""
    found = pair_distances(embeddings, subjects, same=False)
    return float(found.mean()) if len(found) else np.nan
