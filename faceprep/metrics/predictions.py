"""Predictions of an expression classifier on test faces, for every seed of its training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceprep.metrics.bootstrap import Floats


@dataclass(frozen=True)
class Predictions:
    """Predictions on F test faces by S trainings that differ in their seed."""

    #: ``(F,)``, true expression, subject and clip of each face; no clip is the empty text.
    labels: NDArray[np.int64]
    subjects: NDArray[np.str_]
    clips: NDArray[np.str_]
    log_probabilities: Floats  # ``(S, F, K)``, log-probabilities of the K expressions

    @property
    def classes(self) -> int:
        """Number of expressions K."""
        return int(self.log_probabilities.shape[2])

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Most probable expression, ``(S, F)``."""
        return self.log_probabilities.argmax(axis=2)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the most probable expression is the one shown, ``(S, F)``."""
        return self.predicted == self.labels

    @property
    def ensemble_correct(self) -> NDArray[np.bool_]:
        """Whether the mean probability over the seeds predicts the expression, ``(F,)``."""
        return np.exp(self.log_probabilities).mean(axis=0).argmax(axis=1) == self.labels

    def by_clip(self) -> "Predictions | None":
        """Return one prediction per clip, with summed log-probabilities; None without clips."""
        frames = np.flatnonzero(self.clips != "")
        if not len(frames):
            return None
        _, first, clip = np.unique(self.clips[frames], return_index=True, return_inverse=True)
        scores = np.zeros((len(self.log_probabilities), len(first), self.classes))
        for seed, values in enumerate(self.log_probabilities[:, frames]):
            np.add.at(scores[seed], clip, values)
        rows = frames[first]
        return Predictions(self.labels[rows], self.subjects[rows], self.clips[rows], scores)


def concatenate(parts: Sequence[Predictions]) -> Predictions:
    """Join the predictions on the test faces of several folds."""
    return Predictions(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.subjects for part in parts]),
        np.concatenate([part.clips for part in parts]),
        np.concatenate([part.log_probabilities for part in parts], axis=1),
    )


def confusion(predictions: Predictions) -> Floats:
    """Count faces by true (rows) and predicted expression, ``(K, K)``, mean over the seeds."""
    counts = np.zeros((predictions.classes, predictions.classes))
    for predicted in predictions.predicted:
        np.add.at(counts, (predictions.labels, predicted), 1)
    return counts / len(predictions.log_probabilities)
