"""Read the frames that a table lists: paths, subjects and parts of the split."""

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import ROLES, expression_of
from faceprep.datasets.base import FrameRow
from faceprep.datasets.folder.columns import SUFFIXES, VECTORS, read_columns, vector
from faceprep.datasets.folder.locator import OUTSIDE, Locator
from faceprep.datasets.folder.parts import PARTS
from faceprep.datasets.ids import unique_ids
from faceprep.datasets.report import People, Report
from faceprep.datasets.splits import (
    NO_FOLD,
    folds_by_draw,
    note_random_split,
    random_split,
    refuse_shared,
)

#: Names of tables that are read without being configured.
LABEL_TABLES = tuple(f"labels{suffix}" for suffix in SUFFIXES)

_BATCH = 1000
_MAX_FRAME = 2**31 - 1
_MAX_FOLD = 126
_MISSING = "image that is not there"


def find_table(root: Path, select: SelectConfig, report: Report) -> Path | None:
    """Return the table of ``select.table``, or ``labels.csv`` (``.parquet``, ``.tsv``) in the root.

    Raises
    ------
    UsageError
        If ``select.table`` names no file.
    """
    if select.table is not None:
        for path in (select.table.expanduser(), root / select.table):
            if path.is_file():
                return path
        raise UsageError(f"no table {select.table} (select.table)", f"ls {shlex.quote(str(root))}")
    found = sorted(path for path in root.iterdir() if path.name.lower() in LABEL_TABLES)
    for path in found:
        try:
            read_columns(path, Report())
        except UsageError as error:
            report.note(f"{path.name} is not used: {error.message.removeprefix(str(path)).strip()}")
        else:
            report.note(f"labels are those of {path.name}; images that it does not list stay out")
            return path
    return None


def table_frames(
    root: Path, table: Path, select: SelectConfig, report: Report
) -> Iterator[FrameRow]:
    """Yield the rows of a table by subject, sequence, frame and path.

    Raises
    ------
    UsageError
        If no image exists, a value is invalid, or a subject is in two parts.
    """
    columns = read_columns(table, report)
    columns, paths = _located(columns, root, table, report)
    ids = unique_ids("folder", paths)
    subjects = _subjects(columns, ids, report)
    sequences = _texts(columns, "sequence")
    frames = _integers(columns, "frame", _MAX_FRAME, table)
    splits = _splits(columns, subjects, select, table, report)
    folds = _folds(columns, subjects, select, table)
    order = sorted(
        range(len(paths)),
        key=lambda k: (subjects[k], sequences[k] or "", frames[k] or 0, paths[k]),
    )
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        for k, row in zip(rows, columns.take(pa.array(rows)).to_pylist(), strict=True):
            split = splits[k]
            if split is None:
                report.leave_out("row without a split", paths[k])
                continue
            vectors: dict[str, Any] = {
                name: vector(row[name], name, report, paths[k]) for name in VECTORS if name in row
            }
            yield FrameRow(
                face_id=ids[k],
                dataset="folder",
                subject=subjects[k],
                sequence=sequences[k],
                frame=frames[k],
                path=paths[k],
                expression=_expression(row.get("expression"), paths[k], report),
                role=_role(row.get("role"), table),
                split=split,
                fold=folds[k],
                **vectors,
            )


def _located(
    columns: pa.Table, root: Path, table: Path, report: Report
) -> tuple[pa.Table, list[str]]:
    """Return the rows whose images are below the root, and the paths of these images."""
    names = columns.column("image").to_pylist()
    locate = Locator(root, table.parent)
    found = [locate(name) if name else OUTSIDE for name in names]
    if not locate.bases_used:
        where = ", ".join(str(base) for base in locate.bases)
        raise UsageError(
            f"{table}: none of its {len(names)} images is there; looked below {where}",
            "image paths are relative to the table, to the root, or to images/",
        )
    usual = locate.bases_used.most_common(1)[0][0]
    keep, paths, listed = [], [], set()
    for k, (name, path) in enumerate(zip(names, found, strict=True)):
        if path is None and name is not None:  # The row is kept; align reports the missing file.
            path = locate.below_root(usual, name)
            report.note(f"{_MISSING} (the row is kept)", name)
        if not name:
            report.leave_out(f"row of {table.name} without an image", f"row {k + 1}")
        elif path is None or path == OUTSIDE:
            report.leave_out(OUTSIDE, name)
        elif path in listed:
            report.leave_out("image listed a second time", name)
        else:
            listed.add(path)
            keep.append(k)
            paths.append(path)
    return columns.take(pa.array(keep, pa.int64())), paths


