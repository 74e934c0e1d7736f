"""Result of ``classify``: the accuracy table and the training runs behind it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.metrics.accuracy import Accuracy, Gain, accuracy_of, gain_of
from faceprep.metrics.predictions import Predictions, concatenate
from faceprep.stages.classify.faces import RealFaces
from faceprep.stages.classify.runs import RunResult, TableRow, TrainingRun

if TYPE_CHECKING:
    from faceprep.metrics.near_duplicates import NearDuplicates


@dataclass(frozen=True)
class RowResult:
    """A row of the table with its numbers."""

    row: TableRow  # arm and number of synthetic faces
    accuracy: Accuracy  # accuracies with intervals
    answers: Predictions = field(repr=False)  # predictions of every seed for every test face
    #: Row to compare with, and the gain over it: the same arm without synthetic faces, or the first
    #: row for rows without; None for the first row.
    against: TableRow | None = None
    gain: Gain | None = None


@dataclass
class ClassifyResult:
    """Result of `faceprep.stages.classify.run.run_classify`."""

    folder: Path  # folder of the results
    generator: str  # name of the generator of the synthetic faces
    faces: RealFaces  # real faces
    runs: list[TrainingRun]
    rows: list[RowResult] = field(default_factory=list)  # the table
    run_results: list[RunResult] = field(default_factory=list)  # none in a dry run
    #: Best row with synthetic faces, best row without, and the gain; None if either is missing.
    #: Biased upwards, because both are selected by the reported accuracy.
    best: tuple[TableRow, TableRow, Gain] | None = None
    #: Hashes of the inputs, by `faceprep.workspace.inputs.inputs_of`.
    made_of: dict[str, Any] = field(default_factory=dict)
    #: Why the table is not subject-independent; None if every face has a known person.
    unknown_people: str | None = None
    #: Near duplicates; None without synthetic faces, or if not computed.
    near: "NearDuplicates | None" = None
    notes: list[str] = field(default_factory=list)  # remarks for the reader
    #: Number of runs trained by this command, and their wall time.
    trained: int = 0
    seconds: float = 0.0
    overwrite: bool = False  # whether finished runs are trained again

    def fill_table(self) -> None:
        """Compute the rows of the table from the results of the runs."""
        answers = {row: self._answers(row) for row in dict.fromkeys(run.row for run in self.runs)}
        first = next(iter(answers))
        for row, own in answers.items():
            against = TableRow(row.arm, 0) if row.synthetic else first
            if against == row:
                self.rows.append(RowResult(row, accuracy_of(own), own))
            else:
                gain = gain_of(own, answers[against])
                self.rows.append(RowResult(row, accuracy_of(own), own, against, gain))
        self.best = self._best()

    def _answers(self, row: TableRow) -> Predictions:
        """Return the predictions of all seeds for the test faces of all folds."""
        by_fold: dict[int | None, list[tuple[TrainingRun, RunResult]]] = {}
        for run, result in zip(self.runs, self.run_results, strict=True):
            if run.row == row:
                by_fold.setdefault(run.fold, []).append((run, result))
        parts, faces = [], self.faces
        for pairs in by_fold.values():
            test = pairs[0][0].split.test
            scores = np.stack([result.log_probabilities for _, result in pairs])
            labels, subjects = faces.labels[test], faces.subjects[test]
            parts.append(Predictions(labels, subjects, faces.clips[test], scores))
        return concatenate(parts)

    def _best(self) -> tuple[TableRow, TableRow, Gain] | None:
        with_some = [one for one in self.rows if one.row.synthetic]
        without = [one for one in self.rows if not one.row.synthetic]
        if not with_some:
            return None
        this, other = (
            max(rows, key=lambda one: one.accuracy.accuracy.value) for rows in (with_some, without)
        )
        return this.row, other.row, gain_of(this.answers, other.answers)
