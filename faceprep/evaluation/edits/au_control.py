"""Measure how well a generator driven by Action Units does what is requested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from faceprep.core.progress import Progress
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.evaluation.edits.au_result import AUExpression, AUReport, AURow, CurvePoint, Error
from faceprep.generators.editor import Editor
from faceprep.metrics.agreement import mean_of, pearson
from faceprep.metrics.au_error import (
    VARIES_FROM,
    AUErrors,
    au_errors,
    measure_aus,
    neutral_landmarks,
)
from faceprep.metrics.au_regions import (
    AU_REGIONS,
    Concentration,
    concentration,
    difference,
    masks_of,
)
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.intensity import correlate
from faceprep.metrics.workspace_faces import some_faces

#: AUs of the sweeps, and requested intensities.
SWEPT = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU12", "AU15", "AU17", "AU20", "AU25", "AU26",
)  # fmt: skip
LEVELS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)

#: Largest number of faces in the sweeps, of as many people as possible.
SWEEP_FACES = 30

#: An AU is to change in a face from this difference between requested and own intensity.
CHANGES_FROM = 0.5


@dataclass(frozen=True, slots=True)
class _Edits:
    """Edits of all sources to one expression."""

    expression: str
    own: np.ndarray
    asked: np.ndarray
    before: np.ndarray
    after: Mapping[float, np.ndarray]  # by intensity
    distances: Mapping[float, float]
    where: Concentration
    background: float


@dataclass
class AUControl:
    """Collect edits by expression, then sweep single AUs and report.

    Attributes
    ----------
    editor, test
        Generator, and sources with measured AUs.
    people
        Faces among which neutral ones of the sources' subjects are found.
    """

    editor: Editor
    test: LabelledFaces
    people: LabelledFaces
    _edits: list[_Edits] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.neutral = neutral_landmarks(self.people, self.test.subjects)
        self.before = measure_aus(self.test.landmarks68, self.neutral)
        self.own = np.asarray(self.test.measurements.action_units, np.float64)

    def add(
        self,
        expression: str,
        edited: np.ndarray,
        edits: Mapping[float, AlignedFaces],
        distances: Mapping[float, float],
    ) -> None:
        """Measure the edits of some sources, by intensity.

        `edited` are the indices of the sources, `distances` the mean φ-distances to them. Intensity
        1 is required.
        """
        sources, neutral, own = self.test.take(edited), self.neutral[edited], self.own[edited]
        target = self.editor.targets.make(
            [expression] * len(edited), np.ones(len(edited)), sources=sources.measurements
        )
        asked = target.require("action_units").numpy().astype(np.float64)
        changed = [
            [au for au, by in zip(INTENSITY_AUS, row, strict=True) if abs(by) >= CHANGES_FROM]
            for row in asked - own
        ]
        where, background = _regions(sources, edits[1.0], changed)
        after = {t: measure_aus(faces.landmarks68, neutral) for t, faces in edits.items()}
        self._edits.append(
            _Edits(expression, own, asked, self.before[edited], after, distances, where, background)
        )

    def report(self, intensities: Sequence[float], seed: int, progress: Progress) -> AUReport:
        """Measure the own AUs and the sweeps, and report them with the edits."""
        errors = self._errors(1.0)
        varies = errors.varies
        rows = self._rows(errors, self._sweeps(seed, progress))
        by_expression = [self._expression(one, varies) for one in self._edits]
        target = self.editor.targets.make_action_units(self.own, self.test.measurements)
        own = self.editor.apply(self.test.images, target)
        return AUReport(
            neutral_faces=int(np.isfinite(self.neutral).all(axis=(1, 2)).sum()),
            varies_from=VARIES_FROM,
            error=Error.of(mean_of(errors.edit[varies]), mean_of(errors.copy[varies])),
            change=Error.of(mean_of(errors.change[varies]), mean_of(errors.copy_change[varies])),
            measurement_error=mean_of(np.abs(self.before - self.own)[:, varies]),
            own_change=mean_of(difference(own, self.test.images)),
            rho=mean_of([row.rho for row in rows]),
            sweep_faces=min(len(self.test), SWEEP_FACES),
            inside=mean_of([one.inside for one in by_expression]),
            area=mean_of([one.area for one in by_expression]),
            background=mean_of([one.background for one in self._edits]),
            aus=rows,
            expressions=by_expression,
            curve=[self._point(t, varies) for t in sorted({*intensities, 1.0})],
        )

    def _errors(self, intensity: float) -> AUErrors:
        """Return the errors of all edits at an intensity against the whole expression."""
        edits = self._edits
        own, asked, before, after = map(
            np.concatenate,
            (
                [one.own for one in edits],
                [one.asked for one in edits],
                [one.before for one in edits],
                [one.after[intensity] for one in edits],
            ),
        )
        return au_errors(own, asked, before, after)

    def _point(self, intensity: float, varies: np.ndarray) -> CurvePoint:
        counts = [len(one.own) for one in self._edits]
        distances = [one.distances[intensity] for one in self._edits]
        distance = float(np.average(distances, weights=counts))
        return CurvePoint(intensity, mean_of(self._errors(intensity).edit[varies]), distance)

    def _rows(self, errors: AUErrors, sweeps: Mapping[str, "_Sweep"]) -> list[AURow]:
        wanted = np.concatenate([one.asked - one.own for one in self._edits])
        changed = np.concatenate([one.after[1.0] - one.before for one in self._edits])
        rows = []
        for column, au in enumerate(INTENSITY_AUS):
            sweep = sweeps.get(au, _NO_SWEEP)
            rows.append(
                AURow(
                    au,
                    float(errors.spread[column]),
                    bool(errors.varies[column]),
                    Error.of(float(errors.edit[column]), float(errors.copy[column])),
                    Error.of(float(errors.change[column]), float(errors.copy_change[column])),
                    pearson(wanted[:, column], changed[:, column]),
                    sweep.rho, sweep.where.inside, sweep.where.area,
                )
            )  # fmt: skip
        return rows

    @staticmethod
    def _expression(edits: _Edits, varies: np.ndarray) -> AUExpression:
        errors = au_errors(edits.own, edits.asked, edits.before, edits.after[1.0])
        means = (mean_of(errors.edit[varies]), mean_of(errors.copy[varies]))
        where = edits.where
        return AUExpression(
            edits.expression, len(edits.own), Error.of(*means), where.inside, where.area
        )

    def _sweeps(self, seed: int, progress: Progress) -> dict[str, "_Sweep"]:
        """Request every intensity of every AU of `SWEPT` from some faces."""
        chosen = some_faces(self.test, SWEEP_FACES, seed)
        neutral = neutral_landmarks(self.people, chosen.subjects)
        own = np.asarray(chosen.measurements.action_units, np.float64)
        progress.start("sweeps", len(SWEPT))
        found = {}
        for number, au in enumerate(SWEPT):
            column = INTENSITY_AUS.index(au)
            measured = []
            for level in LEVELS:
                asked = own.copy()
                asked[:, column] = level
                target = self.editor.targets.make_action_units(asked, chosen.measurements)
                images = self.editor.apply(chosen.images, target)
                edits = AlignedFaces(images, chosen.template)
                measured.append(measure_aus(edits.landmarks68, neutral)[:, column])
            where, _ = _regions(chosen, edits, [[au]] * len(chosen))
            found[au] = _Sweep(correlate(LEVELS, np.array(measured)).within, where)
            progress.update(number + 1, au)
        progress.finish()
        return found


@dataclass(frozen=True, slots=True)
class _Sweep:
    rho: float
    where: Concentration


_NO_SWEEP = _Sweep(np.nan, Concentration(np.nan, np.nan))


def _regions(
    sources: LabelledFaces, edits: AlignedFaces, aus: Sequence[Sequence[str]]
) -> tuple[Concentration, float]:
    """Return where edits differ from their sources, and the change outside all regions.

    `aus` names the AUs of each face that are to change.
    """
    side = sources.images.shape[1]
    before, after = sources.landmarks68, edits.landmarks68
    changes = difference(edits.images, sources.images)
    face = masks_of(before, after, [tuple(AU_REGIONS)] * len(before), side)
    inside = concentration(changes, masks_of(before, after, list(aus), side))
    return inside, mean_of(changes[~face])
