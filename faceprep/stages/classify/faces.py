"""Aligned and labelled photographs of a table, in the order of the selection."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.config import ClassifyConfig
from faceprep.workspace.load import load
from faceprep.workspace.training_rows import choose_classes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RealFaces:
    """Photographed faces with an expression.

    Attributes
    ----------
    table
        Rows as `faceprep.workspace.load.load` returns them, with the columns ``dataset_subject``
        (``dataset/subject``) and ``clip``.
    classes
        Expressions in the order of the labels.
    labels : (N,) int64
        Position of each face's expression in `classes`.
    workspace
        Folder of the run.
    """

    table: "pd.DataFrame"
    classes: tuple[str, ...]
    labels: np.ndarray
    workspace: Path

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

    Raises
    ------
    UsageError
        There are none, or a requested expression does not occur.
    """
    faces = load(workspace, ["align"], only_ok=True)
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
