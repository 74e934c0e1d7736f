"""Result of an evaluation of edits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from faceprep.evaluation.edits.au_result import AUReport
from faceprep.metrics.agreement import mean_of
from faceprep.metrics.expression_classifier.fit import HeldOutAccuracy
from faceprep.metrics.identity import Diversity
from faceprep.metrics.intensity import Correlation

MEAN = "mean"
KINDS = ("edit", "copy", "real")

_NUMBERS = (
    "distance", "percentile", "below_fifth", "rank1", "kid", "kid_deviation", "sharpness",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EditRow:
    """Numbers of one set of faces for one requested expression; NaN if undefined."""

    #: ``edit``: test faces of other expressions, edited. ``copy``: the same faces, unedited.
    #: ``real``: test faces that show the expression.
    kind: str
    #: Requested expression; ``mean``: unweighted mean over the expressions with a defined number.
    expression: str
    faces: int
    #: Judge → share classified as the requested expression, in [0, 1]; NaN if it does not know it.
    agreement: dict[str, float]
    #: Mean φ-distance to the source; for ``real``, between different faces of one subject.
    distance: float
    #: Mean of `identity.percentiles`, and the measures of `identity`.
    percentile: float
    below_fifth: float
    rank1: float
    #: Kernel distance to the real training faces of the expression.
    kid: float
    kid_deviation: float
    sharpness: float  # `realism.sharpness` relative to the sources
    #: Measurement → Spearman's ρ with the requested intensity (edits only): ``judge`` (log-odds of
    #: the first judge), ``AUs``, ``distance on the face``.
    rho: dict[str, Correlation] = field(default_factory=dict)


@dataclass(frozen=True)
class EditReport:
    """Result of `evaluate_edits`."""

    generator: str
    features: str  # name of the network that computes φ
    #: Numbers of edited faces and of their subjects; side of the faces, pixels.
    sources: int
    subjects: int
    size: int
    #: Numbers of real faces for KID, and of pairs of different subjects for the percentiles.
    training_faces: int
    different_pairs: int
    intensities: tuple[float, ...]
    ceilings: list[HeldOutAccuracy]  # accuracy of each judge on real test faces
    rows: list[EditRow]  # one per kind and expression, then the means
    diversity: list[Diversity]  # diversity of new faces, by expression
    notes: list[str] = field(default_factory=list)  # remarks on missing numbers
    action_units: AUReport | None = None  # for kinds driven by AUs

    def row(self, kind: str, expression: str = MEAN) -> EditRow:
        """Return one row."""
        return next(r for r in self.rows if (r.kind, r.expression) == (kind, expression))


def mean_row(rows: Sequence[EditRow]) -> EditRow:
    """Return the mean of the rows of one kind."""
    measured = list(dict.fromkeys(key for row in rows for key in row.rho))
    rho = {}
    for key in measured:
        there = [row.rho[key] for row in rows if key in row.rho]
        rho[key] = Correlation(
            mean_of([one.within for one in there]), mean_of([one.pooled for one in there])
        )
    return EditRow(
        kind=rows[0].kind,
        expression=MEAN,
        faces=sum(row.faces for row in rows),
        agreement={
            name: mean_of([row.agreement[name] for row in rows]) for name in rows[0].agreement
        },
        rho=rho,
        **{name: mean_of([getattr(row, name) for row in rows]) for name in _NUMBERS},
    )
