"""Aligned and labelled photographs of a table, and their split by subjects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.config import ClassifyConfig
from faceprep.core.errors import Again, Hint, Remedy, UsageError
from faceprep.metrics.leaks import refuse_leaks
from faceprep.workspace.load import load
from faceprep.workspace.training_rows import choose_classes, sides_of

if TYPE_CHECKING:
    import pandas as pd

_FEWEST_PEOPLE = 3


@dataclass(frozen=True)
class RealFaces:
    """Photographed faces with an expression."""

    #: Rows as `faceprep.workspace.load.load` returns them, with the columns ``dataset_subject``
    #: (``dataset/subject``) and ``clip``.
    table: "pd.DataFrame"
    classes: tuple[str, ...]  # expressions in the order of the labels
    labels: np.ndarray  # ``(N,) int64``; position of each face's expression in `classes`
    workspace: Path  # folder of the run

    @property
    def face_ids(self) -> np.ndarray:
        """``face_id`` of each face, ``(N,)``."""
        return self.table.index.to_numpy(str)

    @property
    def subjects(self) -> np.ndarray:
        """Subject of each face as ``dataset/subject``, ``(N,)``."""
        return self.table["dataset_subject"].to_numpy(str)

    @property
    def clips(self) -> np.ndarray:
        """Clip of each face, ``(N,)``; an empty string for a still."""
        return self.table["clip"].to_numpy(str)

    def identical_crops(self, train: Sequence[int], test: Sequence[int]) -> int:
        """Count the test faces whose crop has the same bytes as a training crop."""
        checksums = self.table["crop_sha256"].to_numpy(object)
        known = {one for one in checksums[list(train)] if one is not None}
        return sum(one in known for one in checksums[list(test)])


def load_faces(workspace: Path, config: ClassifyConfig) -> RealFaces:
    """Load the aligned faces with the classified expressions.

    Raises `UsageError`: there are none, or a requested expression does not occur.
    """
    faces = load(workspace, ["align"], only_ok=True, existing=False)
    faces = faces[faces["expression"].notna()]
    classes = choose_classes(faces, config.classes, config.neutral, "classify.classes")
    faces = faces[faces["expression"].isin(classes)].copy()
    faces["dataset_subject"] = faces["dataset"] + "/" + faces["subject"]
    # A sequence runs from neutral to its peak; each of its expressions is a separate clip.
    whole = (
        faces["dataset_subject"] + "/" + faces["sequence"].fillna("") + "/" + faces["expression"]
    )
    faces["clip"] = whole.where(faces["sequence"].notna(), "")
    numbers = {name: number for number, name in enumerate(classes)}
    labels = faces["expression"].map(numbers).to_numpy(np.int64)
    return RealFaces(faces, classes, labels, workspace)


@dataclass(frozen=True)
class Split:
    """Rows of the faces on each side, ascending, for one fold and one seed."""

    #: ``(n,) int64``; training faces, faces that choose the best update, and test faces.
    train: np.ndarray
    held_out: np.ndarray
    test: np.ndarray


class Splits:
    """Splits of the faces by fold and seed, each computed once.

    `faces`: all real faces.
    `share`: share of the training subjects to hold out if ``val`` is empty; at least one subject.
    `untrained`: test also the expressions that no training face shows.
    """

    def __init__(self, faces: RealFaces, share: float, untrained: bool = False) -> None:
        self._faces, self._share, self._untrained = faces, share, untrained
        self._sides: dict[int | None, np.ndarray] = {}
        self._splits: dict[tuple[int | None, int], Split] = {}

    def split(self, fold: int | None, seed: int) -> Split:
        """Split the faces; the held-out subjects depend on seed and fold only.

        `fold`: test fold; None for the split of the selection, whose ``val``, if any, is held out.
        `seed`: seed that draws the held-out subjects.
        Raises `UsageError`: no tested expression is trained, ``train`` has no face, or fewer than
            two subjects while ``val`` is empty.
        """
        key = (fold, seed)
        if key not in self._splits:
            self._splits[key] = self._compute(fold, seed)
        return self._splits[key]

    def untrained(self, fold: int | None) -> dict[str, int]:
        """Return the expressions that no training face shows → number of their test faces."""
        sides, labels = self._side_names(fold), self._faces.labels
        tested = np.bincount(labels[sides == "test"], minlength=len(self._faces.classes))
        trained = set(labels[sides == "train"].tolist())
        return {
            name: int(tested[label])
            for label, name in enumerate(self._faces.classes)
            if tested[label] and label not in trained
        }

    def refuse_shared_subjects(self, fold: int | None) -> None:
        """Raise `FaceprepError` if a test subject is also in ``train`` or ``val``."""
        sides, subjects = self._side_names(fold), self._faces.subjects
        seen = {side: subjects[sides == side].tolist() for side in ("train", "val", "test")}
        touched = {"the classifier's training": seen["train"], "early stopping": seen["val"]}
        select = Remedy("select", self._faces.workspace, {"overwrite": True}, resume=True)
        refuse_leaks(seen["test"], touched, dict.fromkeys(touched, select))

    def _side_names(self, fold: int | None) -> np.ndarray:
        if fold not in self._sides:
            self._sides[fold] = sides_of(self._faces.table, fold).to_numpy(str)
        return self._sides[fold]

    def _compute(self, fold: int | None, seed: int) -> Split:
        sides, all_subjects = self._side_names(fold), self._faces.subjects
        train, held = sides == "train", sides == "val"
        subjects = np.unique(all_subjects[train])
        if held.any() and not len(subjects):
            raise UsageError(
                "no face of the selection is in the split train",
                realign(self._faces, "select.split", "random"),
            )
        if not held.any():
            if len(subjects) < 2:
                raise UsageError(
                    f"{len(subjects)} training people, 2 are needed, one for early stopping",
                    Remedy("show", self._faces.workspace, note="counts them"),
                )
            random = np.random.default_rng([seed, 0 if fold is None else fold + 1])
            count = min(max(round(self._share * len(subjects)), 1), len(subjects) - 1)
            held = train & np.isin(all_subjects, random.permutation(subjects)[:count])
        test = sides == "test"
        if not self._untrained:
            test &= np.isin(self._faces.labels, self._faces.labels[sides == "train"])
        if not test.any():
            raise UsageError(
                "no test face shows an expression that a training face shows: "
                + ", ".join(self.untrained(fold)),
                realign(self._faces, "select.split", "random"),
            )
        return Split(*(np.flatnonzero(side) for side in (train & ~held, held, test)))


def folds_of(faces: RealFaces, wanted: int | None) -> list[int | None]:
    """Return the folds to test; one None for the split of the selection.

    Raises `UsageError`: the selection shows fewer than three people or has another number of folds,
        or its split has no test face.
    """
    people = len(np.unique(faces.subjects))
    if people < _FEWEST_PEOPLE:
        raise UsageError(
            f"the selected faces show {'one person' if people == 1 else f'{people} people'}: "
            "a classifier trains on one, stops on another and is tested on a third",
            Remedy("show", faces.workspace, note="counts them"),
        )
    known = sorted(int(fold) for fold in faces.table["fold"].unique() if fold >= 0)
    other = (Again({"classify.folds": len(known)}),) if len(known) > 1 else ()
    if wanted is None:
        if not (faces.table["split"] == "test").any():
            hint: Hint = (*other, realign(faces, "select.split", "random"))
            raise UsageError("no face of the selection is in the split test", hint)
        return [None]
    if len(known) != wanted:
        have = f"{len(known)} folds" if known else "no folds"
        raise UsageError(
            f"--folds {wanted}: the selection has {have}",
            (*other, realign(faces, "select.folds", wanted)),
        )
    return list(known)


def realign(faces: RealFaces, setting: str, value: object) -> Remedy:
    """Return the remedy that repeats selection and alignment with another setting."""
    return Remedy("align", faces.workspace, {setting: value, "overwrite": True}, resume=True)
