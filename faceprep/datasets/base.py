"""What a reader of a dataset is: a root in, one row per selected frame out, and a report."""

import os
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.workspace.manifest import EXPRESSIONS

#: How many paths are named as examples of each reason to leave something out.
EXAMPLES = 3

#: What `roles` does where there are too few frames, for reports.
SHORT_SEQUENCE = (
    "sequence shorter than its neutral and peak frames together: the first frame is neutral, "
    "the last are peak, none is both"
)

#: Other names that folders and tables give the eight expressions.
ALIASES = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}


class FrameRow(NamedTuple):
    """One selected frame: the columns of the select manifest, the checksum excepted."""

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


@dataclass
class Tally:
    """How often something came up.

    Attributes
    ----------
    count
        How many.
    examples
        The first few places, as paths below the root.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str | None, count: int) -> None:
        """Count some more."""
        self.count += count
        if example is not None and len(self.examples) < EXAMPLES:
            self.examples.append(printable(example))


@dataclass
class Report:
    """What a reader left out and what it wants the user to know.

    Attributes
    ----------
    left_out
        Reason → how many and where.
    notes
        Sentence → how often and where, in the order in which they came up.
    """

    left_out: dict[str, Tally] = field(default_factory=dict)
    notes: dict[str, Tally] = field(default_factory=dict)

    def leave_out(self, reason: str, example: str, count: int = 1) -> None:
        """Count something that is not selected."""
        self.left_out.setdefault(reason, Tally()).add(example, count)

    def note(self, sentence: str, example: str | None = None) -> None:
        """Tell the user something about the data that is used."""
        self.notes.setdefault(sentence, Tally()).add(example, 1)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "left_out": [
                {"reason": reason, "count": tally.count, "examples": tally.examples}
                for reason, tally in sorted(self.left_out.items())
            ],
            "notes": [
                {"text": text, "count": tally.count, "examples": tally.examples}
                for text, tally in self.notes.items()
            ],
        }


class Reader(ABC):
    """Reads one dataset.

    Attributes
    ----------
    name
        As in ``select.dataset``.
    layout
        A drawing of the folders expected, for errors and documentation.
    neutral_frames
        First frames of a sequence that are neutral, where the configuration names no number.
    keeps_unlabelled
        Whether frames without an expression are selected whatever ``select.unlabelled`` says.
    """

    name: str
    layout: str
    neutral_frames: int = 0
    keeps_unlabelled: bool = False

    @abstractmethod
    def find(self, root: Path, select: SelectConfig, report: Report) -> Any | None:
        """Look for the dataset at a root, below it, or around it.

        Returns
        -------
        A description of what was found that `frames` understands, or ``None``.
        """

    @abstractmethod
    def frames(self, found: Any, select: SelectConfig, report: Report) -> Iterator[FrameRow]:
        """Yield the selected frames in a fixed order, those of a sequence one after another.

        Parameters
        ----------
        found
            What `find` returned.
        select
            The settings.
        report
            Filled as the frames go by; whole when the iterator ends.

        Raises
        ------
        UsageError
            When a subject would be on both sides of a split.
        """

    def nearest(self, root: Path) -> str | None:
        """Say what lies at the root instead of the dataset, for the error; `None` if nothing."""
        return None


def open_dataset(name: str, root: Path, select: SelectConfig, report: Report) -> tuple[Reader, Any]:
    """Find a dataset.

    Returns
    -------
    The reader, and what its ``find`` returned.

    Raises
    ------
    UsageError
        When the root is missing, cannot be listed, or is not the dataset; the error shows the
        layout expected and the nearest thing found.
    """
    from faceprep.datasets import load_reader

    reader = load_reader(name)
    _check_root(root)
    found = reader.find(root, select, report)
    if found is not None:
        return reader, found
    lines = [f"{root} is not {name}; expected:", reader.layout.rstrip()]
    nearest = reader.nearest(root)
    other = looks_like(root, but=name)
    if nearest:
        lines.append(f"found instead: {nearest}")
    unreadable = report.left_out.get("folder that cannot be read")
    if unreadable:
        lines.append(f"cannot be read: {', '.join(unreadable.examples)}")
    if other:
        raise UsageError("\n".join(lines), f"it looks like {other}: try --dataset {other}")
    raise UsageError("\n".join(lines), "--root DIR (select.root) names the dataset's folder")


def looks_like(root: Path, but: str) -> str | None:
    """Name of another dataset that is found at a root."""
    from faceprep.datasets import READERS, load_reader

    for name in READERS:
        if name not in (but, "folder"):
            found = load_reader(name).find(root, SelectConfig(), Report())
            if found is not None:
                return name
    return None


def expression_of(word: str) -> str | None:
    """The expression that a folder or a table names, in any case; ``None`` if it names none."""
    word = word.strip().casefold()
    if word in EXPRESSIONS:
        return word
    return ALIASES.get(word)


def roles(count: int, neutral: int, peak: int) -> tuple[int, int]:
    """How many first frames are neutral and how many last frames are peak.

    No frame gets both roles. Where a sequence is too short for all of them the first frame stays
    neutral, the last frames come next, and the other neutral frames give way: a frame that is
    labelled too early costs more than one that is missing.

    Parameters
    ----------
    count
        Frames of the sequence, at least 1.
    neutral, peak
        As many as wanted; ``peak`` at least 1.

    Examples
    --------
    >>> roles(20, 3, 3), roles(5, 3, 3), roles(3, 3, 3), roles(1, 3, 3)
    ((3, 3), (2, 3), (1, 2), (0, 1))
    """
    peaks = max(1, min(peak, count - min(neutral, 1)))
    return min(neutral, count - peaks), peaks


def no_official_split(report: Report, select: SelectConfig, why: str) -> None:
    """Note that subjects are drawn at random where the dataset has no split of its own."""
    if select.split == "180k-20k":
        report.note("180k-20k is a split of CelebA; here subjects are drawn at random")
    elif select.split == "official":
        report.note(
            f"{why}: {select.test_fraction:.0%} of the subjects are drawn at random for testing"
        )


def printable(text: str) -> str:
    """A name with every byte that is not UTF-8 spelled out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _check_root(root: Path) -> None:
    if not root.exists():
        parent = next((p for p in root.absolute().parents if p.exists()), Path("/"))
        raise UsageError(f"no folder {root} (select.root)", f"ls {shlex.quote(str(parent))}")
    if not root.is_dir():
        raise UsageError(
            f"{root} (select.root) is a file, not a folder",
            f"--root {shlex.quote(str(root.parent))}",
        )
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise UsageError(
            f"{root} cannot be listed: {error.strerror}", f"ls -ld {shlex.quote(str(root))}"
        ) from None
