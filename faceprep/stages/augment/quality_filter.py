"""Which synthetic faces to keep: those that a judge reads right, and that look like faces.

The judge, and the faces that distances are taken to, are of the training subjects only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier
from faceprep.metrics.expression_classifier.fit import fit_classifiers
from faceprep.metrics.identity import all_distances, embed

#: Most real faces that distances are taken to: of more, that many evenly spread ones.
MOST_REAL_FACES = 2000

#: Distance beyond which a synthetic face counts as none, for faces of one person only.
_NO_LIMIT = float("inf")


@dataclass(frozen=True)
class Verdict:
    """What the filter thinks of *N* synthetic faces.

    Attributes
    ----------
    judge_agrees, looks_real : (N,) bool
        Passed; true where nothing was asked.
    score : (N,)
        The higher the better, over both.
    notes
        In words, what was found.
    """

    judge_agrees: np.ndarray
    looks_real: np.ndarray
    score: np.ndarray
    notes: list[str]

    @property
    def passed(self) -> np.ndarray:
        """``(N,) bool``."""
        return self.judge_agrees & self.looks_real


@dataclass(frozen=True)
class RealFaces:
    """Embeddings of real training faces, and how far from them a face may lie.

    Attributes
    ----------
    embeddings : (M, D)
        By face features φ.
    limit
        A percentile of their distances to the nearest face of another person.
    """

    embeddings: np.ndarray = field(repr=False)
    limit: float

    def distances(self, embeddings: np.ndarray) -> np.ndarray:
        """Distance of each embedding ``(N, D)`` to the nearest real face, ``(N,)``."""
        return np.asarray(all_distances(embeddings, self.embeddings).min(axis=1))


@dataclass(frozen=True)
class QualityFilter:
    """`train_filter`'s result; goes from process to process, without the network of φ.

    Attributes
    ----------
    template
        To which the faces are aligned.
    judge, real
        None where nothing is asked of them.
    min_probability
        Of the asked expression, by the judge.
    subjects
        Whom judge and distances know.
    """

    template: str
    judge: ExpressionClassifier | None
    real: RealFaces | None
    min_probability: float
    subjects: frozenset[str]

    def __call__(
        self, images: np.ndarray, expressions: Sequence[str], features: Any = None
    ) -> Verdict:
        """Judge synthetic crops.

        Parameters
        ----------
        images
            ``(N, S, S, 3) uint8`` RGB.
        expressions
            What each was asked to show.
        features
            φ; needed where there are real faces to compare with.
        """
        count = len(images)
        agrees, real = np.ones(count, bool), np.ones(count, bool)
        score = np.zeros(count)
        notes = [""] * count
        if self.judge is not None:
            logs = self.judge.log_probabilities(AlignedFaces(images, self.template))
            asked = np.array([self.judge.classes.index(name) for name in expressions])
            own = logs[np.arange(count), asked]
            read = logs.argmax(axis=1)
            agrees = (read == asked) & (np.exp(own) >= self.min_probability)
            score += own - (~agrees) * 1e3
            for row in np.flatnonzero(~agrees):
                notes[row] = f"read as {self.judge.classes[read[row]]}, p {np.exp(own[row]):.2f}"
        if self.real is not None:
            away = self.real.distances(embed(features, images)) / self.real.limit
            real = away <= 1
            score -= away + (~real) * 1e3
            for row in np.flatnonzero(~real):
                more = f"{away[row]:.2f} times as far from real faces as allowed"
                notes[row] = f"{notes[row]}; {more}" if notes[row] else more
        return Verdict(agrees, real, score, notes)


def train_filter(
    train: LabelledFaces,
    classes: Sequence[str],
    *,
    judge: bool,
    features: Any = None,
    min_probability: float = 0.0,
    percentile: float = 99.0,
) -> QualityFilter:
    """Make a filter from training faces.

    Parameters
    ----------
    train
        Real faces of the training subjects.
    classes
        Expressions that are asked for. The judge knows neutral as well where there is some.
    judge
        Ask a judge.
    features
        φ, to look for faces unlike all real ones; None: do not.
    percentile
        Of the distances of real faces to the nearest of another person: the limit.

    Raises
    ------
    UsageError
        A class has no training face.
    """
    asked = fit_classifiers(train, classes)[0] if judge else None
    real = _real_faces(train, features, percentile) if features is not None else None
    return QualityFilter(
        train.template, asked, real, min_probability, frozenset(train.subjects.tolist())
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
