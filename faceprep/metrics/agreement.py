"""How far two raters agree on the same faces: r, ICC(3,1), mean absolute error, F1.

Where a number is not defined (too few faces, a rater who always says the same) it is NaN, never a
0 or 1 that looks measured.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_FACES = 3
"""Fewer give no correlation: two points always lie on a line."""

FEWEST_SUBJECTS = 5
"""Fewer give no interval: it would say more about these few people than about people."""

REPEATS = 2000
CONFIDENCE = 0.95

MOST_UNDEFINED = 0.05
"""A larger share of resamples without the number, and the rest are no fair picture."""

# A resampled rater who always says the same leaves rounding errors of this size, not zero.
_NO_VARIANCE = 1e-12
_CHUNK = 200

Numbers = NDArray[np.float64]


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's correlation of two raters, -1 to 1.

    Parameters
    ----------
    a, b : (n,)
        Their ratings.

    Returns
    -------
    NaN for fewer than `FEWEST_FACES` ratings, and where a rater always says the same.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(x) < FEWEST_FACES or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def icc_3_1(ratings: ArrayLike) -> float:
    """Intraclass correlation of single ratings by fixed raters, for consistency.

    Unlike Pearson's it falls when one rater spreads wider than the other; like it, it does not mind
    a constant difference. Shrout and Fleiss, "Intraclass correlations: uses in assessing rater
    reliability", Psychological Bulletin 86 (1979): (BMS - EMS) / (BMS + (k - 1) EMS), of the
    two-way mixed model.

    Parameters
    ----------
    ratings : (n, k)
        Faces by raters.

    Returns
    -------
    -1 / (k - 1) to 1; NaN for fewer than `FEWEST_FACES` faces, and where a rater always says the
    same.
    """
    x = np.asarray(ratings, np.float64)
    n, k = x.shape
    if n < FEWEST_FACES or k < 2 or not np.ptp(x, axis=0).all():
        return np.nan
    faces = x.mean(axis=1, keepdims=True) - x.mean()
    errors = x - x.mean() - faces - (x.mean(axis=0) - x.mean())
    between = k * (faces**2).sum() / (n - 1)
    error = (errors**2).sum() / ((n - 1) * (k - 1))
    return float((between - error) / (between + (k - 1) * error))


def mean_absolute_error(a: ArrayLike, b: ArrayLike) -> float:
    """Mean of \\|a - b\\|; NaN of nothing."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.abs(x - y).mean()) if len(x) else np.nan


def f1(known: ArrayLike, claimed: ArrayLike) -> float:
    """F1 of claims of presence: 2 TP / (2 TP + FP + FN).

    Parameters
    ----------
    known, claimed : (n,) bool
        What is, and what the estimator says.

    Returns
    -------
    0 to 1; NaN where nothing is present, for then nothing can be found.
    """
    is_there, said = np.asarray(known, bool), np.asarray(claimed, bool)
    if not is_there.any():
        return np.nan
    return float(2 * (is_there & said).sum() / (is_there.sum() + said.sum()))


def bootstrap_pearson(
    a: Numbers, b: Numbers, subjects: NDArray[np.str_], repeats: int = REPEATS, seed: int = 0
) -> tuple[Numbers, Numbers]:
    """Find 95 % intervals of Pearson's r for many columns, and for their mean, by the bootstrap.

    Subjects are drawn with replacement, each with all its faces: faces of one person are alike, and
    an interval that takes them for independent is too narrow (Field and Welsh, "Bootstrapping
    clustered data", Journal of the Royal Statistical Society B 69, 2007). Ends are percentiles.

    Parameters
    ----------
    a, b : (n, columns)
        Ratings; NaN where there is none, which leaves the face out of that column.
    subjects : (n,)
        Whose face.
    repeats
        How often to draw.
    seed
        The same seed gives the same interval.

    Returns
    -------
    Low and high ends, each ``(columns + 1,)``, the last of the mean over the columns whose r is
    defined. NaN where fewer than `FEWEST_SUBJECTS` subjects have ratings, or where one draw in
    twenty leaves a rater who always says the same.
    """
    columns = a.shape[1]
    sums, people = _sums_by_subject(a, b, subjects)
    draws = np.full((repeats, columns + 1), np.nan)
    random = np.random.default_rng(seed)
    count = len(sums)
    for start in range(0, repeats if count >= FEWEST_SUBJECTS else 0, _CHUNK):
        size = min(_CHUNK, repeats - start)
        times = random.multinomial(count, np.full(count, 1 / count), size=size)
        draws[start : start + size, :columns] = _correlations(
            np.tensordot(times.astype(np.float64), sums, axes=1)
        )
    whole = _correlations(sums.sum(axis=0)[None])[0]
    defined = np.isfinite(whole)
    kept = draws[:, :columns][:, defined]
    some = np.isfinite(kept).any(axis=1)
    draws[some, columns] = np.nanmean(kept[some], axis=1)
    draws[:, :columns][:, ~defined | (people < FEWEST_SUBJECTS)] = np.nan
    return _percentiles(draws)


def _sums_by_subject(
    a: Numbers, b: Numbers, subjects: NDArray[np.str_]
) -> tuple[Numbers, NDArray[np.int64]]:
    """Sums that make up r, ``(subjects, 6, columns)``; how many subjects have ratings."""
    both = np.isfinite(a) & np.isfinite(b)
    seen = np.maximum(both.sum(axis=0), 1)
    # Of numbers around 0, for differences of large sums lose digits.
    x = np.where(both, a - np.where(both, a, 0).sum(axis=0) / seen, 0)
    y = np.where(both, b - np.where(both, b, 0).sum(axis=0) / seen, 0)
    names, whose = np.unique(subjects, return_inverse=True)
    sums = np.zeros((len(names), 6, a.shape[1]))
    np.add.at(sums, whose, np.stack([both, x, y, x * x, y * y, x * y], axis=1))
    return sums, (sums[:, 0] > 0).sum(axis=0)


def _correlations(sums: Numbers) -> Numbers:
    """Pearson's r from sums ``(draws, 6, columns)``; NaN where it is not defined."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance_x, variance_y = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        r = (xy / n - x * y / n**2) / np.sqrt(variance_x * variance_y)
    known = (n >= FEWEST_FACES) & (variance_x > _NO_VARIANCE) & (variance_y > _NO_VARIANCE)
    return np.where(known, np.clip(r, -1, 1), np.nan)


def _percentiles(draws: Numbers) -> tuple[Numbers, Numbers]:
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.full((2, draws.shape[1]), np.nan)
    trusted = np.isnan(draws).mean(axis=0) <= MOST_UNDEFINED
    if trusted.any():
        low[trusted], high[trusted] = np.nanpercentile(
            draws[:, trusted], [tail, 100 - tail], axis=0
        )
    return low, high
