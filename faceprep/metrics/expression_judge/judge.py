"""The expression judge: logistic regression on landmarks and HOG, of real training people only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from sklearn.linear_model import LogisticRegression

from faceprep.core.errors import UsageError
from faceprep.metrics.expression_judge.descriptors import FaceDescriptors
from faceprep.metrics.expression_judge.face_set import FaceSet, LabelledFaces, refuse_leak

# Inverse strength of the L2 penalty, per face; each part of the description has variance 1 in all.
# Chosen by cross-validation over the training subjects of photographs.
_STRENGTH = 5.0
_ITERATIONS = 1000
_TOLERANCE = 1e-3


class Judge(Protocol):
    """Says which expression a face shows."""

    @property
    def name(self) -> str:
        """What it looks at."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Expressions that it tells apart."""
        ...

    @property
    def subjects(self) -> frozenset[str]:
        """Whom it was trained on."""
        ...

    def log_probabilities(self, faces: FaceSet) -> np.ndarray:
        """Return ``(N, K)`` log-probabilities, every expression equally likely beforehand."""
        ...


@dataclass(frozen=True)
class LandmarkJudge:
    """`train_judge`'s result. The mean of a face's and its mirror image's log-probabilities.

    Attributes
    ----------
    classes, subjects
        What it tells apart, and whom it was trained on.
    """

    classes: tuple[str, ...]
    subjects: frozenset[str]
    _scaling: "list[tuple[np.ndarray, np.ndarray]]" = field(repr=False)
    _model: Any = field(repr=False)
    _prior: np.ndarray = field(repr=False)
    name: str = "landmarks+HOG"

    def log_probabilities(self, faces: FaceSet) -> np.ndarray:
        """Return ``(N, K)`` log-probabilities, every expression equally likely beforehand."""
        if not len(faces):
            return np.zeros((0, len(self.classes)))
        both = [
            self._model.predict_log_proba(_columns(described, self._scaling))
            for described in (faces.descriptors, faces.mirrored)
        ]
        return normalised(np.mean(both, axis=0) - np.log(self._prior))


def train_judge(faces: LabelledFaces, classes: Sequence[str]) -> LandmarkJudge:
    """Fit the judge on real faces.

    Parameters
    ----------
    faces
        Of the training subjects; those of other expressions are left out.
    classes
        Expressions to tell apart.

    Raises
    ------
    UsageError
        There are fewer than two expressions, or one of them has no face.
    """
    known = tuple(dict.fromkeys(classes))
    faces.prepare()
    faces = faces.take(np.isin(faces.expressions, known))
    refuse_missing(faces, known)
    scaling = _scaling(faces.descriptors, faces.mirrored)
    features = np.concatenate(
        [_columns(faces.descriptors, scaling), _columns(faces.mirrored, scaling)]
    )
    labels = np.array([known.index(name) for name in faces.expressions])
    model = LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS, tol=_TOLERANCE)
    model.fit(features, np.concatenate([labels, labels]))
    prior = np.bincount(labels, minlength=len(known)) / len(labels)
    return LandmarkJudge(known, frozenset(faces.subjects.tolist()), scaling, model, prior)


def refuse_missing(faces: LabelledFaces, classes: Sequence[str]) -> None:
    """Refuse to train a judge that has nothing to tell apart, or never saw a class.

    Raises
    ------
    UsageError
        There are fewer than two expressions, or one of them has no face.
    """
    missing = [name for name in classes if name not in faces.expressions]
    if missing or len(classes) < 2:
        found = ", ".join(sorted({*faces.expressions.tolist()})) or "none"
        wanted = f"no training face shows {missing[0]}" if missing else "one expression only"
        raise UsageError(f"a judge cannot be trained: {wanted}", f"expressions there: {found}")


def predict(log_probabilities: np.ndarray) -> np.ndarray:
    """Most probable class ``(N,) int64``."""
    return np.asarray(log_probabilities).argmax(axis=1)


def log_odds(log_probabilities: np.ndarray, column: int) -> np.ndarray:
    """log(p / (1 − p)) of one class, ``(N,)``."""
    p = np.exp(log_probabilities)
    rest = np.delete(p, column, axis=1).sum(axis=1)
    return log_probabilities[:, column] - np.log(np.maximum(rest, np.finfo(float).tiny))


def normalised(scores: np.ndarray) -> np.ndarray:
    """Log-probabilities that sum to 1, from scores ``(N, K)``."""
    scores = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How well a judge reads real faces of people it never saw: no edit can be held to more.

    Attributes
    ----------
    judge
        Its name.
    faces, subjects
        How many were read.
    trained_on
        How many subjects it knows.
    accuracy
        Share of faces read right.
    balanced
        Mean over the expressions of the share read right.
    recall
        That share, by expression; NaN where no face shows it.
    """

    judge: str
    faces: int
    subjects: int
    trained_on: int
    accuracy: float
    balanced: float
    recall: dict[str, float]


def ceiling(judge: Judge, faces: LabelledFaces) -> Ceiling:
    """Let a judge read real faces of other people.

    Raises
    ------
    UsageError
        It was trained on one of them.
    """
    refuse_leak(judge.subjects, faces.subjects.tolist(), f"the judge {judge.name}")
    faces = faces.take(np.isin(faces.expressions, judge.classes))
    read = np.array(judge.classes)[predict(judge.log_probabilities(faces))]
    right = read == faces.expressions
    recall = {
        str(name): float(right[faces.expressions == name].mean())
        if (faces.expressions == name).any()
        else np.nan
        for name in judge.classes
    }
    values = [value for value in recall.values() if np.isfinite(value)]
    return Ceiling(
        judge.name,
        len(faces),
        len(np.unique(faces.subjects)),
        len(judge.subjects),
        float(right.mean()) if len(faces) else np.nan,
        float(np.mean(values)) if values else np.nan,
        recall,
    )


def _scaling(*described: FaceDescriptors) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and divisor of every part, so that each part has variance 1 in all.

    Points and measures are scaled one by one; the texture as a whole, for a direction that hardly
    occurs at a place is noise there.
    """
    scales = []
    for number, parts in enumerate(zip(*described, strict=True)):
        values = np.concatenate(parts)
        spread = values.std(axis=0) if number < 2 else values.std()
        divisor = np.maximum(spread, 1e-6) * np.sqrt(values.shape[1])
        scales.append((values.mean(axis=0), np.asarray(divisor, np.float32)))
    return scales


def _columns(described: FaceDescriptors, scaling: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    parts = zip(described, scaling, strict=True)
    return np.concatenate([(part - mean) / by for part, (mean, by) in parts], axis=1)
