"""Read the parts of the split and the folds of a table, by column, by name or at random."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, Hint, UsageError
from faceprep.datasets.folder.columns import Columns
from faceprep.datasets.folder.parts import NUMBERED_PARTS, PARTS, part_of
from faceprep.datasets.report import Report
from faceprep.datasets.splits import (
    NO_FOLD,
    folds_by_draw,
    note_given_split,
    note_random_split,
    random_splits,
    refuse_shared,
)

_MAX_FOLD = 126
_PART_IN_NAME = re.compile(r"([A-Za-z]+)[_-]\d")


class TableName(NamedTuple):
    """Name a table in rows and messages.

    Attributes
    ----------
    dataset
        Name of the dataset, which begins the face ids.
    path, name
        Path and name of the table.
    place
        Names that may tell the scheme of numbers.
    """

    dataset: str
    path: str
    name: str
    place: str

    def __str__(self) -> str:
        """Return the path, for errors."""
        return self.path


def table_splits(
    columns: Columns,
    paths: Sequence[str],
    subjects: list[str],
    select: SelectConfig,
    table: TableName,
    report: Report,
) -> list[str | None]:
    """Return the part of each row, ``None`` where the column of parts is empty.

    Raises
    ------
    UsageError
        If a word is no part, or a subject is in two parts.
    """
    if select.split == "official" and "split" not in columns.names:
        parts = _parts_of_names(paths, subjects, report)
        if parts:
            note_given_split(report, select)
            return parts
    if select.split != "official" or "split" not in columns.names:
        note_random_split(report, select, f"{table.name} has no column “split”")
        drawn = random_splits(subjects, select)
        return [drawn[subject] for subject in subjects]
    note_given_split(report, select)
    name, words = columns.names["split"], columns.texts("split")
    distinct = set(filter(None, words))
    meant: dict[str | None, str | None] = {word: part_of(word) for word in distinct if word}
    if distinct <= NUMBERED_PARTS.keys():
        meant = {word: NUMBERED_PARTS[word] for word in distinct if word}
    for word in sorted(filter(None, distinct)):
        if meant[word] is None:
            raise UsageError(f"{table}: {name} {word!r} is none of train, val, test")
    renamed = [f"{word} = {part}" for word, part in sorted(meant.items()) if word != part]
    if name.casefold() != "split" or renamed:
        spelled = f": {', '.join(renamed)}; is this right?" if renamed else ""
        report.note(f"the split is column {name} of {table.name}{spelled}")
    parts = [meant.get(word) for word in words]
    what = f"column “{name}” of {table}"
    if "subject" not in columns.names:
        what += (
            f" (people are read from {report.people.source}; "
            "select.naming=none takes every picture alone)"
        )
    _refuse(subjects, parts, what, Again({"select.split": "random"}, note="divides whole subjects"))
    return parts


def _parts_of_names(
    paths: Sequence[str], subjects: Sequence[str], report: Report
) -> list[str | None]:
    """Return the parts that folders or the beginnings of names tell, if they divide the people."""
    for what, part_in in (("in the folders", _part_folder), ("in the names", _part_in_name)):
        if not paths or part_in(paths[0]) is None:
            continue
        parts = list(map(part_in, paths))
        pairs = set(zip(subjects, parts, strict=True))
        if all(parts) and len(set(parts)) > 1 and len(pairs) == len(set(subjects)):
            report.note(f"the split is {what} of the images; is this right?")
            return parts
    return []


def _part_folder(path: str) -> str | None:
    """Return the part that a folder names, e.g. ``train/happy/1.jpg``."""
    return next((PARTS[name] for name in path.lower().split("/")[:-1] if name in PARTS), None)


def _part_in_name(path: str) -> str | None:
    """Return the part that begins the name of an image, e.g. ``train_00001.jpg`` of RAF-DB."""
    match = _PART_IN_NAME.match(path.rpartition("/")[2])
    return part_of(match[1]) if match else None


def table_folds(
    columns: Columns, subjects: list[str], select: SelectConfig, table: TableName
) -> list[int]:
    """Return the fold of each row, from its column or by subject.

    Raises
    ------
    UsageError
        If a value is no fold, or a subject is in two folds.
    """
    if "fold" not in columns.names:
        folds = folds_by_draw(subjects, select.folds, select.seed)
        return [folds[subject] for subject in subjects]
    given = integers(columns, "fold", _MAX_FOLD, table)
    hint = "leave the column out: folds are then dealt by subject"
    _refuse(subjects, given, f"column “fold” of {table}", hint)
    return [NO_FOLD if fold is None else fold for fold in given]


def _refuse(subjects: list[str], parts: Sequence[object], what: str, hint: Hint) -> None:
    """Raise an error if a subject is in two parts."""
    first: dict[str, object] = {}
    shared = {
        subject
        for subject, part in zip(subjects, parts, strict=True)
        if part is not None and first.setdefault(subject, part) != part
    }
    refuse_shared(sorted(shared), what, hint)


def integers(columns: Columns, name: str, largest: int, table: TableName) -> list[int | None]:
    """Return the whole numbers of a column, ``None`` for empty fields.

    Raises
    ------
    UsageError
        If a value is no whole number, or too large.
    """
    if name not in columns.table.column_names:
        return [None] * columns.table.num_rows
    numbers: list[int | None] = []
    for text in columns.texts(name):
        try:
            number = None if text is None else float(text)
        except ValueError:
            number = math.nan
        if number is not None and not (number.is_integer() and -1 <= number <= largest):
            raise UsageError(f"{table}: {name} {text!r} is not a whole number up to {largest}")
        numbers.append(None if number is None else int(number))
    return numbers
