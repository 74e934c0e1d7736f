"""Plan of a table: faces, folds, rows and training runs, checked for leaks."""

from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.errors import Again, Hint, UsageError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.core.vocabulary import plural
from faceprep.execution.runner import workers
from faceprep.metrics.leaks import refuse_leaks
from faceprep.stages.classify.array_cache import ArrayCache, CachedArray
from faceprep.stages.classify.faces import Split, Splits, folds_of, load_faces
from faceprep.stages.classify.networks import SIZES
from faceprep.stages.classify.runs import LOGISTIC, STAGE, RunSynthetic, TableRow, TrainingRun
from faceprep.stages.classify.synthetic import SyntheticFaces, find_synthetic
from faceprep.workspace import Workspace
from faceprep.workspace.inputs import inputs_of
from faceprep.workspace.people import unknown_people

_FEATURES = "-features"


class Plan:
    """Plan of a table.

    Attributes
    ----------
    faces, synthetic
        Real faces; fold → synthetic faces, empty if no row has any.
    folds, rows
        Tested folds, and rows of the table.
    arrays
        Pixels by name (``real`` or the generator's), and features if an arm reads them.
    unknown_people
        Why the table is not subject-independent; None if every face has a known person.
    inputs
        Hashes of the inputs, by `faceprep.workspace.inputs.inputs_of`.

    Raises
    ------
    UsageError
        A setting is invalid, or there are too few synthetic faces.
    MissingToolError
        The weights of the face features, or the requested GPU, are missing.
    FaceprepError
        A component saw a test subject.
    """

    def __init__(
        self, config: Config, progress: Progress, *, dry_run: bool, overwrite: bool
    ) -> None:
        self.config, self.progress = config, progress
        self.device = choose_device(config.device)
        self.folder = config.workspace / STAGE
        options, workspace = config.classify, Workspace(config.workspace)
        real = inputs_of(workspace, {})["real"]  # before the faces are read
        self.faces = load_faces(config.workspace, options)
        self.unknown_people = unknown_people(workspace.info("select").get("summary", {}))
        self.folds = folds_of(self.faces, options.folds)
        self._splits = Splits(self.faces, options.held_out, options.untrained)
        self.rows = self._table_rows()
        for fold in self.folds:
            self._splits.refuse_shared_subjects(fold)
        self.synthetic = self._find_synthetic(max(row.synthetic for row in self.rows))
        made = {one.name: (one.checkpoint, len(one.table)) for one in self.synthetic.values()}
        self.inputs = {**inputs_of(workspace, made), "real": real}
        self.size = options.size or SIZES[options.network]
        self.arrays = self._cache_arrays(dry_run, overwrite)
        self.runs = [
            self._run(row, seed, fold)
            for row in self.rows
            for fold in self.folds
            for seed in range(options.seed, options.seed + options.seeds)
        ]

    def split(self, fold: int | None) -> Split:
        """Return the split of the first seed."""
        return self._splits.split(fold, self.config.classify.seed)

    @cached_property
    def features(self) -> Any:
        """Face features φ.

        Raises
        ------
        MissingToolError
            Their weights are missing.
        """
        from faceprep.faces.features import load_features
        from faceprep.metrics.workspace_faces import template_of

        template = template_of(Workspace(self.config.workspace))
        return load_features(self.config.classify.features, self.device, template=template)

    def notes(self) -> list[str]:
        """Return remarks on the faces of the table."""
        notes = [note for made in self.synthetic.values() for note in made.notes]
        for fold in self.folds:
            split = self.split(fold)
            same = self.faces.identical_crops([*split.train, *split.held_out], [*split.test])
            if same:
                where = "" if fold is None else f" of fold {fold}"
                notes.append(
                    f"{same} test faces{where} are, byte for byte, training faces of another name"
                )
        return list(dict.fromkeys([*notes, *self._untrained_notes()]))

    def _untrained_notes(self) -> list[str]:
        """Return remarks on expressions that are tested and not trained."""
        counts: Counter[str] = Counter()
        for fold in self.folds:
            counts.update(self._splits.untrained(fold))
        how = (
            "count as wrong (classify.untrained=true)"
            if self.config.classify.untrained
            else "are not in the score; classify.untrained=true counts them as wrong"
        )
        return [
            f"no training face shows {name}: its {plural(count, 'test face')} {how}"
            for name, count in counts.items()
        ]

    def _table_rows(self) -> list[TableRow]:
        """Return each arm with each number of synthetic faces, starting with 0."""
        options = self.config.classify
        counts = sorted({0, *options.sweep})
        if options.times:
            splits = [self.split(fold) for fold in self.folds]
            # Folds differ by a few faces: each gets the number of the mean fold.
            size = float(np.mean([len(split.train) + len(split.held_out) for split in splits]))
            counts = sorted({0, *(round(times * size) for times in options.times)})
        rows = []
        for word in options.arms:
            arm, alone, _ = word.partition("@")
            rows += [TableRow(arm, count) for count in (counts[:1] if alone else counts)]
        return list(dict.fromkeys(rows))

    def _find_synthetic(self, most: int) -> dict[int | None, SyntheticFaces]:
        """Find the synthetic faces of each fold, and refuse leaks of test subjects."""
        found = {}
        for fold in self.folds if most else []:
            made = find_synthetic(self.config, fold, most, self.faces)
            tested = self.faces.subjects[self.split(fold).test].tolist()
            refuse_leaks(tested, made.touched, made.hints)
            found[fold] = made
        return found

    def _cache_arrays(self, dry_run: bool, overwrite: bool) -> dict[str, CachedArray]:
        cache = ArrayCache(self.folder / "faces", self.progress, dry_run, overwrite)
        tables: dict[str, tuple[Any, Hint | None]] = {"real": (self.faces.table, None)}
        tables |= {made.name: (made.table, made.remedy) for made in self.synthetic.values()}
        threads = workers(self.config)
        arrays = {
            name: cache.pixels(name, table, self.size, threads, remedy)
            for name, (table, remedy) in tables.items()
        }
        if any(row.arm == LOGISTIC for row in self.rows):
            for name in tables:
                features = cache.features(name, arrays[name], self.features, self.device)
                arrays[name + _FEATURES] = features
        return arrays

    def _run(self, row: TableRow, seed: int, fold: int | None) -> TrainingRun:
        faces, split = self.faces, self._splits.split(fold, seed)
        ending = _FEATURES if row.arm == LOGISTIC else ""
        return TrainingRun(
            row=row,
            seed=seed,
            fold=fold,
            classes=faces.classes,
            labels=faces.labels,
            split=split,
            array=self.arrays["real" + ending],
            config=self.config.classify,
            synthetic=self._run_synthetic(row, fold, split) if row.synthetic else None,
            face_ids=faces.face_ids,
            subjects=faces.subjects,
            device=self.device,
            folder=self.folder / "cells",
        )

    def _run_synthetic(self, row: TableRow, fold: int | None, split: Split) -> RunSynthetic:
        made = self.synthetic[fold]
        rows = made.rows(row.synthetic, {*self.faces.subjects[split.held_out].tolist()})
        if not len(rows):
            raise UsageError(
                f"none of the first {row.synthetic:,} synthetic faces can be used: they show"
                f" none of {', '.join(self.faces.classes)}, or people held out for early stopping",
                Again({"classify.sweep": [0, 10 * row.synthetic]}, note="more of them"),
            )
        ending = _FEATURES if row.arm == LOGISTIC else ""
        content = made.table["crop_sha256"].iloc[rows].tolist()
        key = digest([content, self.size, self.features.provenance() if ending else None])
        return RunSynthetic(self.arrays[made.name + ending], rows, made.labels[rows], key)
