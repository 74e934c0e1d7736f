"""The cluster bootstrap: intervals of any statistic over resampled subjects.

Subjects are drawn with replacement, each with all its faces. Faces of one subject are correlated,
and an interval that assumes independence is too narrow (Field and Welsh, "Bootstrapping clustered
data", Journal of the Royal Statistical Society B 69, 2007). Ends are percentiles.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Fewest subjects for an interval that describes the population.
FEWEST_SUBJECTS = 5

#: Number of resamples.
REPEATS = 2000

CONFIDENCE = 0.95

#: Largest share of resamples with an undefined statistic for which an interval is returned.
MOST_UNDEFINED = 0.05

_CHUNK = 200

#: Function: sums ``(..., *shape)`` → statistics ``(..., *columns)``; NaN if undefined.
Statistic = Callable[[Floats], Floats]


class SubjectBootstrap:
    """Resamples of subjects. Equal subjects and seeds give equal resamples.

    Parameters
    ----------
    subjects : (n,)
        Subject of each face; `names` are the unique ones, sorted.
    repeats, seed
        Number of resamples, and their seed.
    """

    def __init__(self, subjects: NDArray[np.str_], repeats: int = REPEATS, seed: int = 0) -> None:
        self.names = np.unique(subjects)
        self._seed = seed
        self._repeats = repeats if len(self.names) >= FEWEST_SUBJECTS else 0

    def index(self, subjects: NDArray[np.str_]) -> NDArray[np.intp]:
        """Return the positions of subjects in `names`."""
        return np.searchsorted(self.names, subjects)

    def ends(self, statistic: Statistic, sums: Floats) -> tuple[Floats, Floats]:
        """Return low and high ends of the 95 % interval of a statistic.

        `sums` are over the faces of each subject, ``(subjects, *shape)`` in the order of `names`.
        The ends are NaN if there are fewer than `FEWEST_SUBJECTS` subjects, or more than
        `MOST_UNDEFINED` of the resamples are undefined.
        """
        if not self._repeats:
            nothing = np.full_like(statistic(sums.sum(axis=0)[None])[0], np.nan)
            return nothing, nothing
        draws = np.concatenate(
            [statistic(np.tensordot(counts, sums, axes=1)) for counts in self._counts()]
        )
        shape, draws = draws.shape[1:], draws.reshape(len(draws), -1)
        ends = np.full((2, draws.shape[1]), np.nan)
        trusted = np.isnan(draws).mean(axis=0) <= MOST_UNDEFINED
        if trusted.any():
            tail = 50 * (1 - CONFIDENCE)
            ends[:, trusted] = np.nanpercentile(draws[:, trusted], [tail, 100 - tail], axis=0)
        low, high = ends.reshape(2, *shape)
        return low, high

    def _counts(self) -> Iterator[Floats]:
        """Yield how often each subject is drawn, ``(resamples, subjects)``, in chunks."""
        random = np.random.default_rng(self._seed)
        count = len(self.names)
        for start in range(0, self._repeats, _CHUNK):
            size = min(_CHUNK, self._repeats - start)
            drawn = random.multinomial(count, np.full(count, 1 / count), size=size)
            yield drawn.astype(np.float64)
