"""Summary of a selection: subjects, sequences and frames by expression and split."""

import collections
from dataclasses import dataclass, field
from typing import Any

from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import EXPRESSIONS, SPLITS
from faceprep.datasets.base import FrameRow
from faceprep.datasets.report import Report, Tally
from faceprep.stages.select.duplicates import Duplicates

#: Name, in the table, of frames without an expression.
UNLABELLED = "unlabelled"
LABELS = (*EXPRESSIONS, UNLABELLED)

_SPLIT_BITS = 2
_SPLIT_CODE = {split: code for code, split in enumerate(SPLITS)}
_LABEL_BIT = {label: 1 << (_SPLIT_BITS + k) for k, label in enumerate(LABELS)}


@dataclass
class Counts:
    """Counts of one expression in one split, or of a whole split."""

    subjects: int = 0
    sequences: int = 0
    frames: int = 0


@dataclass
class Summary:
    """Counts of a selection.

    Attributes
    ----------
    cells
        (expression or `UNLABELLED`, split) → counts; a frame of role neutral counts as ``neutral``.
    totals
        Split → counts.
    roles
        Role → frames.
    missing
        Frames whose file cannot be read.
    duplicates
        Images of equal content; not known before a dry run.
    report
        Excluded frames, and notes.
    """

    cells: dict[tuple[str, str], Counts] = field(default_factory=dict)
    totals: dict[str, Counts] = field(default_factory=dict)
    roles: dict[str, int] = field(default_factory=dict)
    missing: Tally = field(default_factory=Tally)
    duplicates: Duplicates = field(default_factory=Duplicates)
    report: Report = field(default_factory=Report)

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON-ready values, as in ``stage.json``."""
        return {
            "expressions": [
                {"expression": label, "split": split, **vars(counts)}
                for (label, split), counts in sorted(self.cells.items())
            ],
            "splits": {split: vars(counts) for split, counts in self.totals.items()},
            "roles": dict(sorted(self.roles.items())),
            "missing_files": self.missing.count,
            "missing_examples": self.missing.examples,
            "duplicates": vars(self.duplicates),
            **self.report.as_dict(),
        }


class Counter:
    """Count rows, and check that no subject is in several splits; memory: one int per subject."""

    def __init__(self) -> None:
        self._subjects: dict[str, int] = {}  # bits: split code, then one per expression
        self._frames: dict[tuple[str, str, str], int] = {}
        self._sequences: dict[tuple[str, str], int] = {}
        self._sequence_totals: dict[str, int] = {}
        self._current: tuple[str, str] | None = None
        self._shown: set[str] = set()

    def add(self, row: FrameRow) -> None:
        """Count a row.

        Raises
        ------
        UsageError
            Its subject is in another split too.
        """
        label = row.expression or UNLABELLED
        code = _SPLIT_CODE[row.split]
        known = self._subjects.get(row.subject, code)
        if known & ((1 << _SPLIT_BITS) - 1) != code:
            before = SPLITS[known & ((1 << _SPLIT_BITS) - 1)]
            raise UsageError(
                f"subject {row.subject} is in {before} and in {row.split} ({row.path})",
                Again({"select.split": "random"}, note="divides whole subjects"),
            )
        self._subjects[row.subject] = known | _LABEL_BIT[label]
        key = (label, row.split, row.role)
        self._frames[key] = self._frames.get(key, 0) + 1
        if row.sequence is not None:
            self._count_sequence(row, label)

    def summary(self, report: Report) -> Summary:
        """Return everything counted so far."""
        summary = Summary(report=report)
        for (label, split, role), frames in self._frames.items():
            summary.roles[role] = summary.roles.get(role, 0) + frames
            summary.cells.setdefault((label, split), Counts()).frames += frames
            summary.totals.setdefault(split, Counts()).frames += frames
        for (label, split), sequences in self._sequences.items():
            summary.cells[label, split].sequences = sequences
        for split, sequences in self._sequence_totals.items():
            summary.totals[split].sequences = sequences
        for known, subjects in collections.Counter(self._subjects.values()).items():
            split = SPLITS[known & ((1 << _SPLIT_BITS) - 1)]
            summary.totals[split].subjects += subjects
            for label, bit in _LABEL_BIT.items():
                if known & bit:
                    summary.cells[label, split].subjects += subjects
        return summary

    def _count_sequence(self, row: FrameRow, label: str) -> None:
        sequence = (row.subject, row.sequence or "")
        if sequence != self._current:
            self._current, self._shown = sequence, set()
            self._sequence_totals[row.split] = self._sequence_totals.get(row.split, 0) + 1
        if label not in self._shown:
            self._shown.add(label)
            key = (label, row.split)
            self._sequences[key] = self._sequences.get(key, 0) + 1
