"""Agreement of two raters on the same faces: r, ICC(3,1), mean absolute error, F1.

Undefined numbers (too few faces, or a rater with constant ratings) are NaN.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceprep.metrics.bootstrap import FEWEST_SUBJECTS, REPEATS, Floats, SubjectBootstrap

#: Fewest faces for a correlation; two points are always collinear.
FEWEST_FACES = 3

# Largest rounding error of the variance of constant resampled ratings.
_NO_VARIANCE = 1e-12


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Return Pearson's correlation of two raters.

    NaN for fewer than `FEWEST_FACES` ratings, and for constant ratings.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(x) < FEWEST_FACES or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def icc_3_1(ratings: ArrayLike) -> float:
    """Return the intraclass correlation of ratings ``(n faces, k raters)``, -1 / (k - 1) to 1.

    It is of consistency, single ratings and fixed raters. Unlike Pearson's r it falls when the
    raters differ in variance; like r, it ignores a constant difference. Shrout and Fleiss,
    "Intraclass correlations: uses in assessing rater reliability", Psychological Bulletin 86
    (1979): (BMS - EMS) / (BMS + (k - 1) EMS), of the two-way mixed model. NaN for fewer than
    `FEWEST_FACES` faces, and for constant ratings.
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
    """Return the mean of \\|a - b\\|; NaN without ratings."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.abs(x - y).mean()) if len(x) else np.nan


def mean_of(values: ArrayLike) -> float:
    """Return the mean of the defined values; NaN if there is none."""
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    return float(numbers.mean()) if len(numbers) else np.nan


def f1(known: ArrayLike, estimated: ArrayLike) -> float:
    """Return F1 of the presence, 2 TP / (2 TP + FP + FN); NaN where nothing is present."""
    present, claimed = np.asarray(known, bool), np.asarray(estimated, bool)
    if not present.any():
        return np.nan
    return float(2 * (present & claimed).sum() / (present.sum() + claimed.sum()))


def bootstrap_pearson(
    a: Floats, b: Floats, subjects: NDArray[np.str_], repeats: int = REPEATS, seed: int = 0
) -> tuple[Floats, Floats]:
    """Return 95 % intervals of Pearson's r for many columns, and for their mean.

    Parameters
    ----------
    a, b : (n, columns)
        Ratings; faces with a NaN are excluded from that column.
    subjects : (n,)
        Subject of each face.
    repeats, seed
        Number of resamples of the subjects, and their seed.

    Returns
    -------
    Low and high ends, each ``(columns + 1,)``; the last is of the mean over the columns with a
    defined r. NaN as of `SubjectBootstrap.ends`; resamples with constant ratings are undefined.
    """
    bootstrap = SubjectBootstrap(subjects, repeats, seed)
    sums = _sums_by_subject(a, b, bootstrap.index(subjects), len(bootstrap.names))
    defined = np.isfinite(_correlations(sums.sum(axis=0)[None])[0])
    rated_by = (sums[:, 0] > 0).sum(axis=0)

    def correlations_and_mean(resampled: Floats) -> Floats:
        r = _correlations(resampled)
        kept = r[:, defined]
        some = np.isfinite(kept).any(axis=1)
        mean = np.full(len(r), np.nan)
        mean[some] = np.nanmean(kept[some], axis=1)
        r[:, ~defined | (rated_by < FEWEST_SUBJECTS)] = np.nan
        return np.concatenate([r, mean[:, None]], axis=1)

    return bootstrap.ends(correlations_and_mean, sums)


def _sums_by_subject(a: Floats, b: Floats, subject: NDArray[np.intp], count: int) -> Floats:
    """Return the sums that determine r, ``(subjects, 6, columns)``."""
    both = np.isfinite(a) & np.isfinite(b)
    rated = np.maximum(both.sum(axis=0), 1)
    # Centre the ratings, because differences of large sums lose digits.
    x = np.where(both, a - np.where(both, a, 0).sum(axis=0) / rated, 0)
    y = np.where(both, b - np.where(both, b, 0).sum(axis=0) / rated, 0)
    sums = np.zeros((count, 6, a.shape[1]))
    np.add.at(sums, subject, np.stack([both, x, y, x * x, y * y, x * y], axis=1))
    return sums


def _correlations(sums: Floats) -> Floats:
    """Return Pearson's r from sums ``(draws, 6, columns)``; NaN where it is not defined."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance_x, variance_y = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        r = (xy / n - x * y / n**2) / np.sqrt(variance_x * variance_y)
    known = (n >= FEWEST_FACES) & (variance_x > _NO_VARIANCE) & (variance_y > _NO_VARIANCE)
    return np.where(known, np.clip(r, -1, 1), np.nan)
