"""The verb ``classify``: a classifier with 0, 3K … synthetic faces, tested on untouched people.

ExprGAN (section "Facial expression data augmentation", Table 1) trains a classifier on the real
training faces with more and more synthetic ones, and tests it on people that neither it nor the
generator has seen. Here every row has the same number of updates, several seeds, folds if asked
for, and beside it what one would do without a generator.

<workspace>/classify/  accuracy.parquet     a row a training
                       predictions.parquet  a row a test face and training
                       confusion.parquet    shown against told, mean over the seeds
                       accuracy.csv .tex .png .json   the table, the plot, and all of the report
                       cells/  faces/       finished trainings, pixels: to go on from
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from faceprep.cli.commands.workspace import command
from faceprep.config import Config
from faceprep.core.errors import FaceprepError, MissingToolError, UsageError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.execution.runner import workers
from faceprep.metrics.accuracy import Accuracy, Gain, accuracy_of, gain_of
from faceprep.metrics.leaks import refuse_leaks
from faceprep.metrics.predictions import Predictions, concatenate
from faceprep.stages.classify.faces import (
    Kept,
    RealFaces,
    folds_of,
    keep_features,
    keep_pixels,
    load_faces,
    refuse_shared,
    same_pictures,
    side_of,
)
from faceprep.stages.classify.runs import LOGISTIC, Cell, CellDone, Made, Row, read_cell, run_cell
from faceprep.stages.classify.synthetic import Synthetic, find_synthetic
from faceprep.workspace import Workspace
from faceprep.workspace.inputs import inputs_of

if TYPE_CHECKING:
    from faceprep.metrics.near_duplicates import NearDuplicates

STAGE = "classify"


@dataclass(frozen=True)
class RowResult:
    """A row of the table.

    Attributes
    ----------
    row
        Arm and number of synthetic faces.
    accuracy
        With intervals.
    against, gain
        The row it is compared with: without synthetic faces the first arm, with some the same arm
        without; None for the first row.
    answers
        Of every seed to every test face.
    """

    row: Row
    accuracy: Accuracy
    answers: Predictions = field(repr=False)
    against: Row | None = None
    gain: Gain | None = None


@dataclass
class Classified:
    """What `run_classify` did.

    Attributes
    ----------
    rows
        The table.
    best
        The best row with synthetic faces against the best without; None where there is none of
        either. Both were chosen by these very numbers, which flatters them.
    cells, done
        All trainings, and what their files say; fewer in a dry run.
    faces
        The real ones.
    generator
        Name of the synthetic ones' generator.
    made_of
        The real and the synthetic faces, by `faceprep.workspace.inputs.inputs_of`.
    near
        None where there are no synthetic faces, or it was not asked for.
    notes
        What a reader should know.
    trained, seconds
        Trainings made just now, and their wall time.
    anew
        Those that are done are trained again too.
    """

    folder: Path
    generator: str
    faces: RealFaces
    cells: list[Cell]
    rows: list[RowResult] = field(default_factory=list)
    done: list[CellDone] = field(default_factory=list)
    best: tuple[Row, Row, Gain] | None = None
    made_of: dict[str, Any] = field(default_factory=dict)
    near: "NearDuplicates | None" = None
    notes: list[str] = field(default_factory=list)
    trained: int = 0
    seconds: float = 0.0
    anew: bool = False


def run_classify(
    config: Config, progress: Progress, *, overwrite: bool = False, dry_run: bool = False
) -> Classified:
    """Train what is not trained yet, and put the table together.

    Parameters
    ----------
    overwrite
        Train everything again, on crops that are read again.
    dry_run
        Say which trainings there would be.

    Raises
    ------
    UsageError
        A setting is not possible, or there are too few synthetic faces.
    MissingToolError
        The face features' weights, or the GPU that was asked for, are not there.
    FaceprepError
        Somebody of the test touched what a row is made with, or a training failed.
    """
    plan = _Plan(config, progress, dry_run, overwrite)
    result = plan.result
    if dry_run:
        return result
    _train(config, result, progress, overwrite)
    _refuse_own_leaks(result)
    result.rows = _rows(result)
    result.best = _best(result)
    result.near = plan.near_duplicates()
    return result


class _Plan:
    """Faces, folds, rows and cells of a run, and its leak guard."""

    def __init__(
        self, config: Config, progress: Progress, dry_run: bool, overwrite: bool = False
    ) -> None:
        from faceprep.core.device import choose_device

        self.config, self.progress = config, progress
        self.device = choose_device(config.device)
        self.folder = config.workspace / STAGE
        options = config.classify
        before = inputs_of(Workspace(config.workspace), {})
        self.faces = load_faces(config.workspace, options)
        self.folds = folds_of(self.faces, options.folds)
        self.rows = _table_rows(config, self.faces, self.folds)
        most = max(row.synthetic for row in self.rows)
        for fold in self.folds:
            refuse_shared(self.faces, fold)
        self.synthetic: dict[int | None, Synthetic] = {}
        for fold in self.folds if most else []:
            found = find_synthetic(config, fold, most, self.faces)
            refuse_leaks(self._tested(fold), found.touched, found.hints)
            self.synthetic[fold] = found
        made = {
            found.name: (str(found.table["checkpoint"].iloc[0]), len(found.table))
            for found in self.synthetic.values()
        }
        made_of = {**inputs_of(Workspace(config.workspace), made), "real": before["real"]}
        self.result = Classified(self.folder, options.generator, self.faces, [], made_of=made_of)
        self.result.notes, self.result.anew = self._notes(), overwrite
        self.provenance: dict[str, Any] = {}
        self.pixels = self._keep(dry_run, overwrite)
        self.result.cells = [
            self._cell(row, seed, fold)
            for row in self.rows
            for fold in self.folds
            for seed in range(options.seed, options.seed + options.seeds)
        ]

    @property
    def size(self) -> int:
        from faceprep.stages.classify.networks import SIZES

        return self.config.classify.size or SIZES[self.config.classify.network]

    def _tested(self, fold: int | None) -> set[str]:
        side = side_of(self.faces, fold, self.config.classify.seed, self.config.classify.held_out)
        return {*self.faces.people[side.test].tolist()}

    def _keep(self, dry_run: bool, overwrite: bool) -> dict[str, Kept]:
        """Files of pixels, and of features where an arm looks at them; by name."""
        folder, threads = self.folder / "faces", workers(self.config)
        tables = {"real": (self.faces.table, command(Workspace(self.config.workspace), "align"))}
        for found in self.synthetic.values():
            tables[found.name] = (found.table, found.again)
        kept = {}
        for name, (table, redo) in tables.items():
            kept[name] = keep_pixels(
                folder, name, table, self.size, threads, self.progress, redo, dry_run, overwrite
            )
        if any(row.arm == LOGISTIC for row in self.rows):
            features = self._features()
            self.provenance = features.provenance()
            for name in list(kept):
                kept[f"{name}-features"] = keep_features(
                    folder, name, kept[name], features, self.device, self.progress, dry_run,
                    overwrite,
                )  # fmt: skip
        return kept

    def _features(self) -> Any:
        from faceprep.faces.features import load_features
        from faceprep.metrics.workspace_faces import template_of

        template = template_of(Workspace(self.config.workspace))
        return load_features(self.config.classify.features, self.device, template=template)

    def _cell(self, row: Row, seed: int, fold: int | None) -> Cell:
        from faceprep.stages.classify.training import Recipe

        options, faces = self.config.classify, self.faces
        side = side_of(faces, fold, seed, options.held_out)
        ending = "-features" if row.arm == LOGISTIC else ""
        made = None
        if row.synthetic:
            found = self.synthetic[fold]
            held = {*faces.people[side.held_out].tolist()}
            rows = found.first(row.synthetic, held)
            if not len(rows):
                raise UsageError(
                    f"none of the first {row.synthetic:,} synthetic faces can be used: they show"
                    f" none of {', '.join(faces.classes)}, or people who are left out to stop on",
                    f"more of them: --sweep 0,{10 * row.synthetic}",
                )
            content = found.table["crop_sha256"].iloc[rows].tolist()
            key = digest([content, self.size, self.provenance if ending else None])
            made = Made(self.pixels[found.name + ending], rows, found.labels[rows], key)
        names = Recipe.__dataclass_fields__
        recipe = Recipe(**{name: getattr(options, name) for name in names})
        return Cell(
            row, seed, fold, faces.classes, faces.labels, side, self.pixels["real" + ending],
            recipe, made, faces.table.index.to_numpy(str), faces.people, self.device,
            self.folder / "cells",
        )  # fmt: skip

    def _notes(self) -> list[str]:
        notes = [note for found in self.synthetic.values() for note in found.notes]
        options = self.config.classify
        for fold in self.folds:
            side = side_of(self.faces, fold, options.seed, options.held_out)
            same = same_pictures(self.faces, [*side.train, *side.held_out], [*side.test])
            if same:
                where = "" if fold is None else f" of fold {fold}"
                notes.append(
                    f"{same} test faces{where} are, byte for byte, training faces of another name"
                )
        return list(dict.fromkeys(notes))

    def near_duplicates(self) -> "NearDuplicates | None":
        """Compare synthetic faces with those of the test."""
        from faceprep.stages.classify.synthetic import compare_with_test

        if not self.synthetic or not self.config.classify.near_duplicates:
            return None
        try:
            features = self._features()
        except MissingToolError as error:
            self.result.notes.append(f"near duplicates were not looked for: {error.message}")
            return None
        options = self.config.classify
        sides = {
            fold: side_of(self.faces, fold, options.seed, options.held_out) for fold in self.folds
        }
        return compare_with_test(
            self.folder, self.faces, sides, self.synthetic, self.pixels, features,
            options.near_duplicates, self.progress,
        )  # fmt: skip


def _table_rows(config: Config, faces: RealFaces, folds: list[int | None]) -> list[Row]:
    """Arms times numbers of synthetic faces; none at all comes first."""
    options = config.classify
    counts = sorted({0, *options.sweep})
    if options.times:
        training = [
            len(side.train) + len(side.held_out)
            for side in (side_of(faces, fold, options.seed, options.held_out) for fold in folds)
        ]
        # Folds differ by a face or two: each gets as many as the mean fold.
        size = float(np.mean(training))
        counts = sorted({0, *(round(times * size) for times in options.times)})
    rows = []
    for word in options.arms:
        arm, alone, _ = word.partition("@")
        rows += [Row(arm, count) for count in (counts[:1] if alone else counts)]
    return list(dict.fromkeys(rows))


def _train(config: Config, result: Classified, progress: Progress, overwrite: bool) -> None:
    """Run the cells whose files are not there, in as many processes as there are workers."""
    from faceprep.execution import local

    for cell in result.cells if overwrite else ():
        cell.path.unlink(missing_ok=True)
    known = [read_cell(cell) for cell in result.cells]
    todo = [cell for cell, done in zip(result.cells, known, strict=True) if done is None]
    made: dict[Path, CellDone] = {}
    before = len(known) - len(todo)
    progress.say(f"classify: {len(todo)} of {len(known)} trainings to do")
    progress.start(STAGE, len(known), before)
    started = time.monotonic()
    # A GPU takes one training at a time unless more are asked for.
    count = config.workers or (1 if todo and todo[0].device == "cuda" else workers(config))
    try:
        for outcome in local.run(cast(Any, todo), cast(Any, run_cell), count):
            cell = cast(Cell, outcome.job)
            if outcome.error is not None:
                _raise(cell, outcome.error)
            made[cell.path] = cast(CellDone, outcome.marker)
            progress.update(before + len(made), cell.row.name)
    finally:
        progress.finish()
    result.trained, result.seconds = len(made), time.monotonic() - started
    result.done = [
        done if done is not None else made[cell.path]
        for cell, done in zip(result.cells, known, strict=True)
    ]


def _raise(cell: Cell, error: BaseException) -> None:
    if isinstance(error, FaceprepError):
        raise error
    raise FaceprepError(
        f"the training {cell.row.name}, seed {cell.seed} failed: {type(error).__name__}: {error}",
        "the others are saved; the same command goes on with this one",
    ) from error


def _refuse_own_leaks(result: Classified) -> None:
    """Refuse a table whose own trainings, or choice of when to stop, saw a test subject."""
    for cell, done in zip(result.cells, result.done, strict=True):
        tested = cell.people[cell.side.test].tolist()
        touched = {"the classifier's training": done.trained_on, "early stopping": done.held_out}
        refuse_leaks(tested, touched)


def _rows(result: Classified) -> list[RowResult]:
    answers = {row: _answers(result, row) for row in dict.fromkeys(c.row for c in result.cells)}
    first = next(iter(answers))
    found = []
    for row, own in answers.items():
        against = Row(row.arm, 0) if row.synthetic else first
        if against == row:
            found.append(RowResult(row, accuracy_of(own), own))
        else:
            gain = gain_of(own, answers[against])
            found.append(RowResult(row, accuracy_of(own), own, against, gain))
    return found


def _answers(result: Classified, row: Row) -> Predictions:
    """Answers of all seeds to all folds' test faces."""
    parts = []
    by_fold: dict[int | None, list[tuple[Cell, CellDone]]] = {}
    for cell, done in zip(result.cells, result.done, strict=True):
        if cell.row == row:
            by_fold.setdefault(cell.fold, []).append((cell, done))
    clips = result.faces.table["clip"].to_numpy(str)
    for pairs in by_fold.values():
        test = pairs[0][0].side.test
        scores = np.stack([done.log_probabilities for _, done in pairs])
        labels, people = result.faces.labels[test], result.faces.people[test]
        parts.append(Predictions(labels, people, clips[test], scores))
    return concatenate(parts)


def _best(result: Classified) -> tuple[Row, Row, Gain] | None:
    """The best row with synthetic faces against the best without."""
    with_some = [one for one in result.rows if one.row.synthetic]
    without = [one for one in result.rows if not one.row.synthetic]
    if not with_some:
        return None
    this, other = (
        max(rows, key=lambda one: one.accuracy.accuracy.value) for rows in (with_some, without)
    )
    return this.row, other.row, gain_of(this.answers, other.answers)
