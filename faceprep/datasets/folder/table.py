"""Read the frames that a table lists: paths, subjects and parts of the split."""

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, Hint, UsageError
from faceprep.core.vocabulary import ROLES
from faceprep.datasets.base import FrameRow
from faceprep.datasets.folder.columns import VECTORS, Columns, lists_images, read_columns, vector
from faceprep.datasets.folder.formats import (
    SPREADSHEETS,
    SUFFIXES,
    column_names,
    refuse_other_formats,
)
from faceprep.datasets.folder.labels import folder_words, place_of
from faceprep.datasets.folder.names import read_names
from faceprep.datasets.folder.parts import NUMBERED_PARTS, part_of
from faceprep.datasets.folder.table_images import distinct_rows, locate_images
from faceprep.datasets.folder.table_labels import table_expressions
from faceprep.datasets.ids import unique_ids
from faceprep.datasets.report import People, Report
from faceprep.datasets.splits import (
    NO_FOLD,
    folds_by_draw,
    note_random_split,
    random_splits,
    refuse_shared,
)
from faceprep.datasets.words import listed

#: Names of tables that are read without being configured.
_LABEL_NAMES = ("labels", "metadata")
LABEL_TABLES = tuple(f"{name}{suffix}" for name in _LABEL_NAMES for suffix in SUFFIXES)

_BATCH = 1000
_MAX_FRAME = 2**31 - 1
_MAX_FOLD = 126
#: Values of a subject column that name nobody, in lower case.
_NOBODY = frozenset(
    ("nan", "na", "n/a", "<na>", "#n/a", "none", "null", "nil", "-", "--", "—", "?", ".", "-1")
    + ("-1.0", "unknown", "unk")
)
_PART_IN_NAME = re.compile(r"([A-Za-z]+)[_-]\d")
_INITIALS = re.compile(r"[A-Z]{2}")
_BATCH = 1000
_MAX_FRAME = 2**31 - 1
_MAX_FOLD = 126
#: Values of a subject column that name nobody.
_NOBODY = frozenset(
    [
        "nan",
        "NaN",
        "NAN",
        "NA",
        "N/A",
        "n/a",
        "na",
        "<NA>",
        "#N/A",
        "none",
        "None",
        "NONE",
        "null",
        "NULL",
        "Null",
        "nil",
        "-",
        "--",
        "—",
        "?",
        "??",
        ".",
        "-1",
        "-1.0",
        "unknown",
        "Unknown",
        "UNKNOWN",
        "unk",
    ]
)


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
    found = sorted(path for path in root.iterdir() if path.is_file() and _may_be_table(path))
    for path in found:
        if path.name.lower() not in LABEL_TABLES:
            continue
        refuse_other_formats(path)
        try:
            read_columns(path, Report())
        except UsageError as error:
            report.note(f"{path.name} is not used: {error.message.removeprefix(str(path)).strip()}")
        else:
            report.note(f"labels are those of {path.name}; images that it does not list stay out")
            return path
    for path in found:
        if path.stem.lower() in _LABEL_NAMES:
            refuse_other_formats(path)
        elif path.suffix.lower() in SUFFIXES and lists_images(column_names(path)):
            report.note(f"{path.name} is not read, but lists images: select.table={path.name}")
    return None


def _may_be_table(path: Path) -> bool:
    return path.suffix.lower() in (*SUFFIXES, *SPREADSHEETS)


