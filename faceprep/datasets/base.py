"""Define the interface of dataset readers: one row per selected frame below a root folder."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from faceprep.config import SelectConfig
from faceprep.datasets.report import Report


class FrameRow(NamedTuple):
    """Hold one selected frame: the columns of the select manifest, except the checksum."""

    face_id: str
    dataset: str
    subject: str
    sequence: str | None
    frame: int | None
    path: str
    expression: str | None
    role: str
    split: str
    fold: int
    attributes: Mapping[str, float] | None = None
    box: Sequence[float] | None = None
    landmarks5: Sequence[float] | None = None
    landmarks68: Sequence[float] | None = None


class Reader(ABC):
    """Read one dataset.

    Attributes
    ----------
    name
        Name in ``select.dataset``.
    layout
        Drawing of the expected folders, for errors and documentation.
    """

    name: str
    layout: str

    @abstractmethod
    def find(self, root: Path, select: SelectConfig, report: Report) -> Any | None:
        """Find the dataset at a root, below it, or around it.

        Returns
        -------
        A description of the files found, which `frames` reads, or ``None`` without the dataset.
        """

    @abstractmethod
    def frames(self, contents: Any, select: SelectConfig, report: Report) -> Iterator[FrameRow]:
        """Yield the selected frames in a fixed order, with the frames of a sequence in succession.

        Parameters
        ----------
        contents
            Result of `find`.
        select
            Settings of the selection.
        report
            Filled during the iteration; complete when the iterator ends. Its ``people`` says
            whether the subjects are people.

        Raises
        ------
        UsageError
            If a subject would be on both sides of a split.
        """

    def nearest(self, root: Path) -> str | None:
        """Describe the content of a root without the dataset, for the error message."""
        return None
