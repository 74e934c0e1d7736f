"""The interface of expression classifiers: return log-probabilities; fit on real faces."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from faceprep.core.errors import UsageError
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces


@dataclass(frozen=True)
class ExpressionClassifier(ABC):
    """Classifier of the expression of an aligned face.

    The scores of a face and of its mirror image are averaged, and divided by the frequencies of the
    training expressions, `prior` ``(K,)``, so that the prior is uniform. `model` is of the
    subclass, `subjects` are those of the training; none are known for a classifier trained
    elsewhere.
    """

    name: ClassVar[str]
    """Inputs or origin of the classifier; printed in reports."""

    classes: tuple[str, ...]
    subjects: frozenset[str]
    prior: np.ndarray = field(repr=False)
    model: Any = field(repr=False)

    @abstractmethod
    def _scores(self, faces: AlignedFaces) -> np.ndarray:
        """Return mean log-probabilities of faces and mirror images, ``(N, K)`` with N > 0."""

    def log_probabilities(self, faces: AlignedFaces) -> np.ndarray:
        """Return ``(N, K)`` log-probabilities under a uniform prior."""
        if not len(faces):
            return np.zeros((0, len(self.classes)))
        return normalise(self._scores(faces) - np.log(self.prior))


class TrainedClassifier(ExpressionClassifier):
    """Classifier that is trained here, on real faces."""

    @classmethod
    def fit(cls, faces: LabelledFaces, classes: Sequence[str], *, seed: int = 0) -> Self:
        """Fit the classifier on real faces; those of expressions not in `classes` are excluded.

        Raises
        ------
        UsageError
            There are fewer than two expressions, or one of them has no face.
        """
        known = tuple(dict.fromkeys(classes))
        faces = faces.take(np.isin(faces.expressions, known))
        refuse_missing(faces, known)
        labels = np.array([known.index(name) for name in faces.expressions])
        prior = np.bincount(labels, minlength=len(known)) / len(labels)
        model = cls._fit_model(faces, labels, len(known), seed)
        return cls(known, frozenset(faces.subjects.tolist()), prior, model)

    @classmethod
    @abstractmethod
    def _fit_model(cls, faces: LabelledFaces, labels: np.ndarray, classes: int, seed: int) -> Any:
        """Return a model of `faces` with the class numbers `labels`, ``(N,)``."""


def refuse_missing(faces: LabelledFaces, classes: Sequence[str]) -> None:
    """Refuse fewer than two expressions, or an expression without training faces."""
    missing = [name for name in classes if name not in faces.expressions]
    if missing or len(classes) < 2:
        present = ", ".join(sorted({*faces.expressions.tolist()})) or "none"
        reason = f"no training face shows {missing[0]}" if missing else "one expression only"
        raise UsageError(f"a judge cannot be trained: {reason}", f"expressions there: {present}")


def predict(log_probabilities: np.ndarray) -> np.ndarray:
    """Return the most probable class, ``(N,) int64``."""
    return np.asarray(log_probabilities).argmax(axis=1)


def log_odds(log_probabilities: np.ndarray, column: int) -> np.ndarray:
    """Return log(p / (1 − p)) of one class, ``(N,)``."""
    p = np.exp(log_probabilities)
    rest = np.delete(p, column, axis=1).sum(axis=1)
    return log_probabilities[:, column] - np.log(np.maximum(rest, np.finfo(float).tiny))


def normalise(scores: np.ndarray) -> np.ndarray:
    """Return log-probabilities that sum to 1 from unnormalised ones, ``(N, K)``."""
    scores = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