def table_frames(
    root: Path, table: Path, select: SelectConfig, report: Report
) -> Iterator[FrameRow]:
    """Yield the rows of a table by subject, sequence, frame and path.

    Raises
    ------
    UsageError
        If too many images are missing, a value is invalid, or a subject is in two parts.
    """
    columns = read_columns(table, report)
    columns, paths = locate_images(columns, root, table, select.max_missing, report)
    place = place_of(root, table.name)
    expressions = table_expressions(columns, paths, select, report, place, table.name)
    kept = distinct_rows(columns, paths, expressions, report)
    if len(kept) < len(paths):
        columns = columns.take(kept)
        paths, expressions = [paths[k] for k in kept], [expressions[k] for k in kept]
    ids = unique_ids("folder", paths)
    if "subject" in columns.names:
        people = _people(columns, report)
    else:
        folders = Counter(path.rpartition("/")[0] for path in paths)
        words = folder_words(folders, select, place).expressions
        names = read_names(paths, words, select, report, place, expressions)
        people = names.subjects
        expressions = expressions if columns.labels else names.expressions
    subjects = [
        person or (f"sequence-{sequence}" if sequence else ids[k].removeprefix("folder/"))
        for k, (person, sequence) in enumerate(zip(people, columns.texts("sequence"), strict=True))
    ]
    sequences = columns.texts("sequence")
    frames = _integers(columns, "frame", _MAX_FRAME, table)
    splits = _splits(columns, paths, subjects, select, table, report)
    folds = _folds(columns, subjects, select, table)
    order = sorted(
        range(len(paths)),
        key=lambda k: (subjects[k], sequences[k] or "", frames[k] or 0, paths[k]),
    )
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        for k, row in zip(rows, columns.table.take(pa.array(rows)).to_pylist(), strict=True):
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
                expression=expressions[k],
                role=_role(row.get("role"), table),
                split=split,
                fold=folds[k],
                **vectors,
            )


def _people(columns: Columns, report: Report) -> list[str | None]:
    """Return the person of each row, ``None`` if the row names nobody."""
    people = columns.texts("subject")
    nobody = _nobody(people)
    if nobody:
        report.note(f"column {columns.names['subject']}: nobody is meant by {listed(nobody)}")
        people = [None if text in nobody else text for text in people]
    unknown = people.count(None)
    source = f"column {columns.names['subject']}" if unknown < len(people) else None
    report.people = People(source, unknown)
    return people


def _nobody(subjects: Sequence[str | None]) -> dict[str, int]:
    """Return the words for an unknown person, with their counts."""
    counts = Counter(text for text in subjects if text)
    nobody = {text: count for text, count in counts.items() if text.casefold() in _NOBODY}
    others = counts.keys() - nobody.keys()
    if len(others) > 1 and all(map(_INITIALS.fullmatch, others)):
        nobody.pop("NA", None)  # among initials, as in JAFFE, these are initials too
    return nobody


def _splits(
    columns: Columns,
    paths: Sequence[str],
    subjects: list[str],
    select: SelectConfig,
    table: Path,
    report: Report,
) -> list[str | None]:
    if select.split == "official" and "split" not in columns.names and report.people.source is None:
        parts = list(map(_part_in_name, paths))
        if all(parts):
            report.note("the split is the beginning of the images' names; is this right?")
            return parts
    if select.split != "official" or "split" not in columns.names:
        note_random_split(report, select, f"{table.name} has no column “split”")
        drawn = random_splits(subjects, select)
        return [drawn[subject] for subject in subjects]
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


def _part_in_name(path: str) -> str | None:
    """Return the part that begins the name of an image, e.g. ``train_00001.jpg`` of RAF-DB."""
    match = _PART_IN_NAME.match(path.rpartition("/")[2])
    return part_of(match[1]) if match else None


def _folds(columns: Columns, subjects: list[str], select: SelectConfig, table: Path) -> list[int]:
    if "fold" not in columns.names:
        folds = folds_by_draw(subjects, select.folds, select.seed)
        return [folds[subject] for subject in subjects]
    given = _integers(columns, "fold", _MAX_FOLD, table)
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


def _integers(columns: Columns, name: str, largest: int, table: Path) -> list[int | None]:
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


def _role(word: str | None, table: Path) -> str:
    role = (word or "still").strip().casefold()
    if role not in ROLES:
        raise UsageError(f"{table}: role {word!r} is none of {', '.join(ROLES)}")
    return role
