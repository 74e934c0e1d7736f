"""Faces with the same expression: by the code that Q reads, by the label, by pixels (Fig. 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from faceprep.core.errors import MissingToolError, UsageError
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.identity import all_distances
from faceprep.metrics.intensity import expression_measure
from faceprep.metrics.representation import expression_codes

if TYPE_CHECKING:
    from faceprep.generators.base import HasExpressionCode

Way = Literal["code", "label", "pixel"]
WAYS: tuple[Way, ...] = ("code", "label", "pixel")

#: Distances that differ by less are equal.
_TIE = 1e-9


@dataclass(frozen=True)
class Described:
    """What faces are compared by, one row a face.

    Attributes
    ----------
    code : (N, K·d)
        Q(x, y) with the label.
    label : (N, K)
        One-hot.
    pixel : (N, S·S·3)
        From 0 to 1.
    """

    code: np.ndarray
    label: np.ndarray
    pixel: np.ndarray

    def by(self, way: Way) -> np.ndarray:
        """Rows of one way."""
        return {"code": self.code, "label": self.label, "pixel": self.pixel}[way]


def describe_faces(
    model: "HasExpressionCode", images: np.ndarray, labels: Sequence[str], device: str = "cpu"
) -> Described:
    """Describe crops ``(N, S, S, 3) uint8`` with the labels that they are said to have.

    Raises
    ------
    UsageError
        A label is no class of the generator.
    """
    codes = expression_codes(model, images, labels, device)
    columns = [model.classes.index(name) for name in labels]
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    return Described(codes, np.eye(len(model.classes))[columns], pixels)


def distances(queries: Described, gallery: Described, way: Way) -> np.ndarray:
    """Euclidean distances ``(queries, gallery)``."""
    return all_distances(queries.by(way), gallery.by(way))


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well one way finds the same expression on other people.

    Attributes
    ----------
    way
        One of `WAYS`.
    labels
        Who labelled the queries: ``given``, as in the paper, or the name of a judge.
    accuracy
        Share of the queries whose nearest face shows their expression; of equally near faces the
        mean.
    gap
        How far that face's expression is from the query's in strength, where it is the same
        expression: difference of the distance on the face that says most about it, in standard
        deviations among faces of that expression. NaN without landmarks.
    """

    way: Way
    labels: str
    accuracy: float
    gap: float


@dataclass(frozen=True)
class RetrievalReport:
    """All ways, and what chance would give.

    Attributes
    ----------
    queries, subjects, gallery
        How many faces, of how many people, and among how many faces they were looked for.
    chance
        Accuracy of a face of somebody else at random.
    chance_gap
        `Retrieval.gap` of a face of the same expression at random.
    sees_label
        Whether Q is told the label, so that its code may repeat it; None where not known.
    rows
        Ways by labels.
    notes
        What could not be measured.
    """

    queries: int
    subjects: int
    gallery: int
    chance: float
    chance_gap: float
    sees_label: bool | None
    rows: list[Retrieval]
    notes: list[str]


def evaluate_retrieval(
    model: "HasExpressionCode",
    queries: LabelledFaces,
    gallery: LabelledFaces,
    judge: ExpressionClassifier | None = None,
    device: str = "cpu",
) -> RetrievalReport:
    """Look for every face of `queries` among the faces of other people in `gallery`.

    Parameters
    ----------
    model
        The generator; all faces show one of its classes.
    queries, gallery
        May be the same. Nobody is ever found in pictures of themselves.
    judge
        Labels the queries a second time, as for photographs without a label.
    device
        Where the generator is.

    Raises
    ------
    UsageError
        Everybody in the gallery is a query's own subject.
    """
    allowed = queries.subjects[:, None] != gallery.subjects[None]
    if not allowed.any(axis=1).all():
        raise UsageError("there is nobody else in the gallery", "--gallery train")
    same = queries.expressions[:, None] == gallery.expressions[None]
    notes: list[str] = []
    gaps = _gaps(queries, gallery, notes)
    found = describe_faces(model, gallery.images, gallery.expressions.tolist(), device)
    labelled = {"given": queries.expressions.tolist()}
    if judge is not None:
        read = predict(judge.log_probabilities(queries))
        labelled[judge.name] = [judge.classes[column] for column in read]
    rows = []
    for name, labels in labelled.items():
        described = describe_faces(model, queries.images, labels, device)
        for way in WAYS if name == "given" else ("code", "label"):
            nearest = _nearest(distances(described, found, way), allowed)
            rows.append(Retrieval(way, name, _mean(same, nearest), _mean_gap(gaps, nearest & same)))
    config = getattr(model, "config", None)
    return RetrievalReport(
        len(queries), len(np.unique(queries.subjects)), len(gallery), _mean(same, allowed),
        _mean_gap(gaps, allowed & same), getattr(config, "q_sees_label", None), rows, notes,
    )  # fmt: skip


def _nearest(far: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Mask of the nearest allowed faces of every query, several where they are equally near."""
    far = np.where(allowed, far, np.inf)
    return np.asarray(far <= far.min(axis=1, keepdims=True) + _TIE)


def _mean(hits: np.ndarray, chosen: np.ndarray) -> float:
    """Mean over the queries of the share of chosen faces that are hits."""
    return float(((hits & chosen).sum(axis=1) / chosen.sum(axis=1)).mean())


def _gaps(queries: LabelledFaces, gallery: LabelledFaces, notes: list[str]) -> np.ndarray:
    """Difference in strength of every query and every face of its expression; NaN elsewhere."""
    gaps = np.full((len(queries), len(gallery)), np.nan)
    try:
        points, others = queries.landmarks68, gallery.landmarks68
    except MissingToolError as error:
        notes.append(f"no difference in strength: {error.message}")
        return gaps
    for name in np.unique(queries.expressions):
        mine, theirs = queries.expressions == name, gallery.expressions == name
        if not theirs.any():
            continue
        strengths = expression_measure(points[mine], name)
        found = expression_measure(others[theirs], name)
        if strengths is None or found is None or found.std() == 0:
            continue
        gaps[np.ix_(mine, theirs)] = np.abs(strengths[:, None] - found[None]) / found.std()
    return gaps


def _mean_gap(gaps: np.ndarray, chosen: np.ndarray) -> float:
    """Mean over the queries that have one of the mean gap of their chosen faces."""
    known = chosen & np.isfinite(gaps)
    counts = known.sum(axis=1)
    if not counts.any():
        return np.nan
    sums = np.where(known, gaps, 0).sum(axis=1)
    return float((sums[counts > 0] / counts[counts > 0]).mean())
