"""Choose the columns of a user's table, by known names or by their values."""

import functools
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.core.errors import UsageError
from faceprep.core.tree import is_image
from faceprep.datasets.folder.formats import NAMELESS, read_table
from faceprep.datasets.folder.parts import NUMBERED_PARTS, part_of
from faceprep.datasets.folder.votes import vote_columns, winners
from faceprep.datasets.lexicon import number_of, word_expression
from faceprep.datasets.report import Report

#: Columns of numbers → their count. In a CSV they are one field: ``"120 130.5 …"``, also with
#: commas.
VECTORS = {"box": 4, "landmarks5": 10, "landmarks68": 136}

_SEPARATORS = re.compile(r"[\s,;\[\]()]+")
_SAMPLE = 1000
_MOST = 0.8
_LABEL = "label "
# These are people only if they repeat.
_MAYBE_PEOPLE = ("name", "id")
_MAX_NUMBER = 10


@dataclass
class Columns:
    """Hold the columns of a table under their names in the manifest.

    Attributes
    ----------
    table
        Columns but the expression; scalar ones are strings, with empty fields null.
    names
        Column → its name in the file.
    labels
        Name in the file → values, of all columns that may be the expression.
    """

    table: pa.Table
    names: dict[str, str]
    labels: dict[str, pa.ChunkedArray] = field(default_factory=dict)

    def take(self, rows: Sequence[int]) -> "Columns":
        """Return some rows."""
        index = pa.array(rows, pa.int64())
        labels = {name: values.take(index) for name, values in self.labels.items()}
        return Columns(self.table.take(index), self.names, labels)

    def texts(self, column: str) -> list[str | None]:
        """Return the values of a column without spaces around them, ``None`` for empty ones."""
        if column not in self.table.column_names:
            return [None] * self.table.num_rows
        values = self.table.column(column).to_pylist()
        return [text.strip() or None if text else None for text in values]


def read_columns(path: Path, report: Report) -> Columns:
    """Read a table and choose its columns; what is taken under another name is noted.

    Raises
    ------
    UsageError
        If the file cannot be read or has no column of images.
    """
    return choose_columns(read_table(path, report), path, report)


def read_parts(folder: Path, tables: Sequence[Path], report: Report) -> Columns:
    """Read one table for each part of a split, with images relative to their common folder."""
    pieces = []
    names: dict[str, str] = {}
    for path in tables:
        columns = read_columns(path, report)
        place = path.parent.relative_to(folder).as_posix()
        size = columns.table.num_rows
        images = [name and f"{place}/{name}" for name in columns.table["image"].to_pylist()]
        piece = columns.table.set_column(
            columns.table.column_names.index("image"), "image", pa.array(images, pa.string())
        )
        if "split" not in columns.names:
            part = pa.array([path.parent.name] * size, pa.string())
            piece = piece.append_column("split", part)
        for label, values in columns.labels.items():
            piece = piece.append_column(_LABEL + label, values)
        pieces.append(piece)
        names = {**columns.names, **names}
    table = pa.concat_tables(pieces, promote_options="default")
    labels = [name for name in table.column_names if name.startswith(_LABEL)]
    return Columns(
        table.drop_columns(labels),
        {"split": "split", **names},
        {name.removeprefix(_LABEL): table.column(name) for name in labels},
    )


def choose_columns(raw: pa.Table, path: Path, report: Report) -> Columns:
    """Choose the columns of a table; what is taken under another name is noted.

    Raises
    ------
    UsageError
        If no column holds images.
    """
    raw = _with_winners(raw, report)
    folded = {name: _fold(name) for name in raw.column_names}
    names: dict[str, str] = {}
    for column, known in _names().items():
        candidates = sorted(
            (name for name in folded if folded[name] in known and _is_usable(raw, name, column)),
            key=lambda name: known.index(folded[name]),
        )
        if column == "image":
            candidates.sort(key=lambda name: not _fit(_first_values(raw, name), is_image))
        if candidates and column != "expression":
            names[column] = candidates[0]
        labels = candidates if column == "expression" else []
        names |= {f"expression {k}": name for k, name in enumerate(labels)}
    if "image" not in names:
        names |= _by_values(raw, is_image, "image", names)
    if "image" not in names:
        raise UsageError(
            f"{path} has no column “image”; it has: {', '.join(raw.column_names) or 'none'}",
            "known columns are image, expression, subject, sequence, frame, split and fold",
        )
    fits = _is_label if NAMELESS.format(1) in raw.column_names else word_expression
    names |= _by_values(raw, fits, "expression by value", names)
    return _chosen(raw, names, path, report)


