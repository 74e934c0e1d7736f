"""Measure edits: expression, identity, realism, intensity and diversity together.

A generator that returns one fixed face per expression reaches 100 % agreement, and a copy of the
source has perfect identity and realism. Every row therefore has all numbers, and the row ``copy``
is reported in addition to the row ``edit``. For kinds driven by Action Units, `au_control` adds the
error between requested and measured AUs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.evaluation.edits.au_control import AUControl
from faceprep.evaluation.edits.result import KINDS, EditReport, EditRow, mean_row
from faceprep.generators.base import MakesNewFaces
from faceprep.generators.editor import Editor
from faceprep.metrics import identity, realism
from faceprep.metrics.agreement import mean_of
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.expression_classifier.fit import held_out_accuracy
from faceprep.metrics.identity import Diversity, real_spread, spread
from faceprep.metrics.intensity import Correlation, correlate, measurements
from faceprep.metrics.leaks import refuse_leak

INTENSITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
NEW_IDENTITIES = 64


def evaluate_edits(
    editor: Editor,
    test: LabelledFaces,
    training: LabelledFaces,
    judges: Sequence[ExpressionClassifier],
    features: Any,
    *,
    intensities: Sequence[float] = INTENSITIES,
    identities: int = NEW_IDENTITIES,
    people: LabelledFaces | None = None,
    name: str = "generator",
    seed: int = 0,
    progress: Progress | None = None,
) -> EditReport:
    """Edit every test face to every other expression, and measure the edits.

    Parameters
    ----------
    test
        Faces of subjects that neither generator nor judges were trained on, used as sources and as
        real faces for comparison.
    training
        Real faces of the training subjects, for KID and for the check for leaks.
    judges
        At least one expression classifier. The first has all expressions of the generator as
        classes; the others do not score those that they do not know.
    features
        `faceprep.faces.features.FaceFeatures`.
    intensities
        Intensities for ρ; all other numbers use intensity 1.
    identities
        Number of new faces per expression; 0 omits diversity.
    people
        Faces among which neutral ones of the test subjects are found, to measure AUs relative to
        them; `test` if None.

    Raises
    ------
    UsageError
        A subject is on both sides, there is no judge or the first lacks an expression, or there is
        nothing to edit.
    """
    refuse_leak(training.subjects.tolist(), test.subjects.tolist(), "the training")
    classes = editor.generator.classes
    _check(classes, test, judges)
    by_aus = "action_units" in editor.targets.driven_by
    control = AUControl(editor, test, test if people is None else people) if by_aus else None
    shared = _Evaluation(editor, test, training, judges, features, intensities, seed, control)
    progress = progress or Progress(quiet=True)
    ceilings = [held_out_accuracy(judge, test) for judge in judges]
    rows: list[EditRow] = []
    progress.start("edits", len(classes) * (len(intensities) + 1))
    for number, expression in enumerate(classes):

        def tick(done: int, start: int = number) -> None:
            progress.update(start * (len(intensities) + 1) + done, classes[start])

        rows += shared.rows(expression, tick)
    rows += [mean_row([row for row in rows if row.kind == kind]) for kind in KINDS]
    draws = identities and isinstance(editor.generator, MakesNewFaces)
    found = [shared.diversity(c, identities) for c in classes] if draws else []
    progress.finish()
    aus = None if control is None else control.report(intensities, seed, progress)
    return EditReport(
        name, str(getattr(features, "name", "features")), len(test),
        len(np.unique(test.subjects)), test.images.shape[1], len(training),
        len(shared.different), tuple(intensities), ceilings, rows, found, shared.notes(), aus,
    )  # fmt: skip


def _check(
    classes: Sequence[str], test: LabelledFaces, judges: Sequence[ExpressionClassifier]
) -> None:
    if not judges:
        raise UsageError("edits are not evaluated without a judge")
    unknown = [name for name in classes if name not in judges[0].classes]
    if unknown:
        raise UsageError(f"the judge {judges[0].name} does not know {unknown[0]!r}")
    if not any((test.expressions != name).any() for name in classes):
        raise UsageError(
            "there is no test face to edit", "select faces of other expressions for the test"
        )


@dataclass
class _Evaluation:
    """Measurements shared by all rows."""

    editor: Editor
    test: LabelledFaces
    training: LabelledFaces
    judges: Sequence[ExpressionClassifier]
    features: Any
    intensities: Sequence[float]
    seed: int
    control: AUControl | None

    def __post_init__(self) -> None:
        self.test.prepare()
        self.embeddings = identity.embed(self.features, self.test.images)
        subjects = self.test.subjects
        self.different = identity.pair_distances(self.embeddings, subjects, same=False)
        self.same = identity.pair_distances(self.embeddings, subjects, same=True)
        self.texture = realism.Texture.of(self.training.landmark_hog)
        self.real_texture = self.texture(self.training.landmark_hog)

    def rows(self, expression: str, tick: Callable[[int], None]) -> list[EditRow]:
        """Return the rows of edits, copies and real faces of one expression."""
        edited = np.flatnonzero(self.test.expressions != expression)
        sources = self.test.take(edited)
        edits = self._edits_at(sources, expression, tick)
        rho = self._rho(sources, edits, expression)
        levels = [1.0] if self.control is None else list(edits)
        embeddings = {t: identity.embed(self.features, edits[t].images) for t in levels}
        if self.control is not None and len(edited):
            own = self.embeddings[edited]
            moved = {t: mean_of(identity.distances(e, own)) for t, e in embeddings.items()}
            self.control.add(expression, edited, edits, moved)
        real = self.test.take(self.test.expressions == expression)
        return [
            self._edits("edit", expression, edits[1.0], edited, embeddings[1.0], rho),
            self._edits("copy", expression, sources, edited, self.embeddings[edited]),
            self._row("real", expression, real, self.test.images, self.same, np.nan),
        ]

    def _edits_at(
        self, sources: LabelledFaces, expression: str, tick: Callable[[int], None]
    ) -> dict[float, AlignedFaces]:
        """Edit sources at all intensities and at 1."""
        found = {}
        for number, level in enumerate(dict.fromkeys((1.0, *self.intensities))):
            images = self.editor.edit(sources.images, expression, level, sources.measurements)
            found[level] = AlignedFaces(images, self.test.template)
            tick(1 + number)
        return found

    def _edits(
        self,
        kind: str,
        expression: str,
        faces: AlignedFaces,
        edited: np.ndarray,
        embeddings: np.ndarray,
        rho: Mapping[str, Correlation] | None = None,
    ) -> EditRow:
        moved = identity.distances(embeddings, self.embeddings[edited]) if len(edited) else edited
        rank1 = identity.rank1(embeddings, edited, self.embeddings, self.test.subjects)
        return self._row(kind, expression, faces, self.test.images[edited], moved, rank1, rho)

    def _row(
        self,
        kind: str,
        expression: str,
        faces: AlignedFaces,
        sources: np.ndarray,
        moved: np.ndarray,
        rank1: float,
        rho: Mapping[str, Correlation] | None = None,
    ) -> EditRow:
        sharp = realism.sharpness(sources)
        return EditRow(
            kind, expression, len(faces), self._agreement(faces, expression),
            mean_of(moved), mean_of(identity.percentiles(moved, self.different)),
            identity.below_fifth(moved, self.different), rank1, *self._kid(faces, expression),
            realism.sharpness(faces.images) / sharp if sharp > 0 else np.nan, dict(rho or {}),
        )  # fmt: skip

    def _agreement(self, faces: AlignedFaces, expression: str) -> dict[str, float]:
        found = {}
        for judge in self.judges:
            found[judge.name] = np.nan
            if expression in judge.classes:
                read = predict(judge.log_probabilities(faces))
                found[judge.name] = mean_of(read == judge.classes.index(expression))
        return found

    def _kid(self, faces: AlignedFaces, expression: str) -> tuple[float, float]:
        wanted = self.real_texture[self.training.expressions == expression]
        if len(faces) < 2:
            return np.nan, np.nan
        found = realism.kid(self.texture(faces.landmark_hog), wanted, seed=self.seed)
        return found.value, found.deviation

    def _rho(
        self, sources: LabelledFaces, edits: Mapping[float, AlignedFaces], expression: str
    ) -> dict[str, Correlation]:
        """Return ρ of each measurement of the edits by intensity."""
        measured: dict[str, list[np.ndarray]] = {}
        for level in self.intensities:
            found = measurements(self.judges[0], edits[level], sources, expression)
            for key, values in found.items():
                measured.setdefault(key, []).append(values)
        levels = self.intensities
        return {key: correlate(levels, np.array(values)) for key, values in measured.items()}

    def diversity(self, expression: str, count: int) -> Diversity:
        """Compare the spread of new faces with that of real faces."""
        new = identity.embed(self.features, self.editor.new_faces(count, expression, self.seed))
        shown = self.test.expressions == expression
        real = real_spread(self.embeddings[shown], self.test.subjects[shown])
        return Diversity(expression, count, spread(new), real)

    def notes(self) -> list[str]:
        """Return remarks on missing numbers."""
        classes = self.editor.generator.classes
        none = [c for c in classes if c not in self.test.expressions]
        notes = [f"no test face shows {', '.join(none)}"] if none else []
        for judge in self.judges:
            unknown = [c for c in classes if c not in judge.classes]
            if unknown:
                notes.append(f"the judge {judge.name} does not score {', '.join(unknown)}")
        if not len(self.different):
            notes.append("the test faces show one person: no percentile, no rank-1")
        if not isinstance(self.editor.generator, MakesNewFaces):
            kind = self.editor.generator.kind
            notes.append(f"no diversity: {kind} cannot generate faces without a source")
        return notes
