"""Accuracy of expression classifiers with intervals over subjects, and paired differences.

Trainings (seeds) of one row of the table are averaged before the subjects are resampled; the
deviation between seeds is reported separately.
"""

import math
from dataclasses import dataclass

import numpy as np

from faceprep.metrics.bootstrap import REPEATS, Floats, Statistic, SubjectBootstrap
from faceprep.metrics.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval; the ends are NaN if `SubjectBootstrap.ends` are."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy of one row of the table."""

    accuracy: Interval  # share of faces predicted correctly
    balanced: Interval  # mean recall over the expressions that occur
    #: Share of clips predicted correctly, by the mean log-probability of their frames; NaN without
    #: clips.
    clip: Interval
    by_seed: tuple[float, ...]

    @property
    def spread(self) -> float:
        """Standard deviation of the seeds' accuracies; NaN for one seed."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else math.nan


@dataclass(frozen=True, slots=True)
class Gain:
    """Difference of two rows on the same faces."""

    #: Differences; both sides use the same resamples of subjects.
    accuracy: Interval
    balanced: Interval
    error_reduction: Interval  # 1 − errors of this row / errors of the other
    #: p of McNemar's exact test on the faces, each predicted by the ensemble of seeds.
    mcnemar: float
    #: Faces that only one of the two ensembles predicts correctly.
    only_this: int
    only_other: int


def accuracy_of(predictions: Predictions, *, repeats: int = REPEATS, seed: int = 0) -> Accuracy:
    """Return the accuracies of one row with their intervals, from `repeats` resamples."""
    bootstrap = SubjectBootstrap(predictions.subjects, repeats, seed)
    faces = _tallies(predictions, bootstrap)
    clips = predictions.by_clip()
    return Accuracy(
        _interval(_share, faces, bootstrap),
        _interval(_balanced, faces, bootstrap),
        Interval(math.nan)
        if clips is None
        else _interval(_share, _tallies(clips, bootstrap), bootstrap),
        tuple(float(share) for share in predictions.correct.mean(axis=1)),
    )


def gain_of(
    this: Predictions, other: Predictions, *, repeats: int = REPEATS, seed: int = 0
) -> Gain:
    """Return the differences between two rows, from `repeats` resamples.

    Raises
    ------
    ValueError
        The rows have different faces, or the same in another order.
    """
    if this.labels.tolist() != other.labels.tolist() or (this.subjects != other.subjects).any():
        raise ValueError("a paired difference needs the same faces on both sides")
    bootstrap = SubjectBootstrap(this.subjects, repeats, seed)
    pair = np.stack([_tallies(this, bootstrap), _tallies(other, bootstrap)], axis=1)
    only_this = int((this.ensemble_correct & ~other.ensemble_correct).sum())
    only_other = int((other.ensemble_correct & ~this.ensemble_correct).sum())
    return Gain(
        _interval(_difference(_share), pair, bootstrap),
        _interval(_difference(_balanced), pair, bootstrap),
        _interval(_reduction, pair, bootstrap),
        mcnemar(only_this, only_other),
        only_this,
        only_other,
    )


def mcnemar(only_this: int, only_other: int) -> float:
    """Return the two-sided exact p of McNemar's test of two counts of discordant faces.

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); the exact binomial form.
    """
    from scipy.stats import binomtest

    total = only_this + only_other
    return float(binomtest(only_this, total).pvalue) if total else 1.0


def _tallies(predictions: Predictions, bootstrap: SubjectBootstrap) -> Floats:
    """Count correct faces (mean of the seeds) and all faces, ``(subjects, 2, K)``."""
    tallies = np.zeros((len(bootstrap.names), 2, predictions.classes))
    at = (bootstrap.index(predictions.subjects), predictions.labels)
    np.add.at(tallies[:, 0], at, predictions.correct.mean(axis=0))
    np.add.at(tallies[:, 1], at, 1)
    return tallies


def _interval(statistic: Statistic, tallies: Floats, bootstrap: SubjectBootstrap) -> Interval:
    low, high = bootstrap.ends(statistic, tallies)
    return Interval(float(statistic(tallies.sum(axis=0))), float(low), float(high))


def _difference(statistic: Statistic) -> Statistic:
    """Return the difference of a statistic between the two sides of ``(..., 2, 2, K)``."""
    return lambda pair: statistic(pair[..., 0, :, :]) - statistic(pair[..., 1, :, :])


def _share(tallies: Floats) -> Floats:
    correct, faces = np.moveaxis(tallies.sum(axis=-1), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(correct / faces)


def _balanced(tallies: Floats) -> Floats:
    """Return the mean recall of the expressions that occur."""
    correct, faces = tallies[..., 0, :], tallies[..., 1, :]
    recall = np.where(faces > 0, correct / np.maximum(faces, 1), 0)
    return np.asarray(recall.sum(axis=-1) / np.maximum((faces > 0).sum(axis=-1), 1))


def _reduction(pair: Floats) -> Floats:
    """Return 1 − errors / errors of the other side; NaN if the latter are 0."""
    errors = pair[..., 1, :].sum(axis=-1) - pair[..., 0, :].sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        reduction = 1 - errors[..., 0] / errors[..., 1]
    return np.where(errors[..., 1] > 0, reduction, np.nan)
