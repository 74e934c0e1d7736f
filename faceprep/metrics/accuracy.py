"""Accuracy of classifiers on the same test faces, with intervals, and what one gains on another.

People are drawn with replacement, each with all faces: three frames of a clip are near copies, and
an interval that takes faces for independent is too narrow. Several trainings (seeds) of one row are
averaged before the people are drawn; how far they lie apart is told by their own deviation.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceprep.metrics.agreement import (
    CONFIDENCE,
    FEWEST_SUBJECTS,
    MOST_UNDEFINED,
    REPEATS,
    Numbers,
)

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What the trainings of one row said of the test faces; every seed of every face.

    Attributes
    ----------
    labels
        ``(F,) int64``: what the faces show.
    subjects, clips
        ``(F,)`` whose face; of which clip, empty where there is none.
    log_probabilities
        ``(S, F, K)``, a layer a seed.
    """

    labels: Whole
    subjects: NDArray[np.str_]
    clips: NDArray[np.str_]
    log_probabilities: Numbers

    @property
    def classes(self) -> int:
        """Number of expressions K."""
        return int(self.log_probabilities.shape[2])

    @property
    def predicted(self) -> Whole:
        """``(S, F)`` most probable expression."""
        return self.log_probabilities.argmax(axis=2)

    @property
    def right(self) -> NDArray[np.bool_]:
        """``(S, F)``."""
        return self.predicted == self.labels

    @property
    def voted(self) -> NDArray[np.bool_]:
        """``(F,)``: whether the seeds together, by their mean probability, are right."""
        return np.exp(self.log_probabilities).mean(axis=0).argmax(axis=1) == self.labels


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval.

    NaN ends where there are too few people, or too many draws of them leave the number undefined.
    """

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many faces are told right.

    Attributes
    ----------
    accuracy
        Share of the faces.
    balanced
        Mean over the expressions of their shares.
    clip
        Share of the clips, each told by the mean log-probability of its frames; NaN without clips.
    by_seed
        Accuracy of every seed.
    """

    accuracy: Interval
    balanced: Interval
    clip: Interval
    by_seed: tuple[float, ...]

    @property
    def spread(self) -> float:
        """Standard deviation of the seeds' accuracies; NaN of one."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else math.nan


@dataclass(frozen=True, slots=True)
class Gain:
    """What a row gains on another, on the same faces.

    Attributes
    ----------
    accuracy, balanced
        Differences, their intervals from the same draws of people in both.
    error_reduction
        Part of the other's errors that is gone.
    mcnemar
        p of McNemar's exact test on the faces, each told by all seeds together.
    only_this, only_other
        Faces that only one of the two tells right: what the test looks at.
    """

    accuracy: Interval
    balanced: Interval
    error_reduction: Interval
    mcnemar: float
    only_this: int
    only_other: int


def accuracy_of(answers: Answers, *, repeats: int = REPEATS, seed: int = 0) -> Accuracy:
    """Accuracy, balanced accuracy and clip accuracy with their intervals.

    Parameters
    ----------
    answers
        Of one row.
    repeats, seed
        Of the bootstrap.
    """
    people = _people(answers.subjects, repeats, seed)
    faces = _tallies(answers, people)
    clip = _clips(answers)
    by_clip = Interval(math.nan)
    if clip is not None:
        whose = np.searchsorted(people.names, clip.subjects)
        by_clip = _interval(_share, _tallies(clip, replace(people, whose=whose)), people)
    return Accuracy(
        _interval(_share, faces, people),
        _interval(_balanced, faces, people),
        by_clip,
        tuple(float(one) for one in answers.right.mean(axis=1)),
    )


def gain_of(this: Answers, other: Answers, *, repeats: int = REPEATS, seed: int = 0) -> Gain:
    """What a row gains on another.

    Parameters
    ----------
    this, other
        Answers on the same faces in the same order.
    repeats, seed
        Of the bootstrap.

    Raises
    ------
    ValueError
        The faces are not the same.
    """
    if this.labels.tolist() != other.labels.tolist() or (this.subjects != other.subjects).any():
        raise ValueError("a paired difference needs the same faces on both sides")
    people = _people(this.subjects, repeats, seed)
    pair = np.stack([_tallies(this, people), _tallies(other, people)])
    won = int((this.voted & ~other.voted).sum())
    lost = int((other.voted & ~this.voted).sum())
    return Gain(
        _interval(lambda t: _share(t[..., 0, :, :]) - _share(t[..., 1, :, :]), _side(pair), people),
        _interval(
            lambda t: _balanced(t[..., 0, :, :]) - _balanced(t[..., 1, :, :]), _side(pair), people
        ),
        _interval(_reduction, _side(pair), people),
        mcnemar(won, lost),
        won,
        lost,
    )


def mcnemar(won: int, lost: int) -> float:
    """Two-sided exact p of McNemar's test: are `won` and `lost` of one fair coin?

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); the exact binomial form.
    """
    total = won + lost
    if total == 0:
        return 1.0
    ways = sum(math.comb(total, k) for k in range(min(won, lost) + 1))
    return min(1.0, float(2 * ways / 2**total))


def confusion(answers: Answers) -> Numbers:
    """Faces by what they show (rows) and what they are taken for, ``(K, K)``, mean of the seeds."""
    counts = np.zeros((answers.classes, answers.classes))
    for predicted in answers.predicted:
        np.add.at(counts, (answers.labels, predicted), 1)
    return counts / len(answers.log_probabilities)


@dataclass(frozen=True)
class _People:
    """The people of the test: names, whose each face is, how often each is in every draw."""

    names: NDArray[np.str_]
    whose: Whole
    times: Numbers


def _people(subjects: NDArray[np.str_], repeats: int, seed: int) -> _People:
    names, whose = np.unique(subjects, return_inverse=True)
    count = len(names)
    times = np.random.default_rng(seed).multinomial(
        count, np.full(count, 1 / count), size=repeats if count >= FEWEST_SUBJECTS else 0
    )
    return _People(names, whose.astype(np.int64), times.astype(np.float64))


def _tallies(answers: Answers, people: _People) -> Numbers:
    """Right answers (mean of the seeds) and faces, ``(people, 2, K)``."""
    tallies = np.zeros((len(people.names), 2, answers.classes))
    right, faces = tallies[:, 0], tallies[:, 1]
    np.add.at(right, (people.whose, answers.labels), answers.right.mean(axis=0))
    np.add.at(faces, (people.whose, answers.labels), 1)
    return tallies


def _side(pair: Numbers) -> Numbers:
    """``(2, people, 2, K)`` → ``(people, 2, 2, K)``."""
    return np.swapaxes(pair, 0, 1)


def _interval(
    statistic: Callable[[Numbers], Numbers], tallies: Numbers, people: _People
) -> Interval:
    value = float(statistic(tallies.sum(axis=0)))
    if not len(people.times):
        return Interval(value)
    draws = statistic(np.tensordot(people.times, tallies, axes=1))
    tail = 50 * (1 - CONFIDENCE)
    if np.isnan(draws).mean() > MOST_UNDEFINED:
        return Interval(value)
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return Interval(value, float(low), float(high))


def _share(tallies: Numbers) -> Numbers:
    right, faces = tallies.sum(axis=-1)[..., 0], tallies.sum(axis=-1)[..., 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(right / faces)


def _balanced(tallies: Numbers) -> Numbers:
    """Mean recall of the expressions that occur."""
    right, faces = tallies[..., 0, :], tallies[..., 1, :]
    recall = np.where(faces > 0, right / np.maximum(faces, 1), 0)
    return np.asarray(recall.sum(axis=-1) / np.maximum((faces > 0).sum(axis=-1), 1))


def _reduction(tallies: Numbers) -> Numbers:
    """1 − errors here / errors there, NaN where the other makes none."""
    errors = tallies[..., 1, :].sum(axis=-1) - tallies[..., 0, :].sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        reduction = 1 - errors[..., 0] / errors[..., 1]
    return np.where(errors[..., 1] > 0, reduction, np.nan)


def _clips(answers: Answers) -> Answers | None:
    """The clips as if each were one face."""
    frames = np.flatnonzero(answers.clips != "")
    if not len(frames):
        return None
    _, first, whose = np.unique(answers.clips[frames], return_index=True, return_inverse=True)
    scores = np.zeros((len(answers.log_probabilities), len(first), answers.classes))
    for seed, layer in enumerate(answers.log_probabilities[:, frames]):
        np.add.at(scores[seed], whose, layer)
    some = frames[first]
    return Answers(answers.labels[some], answers.subjects[some], answers.clips[some], scores)


def joined(parts: Sequence[Answers]) -> Answers:
    """Answers on the faces of several folds as one."""
    return Answers(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.subjects for part in parts]),
        np.concatenate([part.clips for part in parts]),
        np.concatenate([part.log_probabilities for part in parts], axis=1),
    )