def _subjects(columns: pa.Table, ids: Sequence[str], report: Report) -> list[str]:
    """Return the subject of each row; without one, its sequence or else its image."""
    subjects, sequences = _texts(columns, "subject"), _texts(columns, "sequence")
    unknown = subjects.count(None)
    report.people = People("column subject" if unknown < len(subjects) else None, unknown)
    return [
        subject or (f"sequence-{sequence}" if sequence else ids[k].removeprefix("folder/"))
        for k, (subject, sequence) in enumerate(zip(subjects, sequences, strict=True))
    ]


def _splits(
    columns: pa.Table, subjects: list[str], select: SelectConfig, table: Path, report: Report
) -> list[str | None]:
    if select.split != "official" or "split" not in columns.column_names:
        note_random_split(report, select, f"{table.name} has no column “split”")
        return [random_split(subject, select) for subject in subjects]
    words = columns.column("split").to_pylist()
    for word in sorted(set(filter(None, words))):
        if word.strip().casefold() not in PARTS:
            raise UsageError(f"{table}: split {word!r} is none of train, val, test")
    parts = [PARTS[word.strip().casefold()] if word else None for word in words]
    _refuse(subjects, parts, f"column “split” of {table}", "--set select.split=random")
    return parts


def _folds(columns: pa.Table, subjects: list[str], select: SelectConfig, table: Path) -> list[int]:
    if "fold" not in columns.column_names:
        folds = folds_by_draw(subjects, select.folds, select.seed)
        return [folds[subject] for subject in subjects]
    given = _integers(columns, "fold", _MAX_FOLD, table)
    hint = "leave the column out: folds are then dealt by subject"
    _refuse(subjects, given, f"column “fold” of {table}", hint)
    return [NO_FOLD if fold is None else fold for fold in given]


def _refuse(subjects: list[str], parts: Sequence[object], what: str, hint: str) -> None:
    """Raise an error if a subject is in two parts."""
    first: dict[str, object] = {}
    shared = {
        subject
        for subject, part in zip(subjects, parts, strict=True)
        if part is not None and first.setdefault(subject, part) != part
    }
    refuse_shared(sorted(shared), what, hint)


def _texts(columns: pa.Table, name: str) -> list[str | None]:
    if name not in columns.column_names:
        return [None] * columns.num_rows
    return [text.strip() or None if text else None for text in columns.column(name).to_pylist()]


def _integers(columns: pa.Table, name: str, largest: int, table: Path) -> list[int | None]:
    numbers: list[int | None] = []
    for text in _texts(columns, name):
        try:
            number = None if text is None else float(text)
        except ValueError:
            number = math.nan
        if number is not None and not (number.is_integer() and -1 <= number <= largest):
            raise UsageError(f"{table}: {name} {text!r} is not a whole number up to {largest}")
        numbers.append(None if number is None else int(number))
    return numbers


def _expression(word: str | None, path: str, report: Report) -> str | None:
    expression = expression_of(word) if word else None
    if word and expression is None:
        report.note("word that is no expression: taken as unlabelled", f"{word} ({path})")
    return expression


def _role(word: str | None, table: Path) -> str:
    role = (word or "still").strip().casefold()
    if role not in ROLES:
        raise UsageError(f"{table}: role {word!r} is none of {', '.join(ROLES)}")
    return role
