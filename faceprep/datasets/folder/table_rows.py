"""Turn the rows of a table into frames: people, expressions, sequences and parts of the split."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import ROLES
from faceprep.datasets.base import FrameRow
from faceprep.datasets.folder.columns import VECTORS, Columns, vector
from faceprep.datasets.folder.labels import folder_words
from faceprep.datasets.folder.names import read_names
from faceprep.datasets.folder.table_images import distinct_rows
from faceprep.datasets.folder.table_labels import table_expressions
from faceprep.datasets.folder.table_splits import TableName, integers, table_folds, table_splits
from faceprep.datasets.folder.tokens import same_spelling
from faceprep.datasets.ids import unique_ids
from faceprep.datasets.report import People, Report
from faceprep.datasets.words import listed

_BATCH = 1000
_MAX_FRAME = 2**31 - 1
#: Values of a subject column that name nobody, in lower case.
_NOBODY = frozenset(
    ("nan", "na", "n/a", "<na>", "#n/a", "none", "null", "nil", "-", "--", "—", "?", ".", "-1")
    + ("-1.0", "unknown", "unk")
)
_INITIALS = re.compile(r"[A-Z]{2}")


def rows_of(
    columns: Columns,
    paths: Sequence[str],
    table: TableName,
    select: SelectConfig,
    report: Report,
) -> Iterator[FrameRow]:
    """Yield the rows of a table by subject, sequence, frame and path.

    Parameters
    ----------
    columns, paths
        Columns of the table, and the image of each row.
    table
        Names for messages.
    select, report
        Settings, and the receiver of notes.

    Raises
    ------
    UsageError
        If a value is invalid, or a subject is in two parts.
    """
    expressions = table_expressions(columns, paths, select, report, table.place, table.name)
    kept = distinct_rows(columns, paths, expressions, report)
    if len(kept) < len(paths):
        columns = columns.take(kept)
        paths, expressions = [paths[k] for k in kept], [expressions[k] for k in kept]
    ids = unique_ids(table.dataset, paths)
    if "subject" in columns.names:
        people = _people(columns, report)
    else:
        folders = Counter(path.rpartition("/")[0] for path in paths)
        words = folder_words(folders, select, table.place).expressions
        names = read_names(paths, words, select, report, table.place, expressions)
        people = names.subjects
        expressions = expressions if columns.labels else names.expressions
    if not columns.labels and not any(expressions):
        advice = "a column expression would label them"
        report.note(f"{table.name} has no expressions, so every image is unlabelled: {advice}")
    # Unknown people of one photograph stay together, because they are seen together.
    together = len(set(paths)) < len(paths)
    alone = paths if together else [one.removeprefix(f"{table.dataset}/") for one in ids]
    subjects = [
        person or (f"sequence-{sequence}" if sequence else alone[k])
        for k, (person, sequence) in enumerate(zip(people, columns.texts("sequence"), strict=True))
    ]
    sequences = columns.texts("sequence")
    frames = integers(columns, "frame", _MAX_FRAME, table)
    splits = table_splits(columns, paths, subjects, select, table, report)
    folds = table_folds(columns, subjects, select, table)
    order = sorted(
        range(len(paths)),
        key=lambda k: (subjects[k], sequences[k] or "", frames[k] or 0, paths[k]),
    )
    present = columns.table.column_names
    roles = columns.table.column("role").to_pylist() if "role" in present else None
    numbers = columns.table.select([name for name in VECTORS if name in present])
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        given = numbers.take(pa.array(rows)).to_pydict()
        for n, k in enumerate(rows):
            split = splits[k]
            if split is None:
                report.leave_out("row without a split", paths[k])
                continue
            vectors: dict[str, Any] = {
                name: vector(values[n], name, report, paths[k]) for name, values in given.items()
            }
            yield FrameRow(
                face_id=ids[k],
                dataset=table.dataset,
                subject=subjects[k],
                sequence=sequences[k],
                frame=frames[k],
                path=paths[k],
                expression=expressions[k],
                role=_role(roles[k], table) if roles else "still",
                split=split,
                fold=folds[k],
                **vectors,
            )


def _people(columns: Columns, report: Report) -> list[str | None]:
    """Return the person of each row, ``None`` if the row names nobody."""
    texts = columns.texts("subject")
    distinct = list(dict.fromkeys(texts))
    spelled = dict(zip(distinct, same_spelling(map(_whole, distinct)), strict=True))
    people = [spelled[text] for text in texts]
    nobody = _nobody(people)
    if nobody:
        report.note(f"column {columns.names['subject']}: nobody is meant by {listed(nobody)}")
        people = [None if text in nobody else text for text in people]
    unknown = people.count(None)
    source = f"column {columns.names['subject']}" if unknown < len(people) else None
    report.people = People(source, unknown)
    return people


def _whole(text: str | None) -> str | None:
    """Return a whole number without its ``.0``, and other text as it is."""
    return text[:-2] if text and text.endswith(".0") and text[:-2].isdecimal() else text


def _nobody(subjects: Sequence[str | None]) -> dict[str, int]:
    """Return the words for an unknown person, with their counts."""
    counts = Counter(text for text in subjects if text)
    nobody = {text: count for text, count in counts.items() if text.casefold() in _NOBODY}
    others = counts.keys() - nobody.keys()
    if len(others) > 1 and all(map(_INITIALS.fullmatch, others)):
        nobody.pop("NA", None)  # among initials, as in JAFFE, these are initials too
    return nobody


def _role(word: str | None, table: TableName) -> str:
    role = (word or "still").strip().casefold()
    if role not in ROLES:
        raise UsageError(f"{table}: role {word!r} is none of {', '.join(ROLES)}")
    return role
