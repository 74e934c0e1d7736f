"""Filter of synthetic faces, by an expression classifier and by the distance to real faces.

The classifier and the real faces use training subjects only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier
from faceprep.metrics.expression_classifier.fit import (
    fit_classifiers,
    load_external,
    with_neutral,
)
from faceprep.metrics.identity import all_distances, embed

#: Most real faces that distances are measured to; larger sets are thinned evenly.
MOST_REAL_FACES = 2000

#: Limit of the distance if all real faces show one subject.
_NO_LIMIT = float("inf")


@dataclass(frozen=True)
class Verdict:
    """Result of the filter for *N* synthetic faces."""

    #: ``(N,) bool``; whether classifier and distance accept the face; true for a test that is not
    #: used.
    classifier_agrees: np.ndarray
    looks_real: np.ndarray
    score: np.ndarray  # ``(N,)``; sum of both scores, higher is better
    notes: list[str]  # reason of each rejection

    @property
    def passed(self) -> np.ndarray:
        """Mask of the accepted faces, ``(N,) bool``."""
        return self.classifier_agrees & self.looks_real


@dataclass(frozen=True)
class RealFaces:
    """Embeddings of real training faces, and the largest accepted distance to them."""

    embeddings: np.ndarray = field(repr=False)  # ``(M, D)``; embeddings by face features φ
    #: Largest accepted distance: a percentile of their distances to the nearest face of another
    #: subject.
    limit: float

    def distances(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the distance of each embedding ``(N, D)`` to the nearest real face, ``(N,)``."""
        return np.asarray(all_distances(embeddings, self.embeddings).min(axis=1))


@dataclass(frozen=True)
class QualityFilter:
    """Trained filter, which is pickled to worker processes without the network of φ."""

    template: str  # template to which the faces are aligned
    #: Expression classifier, which accepts all faces of expressions that it does not know, and real
    #: faces; None for a test that is not used.
    classifier: ExpressionClassifier | None
    real: RealFaces | None
    min_probability: float  # smallest accepted probability of the requested expression
    subjects: frozenset[str]  # training subjects of both tests

    def __call__(
        self, images: np.ndarray, expressions: Sequence[str], features: Any = None
    ) -> Verdict:
        """Filter synthetic crops.

        `images`: ``(N, S, S, 3) uint8`` RGB.
        `expressions`: requested expression of each.
        `features`: face features φ; needed for the comparison with real faces.
        """
        count = len(images)
        agrees, real = np.ones(count, bool), np.ones(count, bool)
        score = np.zeros(count)
        notes = [""] * count
        if self.classifier is not None:
            classes = self.classifier.classes
            known = [row for row, name in enumerate(expressions) if name in classes]
            asked = [classes.index(expressions[row]) for row in known]
            logs = self.classifier.log_probabilities(AlignedFaces(images[known], self.template))
            own = logs[np.arange(len(known)), asked]
            read = logs.argmax(axis=1)
            agrees[known] = (read == asked) & (np.exp(own) >= self.min_probability)
            score[known] += own - (~agrees[known]) * 1e3
            for row, column, log in zip(known, read, own, strict=True):
                if not agrees[row]:
                    notes[row] = f"read as {classes[column]}, p {np.exp(log):.2f}"
        if self.real is not None:
            away = self.real.distances(embed(features, images)) / self.real.limit
            real = away <= 1
            score -= away + (~real) * 1e3
            for row in np.flatnonzero(~real).tolist():
                more = f"{away[row]:.2f} times as far from real faces as allowed"
                notes[row] = f"{notes[row]}; {more}" if notes[row] else more
        return Verdict(agrees, real, score, notes)


def train_filter(
    train: LabelledFaces,
    classes: Sequence[str],
    *,
    classifier: bool,
    external: str | None = None,
    features: Any = None,
    min_probability: float = 0.0,
    percentile: float = 99.0,
) -> QualityFilter:
    """Train a filter on training faces.

    `train`: real faces of the training subjects.
    `classes`: requested expressions. The classifier also learns neutral if there are neutral faces.
    `classifier`: use an expression classifier.
    `external`: instead of training it, load that of the package ``fer``; see `FerClassifier.load`.
    `features`: face features φ, to reject faces that differ from all real ones; None skips this
        test.
    `min_probability`: smallest accepted probability of the requested expression.
    `percentile`: percentile of the distances of real faces to the nearest of another subject, used
        as limit.
    Raises `UsageError`: a class has no training face.
    Raises `MissingToolError`: the weights of `external` are missing.
    """
    judge: ExpressionClassifier | None = None
    if classifier and external is not None:
        judge = load_external(with_neutral(classes, train.expressions), external)
    elif classifier:
        judge = fit_classifiers(train, classes)[0]
    real = _real_faces(train, features, percentile) if features is not None else None
    return QualityFilter(
        train.template, judge, real, min_probability, frozenset(train.subjects.tolist())
    )


def _real_faces(train: LabelledFaces, features: Any, percentile: float) -> RealFaces:
    rows = np.linspace(0, len(train) - 1, min(len(train), MOST_REAL_FACES)).astype(int)
    embeddings = embed(features, train.images[rows])
    subjects = train.subjects[rows]
    apart = all_distances(embeddings, embeddings)
    apart[subjects[:, None] == subjects[None]] = np.inf
    nearest = apart.min(axis=1)
    known = nearest[np.isfinite(nearest)]
    return RealFaces(
        embeddings, float(np.percentile(known, percentile)) if len(known) else _NO_LIMIT
    )