def lists_images(names: Sequence[str]) -> bool:
    """Return whether one of the names of columns is that of images, or is an image."""
    return any(_fold(name) in _names()["image"] or is_image(name) for name in names)


def _with_winners(raw: pa.Table, report: Report) -> pa.Table:
    """Replace a column for each expression by one of expressions, unless there is one."""
    columns = vote_columns(raw.column_names)
    if not columns or any(_fold(name) in _names()["expression"] for name in raw.column_names):
        return raw
    values = winners(raw, columns, report)
    return raw if values is None else raw.drop_columns(columns).append_column("expression", values)


def vector(value: Any, column: str, report: Report, example: str) -> list[float] | None:
    """Return the numbers of a field: a list, or text with spaces or commas between them.

    A field with a wrong number of values (`VECTORS`) is reported and treated as empty.
    """
    if value is None:
        return None
    try:
        words = json.loads(value) if isinstance(value, str) and value.startswith("[[") else value
        words = [w for w in _SEPARATORS.split(words) if w] if isinstance(words, str) else words
        numbers = [float(word) for word in _flat(words)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != VECTORS[column]:
        report.note(f"{column} that is not {VECTORS[column]} numbers: ignored", example)
        return None
    return numbers


@functools.cache
def _names() -> dict[str, tuple[str, ...]]:
    text = (files("faceprep.datasets.folder") / "columns.toml").read_text(encoding="utf-8")
    return {column: tuple(names.split()) for column, names in tomllib.loads(text).items()}


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _by_values(raw: pa.Table, fits: Any, column: str, names: dict[str, str]) -> dict[str, str]:
    """Return the only column, not taken yet, of whose first values most fit."""
    found = [
        name
        for name in raw.column_names
        if name not in names.values() and _fit(_first_values(raw, name), fits)
    ]
    return {column: found[0]} if len(found) == 1 else {}


def _fit(values: Sequence[str], fits: Any) -> bool:
    return bool(values) and sum(bool(fits(value)) for value in values) >= _MOST * len(values)


def _is_label(value: str) -> bool:
    """Return whether a value is a word for an expression or a number of a class."""
    number = number_of(value)
    return word_expression(value) is not None or (number is not None and number <= _MAX_NUMBER)


def _is_usable(raw: pa.Table, name: str, column: str) -> bool:
    """Return whether the values of a column are of its kind, where the name does not suffice."""
    if column == "subject" and _fold(name) in _MAYBE_PEOPLE:
        values = _first_values(raw, name)
        return 2 * len(set(values)) <= len(values) and not _fit(values, is_image)
    if column == "expression":
        return not pa.types.is_nested(raw.schema.field(name).type)
    if column != "split" or _fold(name) == "split":
        return True
    try:
        values = pc.unique(raw.column(name).cast(pa.string())).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    words = {value for value in values if value}
    numbered = words <= NUMBERED_PARTS.keys() and len(words) > 1 and _fold(name) == "partition"
    return bool(words) and (numbered or all(part_of(word) for word in words))


def _first_values(raw: pa.Table, name: str) -> list[str]:
    values = raw.column(name).slice(0, _SAMPLE).to_pylist()
    return [value for value in values if isinstance(value, str) and value]


def _chosen(raw: pa.Table, names: dict[str, str], path: Path, report: Report) -> Columns:
    """Convert the chosen columns and note them."""
    chosen = Columns(pa.table({}), {})
    table = {}
    for column, name in names.items():
        values = _converted(raw.column(name), column, path)
        if column.startswith("expression "):
            chosen.labels[name] = values
        else:
            table[column] = values
            chosen.names[column] = name
    chosen.table = pa.table(table)
    renamed = [f"{c} = {n}" for c, n in chosen.names.items() if _fold(n) != c]
    if renamed:
        report.note(f"{path.name}: columns taken: {', '.join(renamed)}")
    unused = set(raw.column_names) - set(names.values())
    if unused:
        report.note(f"{path.name}: columns not used: {', '.join(sorted(unused))}")
    return chosen


def _converted(values: pa.ChunkedArray, column: str, path: Path) -> pa.ChunkedArray:
    if column in VECTORS and not pa.types.is_string(values.type):
        return values
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(
            f"{path}: column {column} holds {values.type}, not text or numbers"
        ) from None


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (v if isinstance(v, list | tuple) else (v,))]
