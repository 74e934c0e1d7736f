"""Select the neutral and peak frames of sequences that go from a neutral face to a peak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from faceprep.config import SelectConfig
from faceprep.datasets.base import FrameRow, Reader
from faceprep.datasets.ids import face_id
from faceprep.datasets.report import Report

#: Note on a sequence with fewer frames than both roles need (see `roles`).
SHORT_SEQUENCE = (
    "sequence shorter than its neutral and peak frames together: the first frame is neutral, "
    "the last are peak, none is both"
)


class SequenceFrame(NamedTuple):
    """Hold one frame on disk: its number, its name in the face id and its path below the root."""

    number: int
    name: str
    path: str


@dataclass(frozen=True)
class RecordedSequence:
    """Hold one sequence of one subject.

    Attributes
    ----------
    subject, name
        Identifiers of the subject and of the sequence.
    expression
        Expression at the peak; ``None`` if unlabelled.
    frames
        Frames in the order of their numbers, at least one.
    split, fold
        Part of the data to which the subject belongs.
    """

    subject: str
    name: str
    expression: str | None
    frames: Sequence[SequenceFrame]
    split: str
    fold: int


class SequenceReader(Reader):
    """Read a dataset of sequences.

    Attributes
    ----------
    neutral_frames
        Number of neutral frames at the start of a sequence, unless ``select.neutral_frames`` is
        set.
    """

    neutral_frames: int

    def rows(
        self,
        sequence: RecordedSequence,
        select: SelectConfig,
        report: Report,
        peak_only: bool = False,
    ) -> Iterator[FrameRow]:
        """Yield the neutral frames and the peak frames of a sequence.

        Parameters
        ----------
        sequence
            Sequence to select from.
        select
            Numbers of frames of each role.
        report
            Receives a note if the sequence is too short.
        peak_only
            Whether the sequence consists of peak frames.
        """
        wanted = self.neutral_frames if select.neutral_frames is None else select.neutral_frames
        count = len(sequence.frames)
        if not peak_only and count < wanted + select.peak_frames:
            report.note(SHORT_SEQUENCE, f"{sequence.subject}/{sequence.name}")
        neutrals, peaks = roles(count, 0 if peak_only else wanted, select.peak_frames)
        for index, frame in enumerate(sequence.frames):
            if neutrals <= index < count - peaks:
                continue
            neutral = index < neutrals or sequence.expression == "neutral"
            yield FrameRow(
                face_id=face_id(self.name, sequence.subject, sequence.name, frame.name),
                dataset=self.name,
                subject=sequence.subject,
                sequence=sequence.name,
                frame=frame.number,
                path=frame.path,
                expression="neutral" if neutral else sequence.expression,
                role="neutral" if neutral else "peak",
                split=sequence.split,
                fold=sequence.fold,
            )


def roles(count: int, neutral: int, peak: int) -> tuple[int, int]:
    """Return the numbers of neutral frames at the start and of peak frames at the end.

    No frame gets both roles. If a sequence is too short for all of them, the first frame remains
    neutral, peak frames have priority, and the remaining neutral frames are dropped: a frame that
    is wrongly labelled as neutral does more harm than one that is missing.

    Parameters
    ----------
    count
        Number of frames of the sequence, at least 1.
    neutral, peak
        Desired numbers; ``peak`` is at least 1.

    Examples
    --------
    >>> roles(20, 3, 3), roles(5, 3, 3), roles(3, 3, 3), roles(1, 3, 3)
    ((3, 3), (2, 3), (1, 2), (0, 1))
    """
    peaks = max(1, min(peak, count - min(neutral, 1)))
    return min(neutral, count - peaks), peaks
