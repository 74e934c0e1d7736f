"""Find the expression of each row of a table, in one of its columns or in folders' names."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.config import SelectConfig
from faceprep.datasets.folder.columns import Columns
from faceprep.datasets.folder.labels import folder_expression, folder_words
from faceprep.datasets.lexicon import number_of, schemes
from faceprep.datasets.report import EXAMPLES, Report
from faceprep.datasets.words import WordReading, note_words, read_words, unknown_words

#: More different values than these are no classes.
_MAX_CLASSES = 500


def table_expressions(
    columns: Columns,
    paths: Sequence[str],
    select: SelectConfig,
    report: Report,
    place: str,
    name: str,
) -> list[str | None]:
    """Return the expression of each row.

    Of several columns, words count before numbers; the others are compared with it.

    Parameters
    ----------
    columns
        Columns of the table.
    paths
        Image of each row, whose folders count if no column is an expression.
    select, report
        Settings, and the receiver of notes.
    place
        Names that may tell the scheme of numbers.
    name
        Name of the table, for messages.

    Raises
    ------
    UsageError
        If the words of the column mean no expression.
    """
    readings = {}
    for label, values in columns.labels.items():
        counts = _counts(values)
        if len(counts) <= _MAX_CLASSES:
            readings[label] = read_words(counts, select, f"{place}/{label}")
    if not readings:
        return _of_folders(paths, select, report, place, name)
    chosen = max(readings, key=lambda label: _certainty(readings[label]))
    reading, what = readings[chosen], f"column {chosen} of {name}"
    if not reading.known and reading.unknown:
        raise unknown_words(reading, what)
    if len(columns.labels) > 1 or chosen.casefold() != "expression":
        report.note(f"{name}: the expression is column {chosen}")
    note_words(reading, select, report, what)
    found = _expressions(columns.labels[chosen], reading)
    for label, other in readings.items():
        if label != chosen:
            _compare(label, columns.labels[label], other, found, paths, report)
    return found


def _of_folders(
    paths: Sequence[str], select: SelectConfig, report: Report, place: str, name: str
) -> list[str | None]:
    folders = Counter(path.rpartition("/")[0] for path in paths)
    reading = folder_words(folders, select, place)
    if reading.known:
        report.note(f"{name} has no column of expressions: they are those of the folders' names")
        note_words(reading, select, report, "names of folders")
    meant = {folder: folder_expression(folder, reading) for folder in folders}
    return [meant[path.rpartition("/")[0]] for path in paths]


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    """Return the words of a column, without spaces around them, and their counts."""
    counts: Counter[str] = Counter()
    for pair in pc.value_counts(values).to_pylist():
        if pair["values"] is not None and pair["values"].strip():
            counts[pair["values"].strip()] += pair["counts"]
    return counts


def _certainty(reading: WordReading) -> int:
    """Rate a column: words before numbers before words that are unknown."""
    if not reading.known:
        return 0
    return 1 if reading.scheme is not None else 2


def _expressions(values: pa.ChunkedArray, reading: WordReading) -> list[str | None]:
    return [None if v is None else reading.expressions.get(v.strip()) for v in values.to_pylist()]


def _compare(
    label: str,
    values: pa.ChunkedArray,
    reading: WordReading,
    found: Sequence[str | None],
    paths: Sequence[str],
    report: Report,
) -> None:
    """Note in how many rows another column of labels contradicts the expressions.

    Numbers may be of any scheme, or stand for the expression that is most frequent with them.
    """
    words = [None if value is None else value.strip() for value in values.to_pylist()]
    both = [(w, e) for w, e in zip(words, found, strict=True) if w and e]
    meanings = (
        [reading.expressions]
        if reading.known and reading.scheme is None
        else [*_numbered(reading), _usual(both)]
    )
    meant = max(meanings, key=lambda known: sum(known.get(w) == e for w, e in both))
    contradicting = [
        k
        for k, (word, expression) in enumerate(zip(words, found, strict=True))
        if word and expression and meant.get(word) not in (None, expression)
    ]
    if 2 * len(contradicting) > len(both) or not any(meant.values()):
        report.note(f"column {label} is another label and is not used")
    elif not contradicting:
        report.note(f"column {label} agrees with the expressions and is not used")
    else:
        rows = contradicting[:EXAMPLES]
        examples = ", ".join(f"{paths[k]}: {words[k]} but {found[k]}" for k in rows)
        report.note(
            f"column {label} contradicts the expressions in {len(contradicting)} of {len(both)} "
            f"rows and is not used ({examples}); is this right?"
        )


def _numbered(reading: WordReading) -> Iterator[dict[str, str | None]]:
    """Yield the meanings of numbers in all schemes."""
    numbers = {word: number_of(word) for word in reading.counts}
    for scheme in schemes():
        yield {w: scheme.codes.get(n) for w, n in numbers.items() if n is not None}


def _usual(pairs: Sequence[tuple[str, str]]) -> dict[str, str | None]:
    """Return word → most frequent expression, or nothing if two words have the same."""
    counts: dict[str, Counter[str]] = {}
    for word, expression in pairs:
        counts.setdefault(word, Counter())[expression] += 1
    usual: dict[str, str | None] = {w: c.most_common(1)[0][0] for w, c in counts.items()}
    return usual if len(set(usual.values())) == len(usual) else {}
