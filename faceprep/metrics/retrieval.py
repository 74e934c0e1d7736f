"""Retrieve faces by expression code, label or pixels, and measure the accuracy.

The protocol is that of Ding et al., 2018, Fig. 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from faceprep.core.errors import Again, MissingToolError, UsageError
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.identity import all_distances
from faceprep.metrics.intensity import expression_measure
from faceprep.metrics.representation import expression_codes

if TYPE_CHECKING:
    from faceprep.generators.base import HasExpressionCode

Way = Literal["code", "label", "pixel"]
WAYS: tuple[Way, ...] = ("code", "label", "pixel")

#: Tolerance for equal distances.
_TIE = 1e-9


@dataclass(frozen=True)
class Descriptors:
    """Vectors by which N faces are compared.

    They are Q(x, y) with the label ``(N, K·d)``, the one-hot label ``(N, K)``, and the pixels in
    [0, 1], ``(N, S·S·3)``.
    """

    code: np.ndarray
    label: np.ndarray
    pixel: np.ndarray

    def by(self, way: Way) -> np.ndarray:
        """Return the vectors of one way of comparing."""
        return {"code": self.code, "label": self.label, "pixel": self.pixel}[way]


def describe_faces(
    model: "HasExpressionCode", images: np.ndarray, labels: Sequence[str], device: str = "cpu"
) -> Descriptors:
    """Describe crops ``(N, S, S, 3) uint8`` with labels among the generator's classes."""
    codes = expression_codes(model, images, labels, device)
    columns = [model.classes.index(name) for name in labels]
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    return Descriptors(codes, np.eye(len(model.classes))[columns], pixels)


def distances(queries: Descriptors, gallery: Descriptors, way: Way) -> np.ndarray:
    """Return Euclidean distances ``(queries, gallery)``."""
    return all_distances(queries.by(way), gallery.by(way))


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Accuracy of one way of comparing."""

    way: Way
    labels: str  # origin of the queries' labels: ``given``, as in the paper, or the name of a judge
    #: Share of the queries whose nearest face shows their expression, averaged over equally near
    #: faces.
    accuracy: float
    #: Difference in strength between the query and a nearest face of the same expression: that of
    #: the most discriminative distance on the face, in standard deviations among faces of that
    #: expression. NaN without landmarks.
    gap: float


@dataclass(frozen=True)
class RetrievalReport:
    """Accuracy of every way of comparing, and of a random choice."""

    #: Numbers of queries, of their subjects, and of faces in the gallery.
    queries: int
    subjects: int
    gallery: int
    chance: float  # accuracy of a random face of another subject
    chance_gap: float  # `Retrieval.gap` of a random face of the same expression
    #: Whether the label is an input of Q, so that its code may repeat it; None if unknown.
    sees_label: bool | None
    rows: list[Retrieval]  # one per way and origin of the labels
    notes: list[str]  # reasons for missing values


def evaluate_retrieval(
    model: "HasExpressionCode",
    queries: LabelledFaces,
    gallery: LabelledFaces,
    judge: ExpressionClassifier | None = None,
    device: str = "cpu",
) -> RetrievalReport:
    """Retrieve every face of `queries` among the faces of other subjects in `gallery`.

    Parameters
    ----------
    queries, gallery
        Faces that show a class of the model. They may be equal; faces of a query's own subject are
        excluded.
    judge
        Labels the queries a second time, as for photographs without a label.

    Raises
    ------
    UsageError
        The gallery has only faces of a query's own subject.
    """
    allowed = queries.subjects[:, None] != gallery.subjects[None]
    if not allowed.any(axis=1).all():
        raise UsageError("there is nobody else in the gallery", Again({"gallery": "train"}))
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
    """Return a mask of the nearest allowed faces of every query, several if equally near."""
    far = np.where(allowed, far, np.inf)
    return np.asarray(far <= far.min(axis=1, keepdims=True) + _TIE)


def _mean(hits: np.ndarray, chosen: np.ndarray) -> float:
    """Return the mean over the queries of the share of chosen faces that are hits."""
    return float(((hits & chosen).sum(axis=1) / chosen.sum(axis=1)).mean())


def _gaps(queries: LabelledFaces, gallery: LabelledFaces, notes: list[str]) -> np.ndarray:
    """Return differences in strength between queries and faces of their expression, else NaN."""
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
    """Return the mean gap of the chosen faces, averaged over the queries that have one."""
    known = chosen & np.isfinite(gaps)
    counts = known.sum(axis=1)
    if not counts.any():
        return np.nan
    sums = np.where(known, gaps, 0).sum(axis=1)
    return float((sums[counts > 0] / counts[counts > 0]).mean())
