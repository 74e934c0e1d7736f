"""Find images of equal content: the same file under two paths."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import EXPRESSIONS, SPLITS, plural
from faceprep.datasets.base import FrameRow
from faceprep.datasets.report import Report
from faceprep.stages.select.rows import fingerprint, in_chunks, sha256

#: Number of examples in messages.
EXAMPLES = 3

# An empty file is no image; many of them are no duplicates.
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_SPLIT_CODE = {split: code for code, split in enumerate(SPLITS)}
_NO_LABEL = 255
_LABEL_CODE = {None: _NO_LABEL} | {name: code for code, name in enumerate(EXPRESSIONS)}
# Of equal images the one that is tested stays, so that the test set is that of other work.
_PREFERRED_SPLITS = ("test", "val", "train")


@dataclass(frozen=True)
class Duplicates:
    """Count images of equal content.

    Attributes
    ----------
    images
        Images whose content another image has.
    pictures
        Different contents among them.
    across_splits, several_expressions
        Pictures that are in several parts of the split, and that have several expressions.
    """

    images: int = 0
    pictures: int = 0
    across_splits: int = 0
    several_expressions: int = 0

    def note(self, examples: Sequence[str], report: Report) -> None:
        """Note the duplicates, and say what they spoil."""
        if not self.pictures:
            return
        some = f" ({', '.join(examples)})" if examples else ""
        pictures = plural(self.pictures, "picture")
        report.note(f"{self.images} images are copies of each other: {pictures}{some}")
        drop = "select.duplicates=drop"
        if self.across_splits:
            report.note(
                f"{plural(self.across_splits, 'picture')} in several parts of the split, so that "
                f"the test measures what was trained; {drop} keeps one of each"
            )
        if self.several_expressions:
            report.note(
                f"{plural(self.several_expressions, 'picture')} with several expressions, so that "
                f"a label is wrong; {drop} leaves them out"
            )


class Contents:
    """Collect the checksums, splits and expressions of all images; about 18 bytes each."""

    def __init__(self) -> None:
        self._checksums = array("Q")
        self._paths = array("q")
        self._splits = bytearray()
        self._labels = bytearray()

    def add(self, rows: Sequence[FrameRow]) -> None:
        """Add rows; their checksums follow."""
        self._paths.extend([hash(row.path) for row in rows])
        self._splits.extend([_SPLIT_CODE[row.split] for row in rows])
        self._labels.extend([_LABEL_CODE[row.expression] for row in rows])

    def add_checksums(self, checksums: Iterable[str | None]) -> None:
        """Add SHA-256 of the rows added before, hexadecimal; ``None`` equals no other."""
        self._checksums.extend(
            int(checksum[:16], 16) if checksum and checksum != _EMPTY else 0
            for checksum in checksums
        )

    def find(self) -> tuple[Duplicates, list[np.ndarray]]:
        """Return the counts of duplicates, and the row numbers of each picture, ascending."""
        checksums = np.frombuffer(self._checksums, dtype=np.uint64)
        known = np.flatnonzero(checksums)
        order = known[np.argsort(checksums[known], kind="stable")]
        if not len(order):
            return Duplicates(), []
        starts = np.flatnonzero(np.diff(checksums[order], prepend=~checksums[order[0]]))
        labels = np.frombuffer(self._labels, dtype=np.uint8)[order]
        least = np.minimum.reduceat(labels, starts)
        most = np.maximum.reduceat(np.where(labels == _NO_LABEL, 0, labels), starts)
        twice = _differs(np.frombuffer(self._paths, dtype=np.int64)[order], starts)
        across = _differs(np.frombuffer(self._splits, dtype=np.uint8)[order], starts)
        sizes = np.diff(np.append(starts, len(order)))
        counts = Duplicates(
            int(sizes[twice].sum()),
            int(twice.sum()),
            int((twice & across).sum()),
            int((twice & (least < most)).sum()),
        )
        pieces = zip(starts[twice].tolist(), sizes[twice].tolist(), strict=True)
        return counts, [order[start : start + size] for start, size in pieces]

    def surplus(self) -> tuple[dict[int, int], list[list[int]]]:
        """Return what to leave out so that each picture is there once.

        Returns
        -------
        Row → row that is kept in its place, and the rows of each picture with several expressions,
        of which none is kept.
        """
        copies: dict[int, int] = {}
        contradictory = []
        for group in self.find()[1]:
            rows = group.tolist()
            if len({self._labels[row] for row in rows} - {_NO_LABEL}) > 1:
                contradictory.append(rows)
                continue
            kept = min(rows, key=self._rank)
            copies |= {row: kept for row in rows if self._paths[row] != self._paths[kept]}
        return copies, contradictory

    def _rank(self, row: int) -> tuple[bool, int, int]:
        split = SPLITS[self._splits[row]]
        return self._labels[row] == _NO_LABEL, _PREFERRED_SPLITS.index(split), row


def without_duplicates(
    read: Callable[[Report], Iterator[FrameRow]],
    root: str,
    threads: int,
    refuse: bool,
    report: Report,
) -> Iterator[FrameRow]:
    """Yield rows, each picture once, and none that has several expressions.

    The rows are read twice; only files of equal size are hashed.

    Parameters
    ----------
    read
        Reads the rows, with a report.
    root
        Folder of the images.
    threads
        Number of files that are read at a time.
    refuse
        Whether duplicates are an error.
    report
        Receives what is left out.

    Raises
    ------
    UsageError
        If `refuse` and there are duplicates.
    """
    contents, paths = Contents(), []
    for row in read(Report()):
        contents.add((row,))
        paths.append(row.path)
    with ThreadPoolExecutor(threads) as pool:
        contents.add_checksums(_checksums(paths, root, pool))
    if refuse:
        counts, groups = contents.find()
        if counts.pictures:
            raise _duplicates_error(counts, [[paths[k] for k in rows[:2]] for rows in groups])
    copies, contradictory = contents.surplus()
    left_out = set(copies)
    for copy, kept in sorted(copies.items()):
        report.leave_out("copy of another image", f"{paths[copy]} = {paths[kept]}")
    for numbers in contradictory:
        left_out.update(numbers)
        for number in numbers:
            reason = "image whose copy has another expression: none is taken"
            report.leave_out(reason, paths[number])
    for number, row in enumerate(read(report)):
        if number not in left_out:
            yield row


def _duplicates_error(counts: Duplicates, examples: Sequence[Sequence[str]]) -> UsageError:
    some = "; ".join(" = ".join(pair) for pair in examples[:EXAMPLES])
    return UsageError(
        f"{counts.images} images are copies of each other: {plural(counts.pictures, 'picture')}, "
        f"{counts.across_splits} in several parts of the split, {counts.several_expressions} with "
        f"several expressions: {some}",
        Again({"select.duplicates": "drop"}),
    )


def _checksums(paths: Sequence[str], root: str, pool: ThreadPoolExecutor) -> list[str | None]:
    """Return the checksums of files whose size another file has, ``None`` for others."""
    full = [f"{root}/{path}" for path in paths]
    sizes = [found[0] if found else -1 for found in in_chunks(pool, fingerprint, full)]
    values, places, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(((counts > 1) & (values >= 0))[places]).tolist()
    checksums: list[str | None] = [None] * len(paths)
    found = in_chunks(pool, sha256, [full[k] for k in shared])
    for k, checksum in zip(shared, found, strict=True):
        checksums[k] = checksum
    return checksums


def _differs(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return whether the values of each group differ."""
    return np.minimum.reduceat(values, starts) != np.maximum.reduceat(values, starts)
