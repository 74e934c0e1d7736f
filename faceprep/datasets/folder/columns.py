"""Read the columns of a user's table, from any file format, with normalized names."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from faceprep.core.errors import UsageError
from faceprep.datasets.report import Report

#: Column → names that it may have in a file, in any case.
NAMES = {
    "image": ("image", "path", "file", "filename", "image_path"),
    "expression": ("expression", "emotion", "label"),
    "subject": ("subject", "person", "identity"),
    "sequence": ("sequence",),
    "frame": ("frame",),
    "split": ("split",),
    "fold": ("fold",),
    "role": ("role",),
    "box": ("box",),
    "landmarks5": ("landmarks5",),
    "landmarks68": ("landmarks68",),
}
#: Columns of numbers → their count. In a CSV they are one field: ``"120 130.5 …"``, also with
#: commas.
VECTORS = {"box": 4, "landmarks5": 10, "landmarks68": 136}
SUFFIXES = (".csv", ".tsv", ".parquet")

_DELIMITERS = (",", ";", "\t")
_SEPARATORS = re.compile(r"[\s,;\[\]()]+")


def read_columns(path: Path, report: Report) -> pa.Table:
    """Read a table; scalar columns become strings, empty fields null.

    Raises
    ------
    UsageError
        If the file cannot be read or has no ``image`` column.
    """
    try:
        table = (
            pq.read_table(path) if path.suffix.lower() == ".parquet" else _read_csv(path, report)
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"{path} cannot be read as a table: {reason}", f"head {shlex.quote(str(path))}"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error}", f"ls -l {shlex.quote(str(path))}"
        ) from None
    by_name = {name.strip().casefold(): name for name in reversed(table.column_names)}
    columns = {}
    for column, names in NAMES.items():
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is not None:
            columns[column] = _column(table.column(found), column, path)
    if "image" not in columns:
        raise UsageError(
            f"{path} has no column “image”; it has: {', '.join(table.column_names) or 'none'}",
            "the columns are image, expression[, subject, sequence, frame, split, fold]",
        )
    unused = set(table.column_names) - {by_name.get(n) for names in NAMES.values() for n in names}
    if unused:
        report.note(f"{path.name}: columns not used: {', '.join(sorted(unused))}")
    return pa.table(columns)


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


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (v if isinstance(v, list | tuple) else (v,))]


def _read_csv(path: Path, report: Report) -> pa.Table:
    with path.open(encoding="utf-8-sig") as stream:
        header = stream.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().strip('"') for name in header.rstrip("\r\n").split(delimiter)]

    def skip(row: Any) -> str:
        report.leave_out(
            f"line of {path.name} with another number of fields", str(row.number or "")
        )
        return "skip"

    return pv.read_csv(
        path,
        read_options=pv.ReadOptions(use_threads=False),
        parse_options=pv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _column(values: pa.ChunkedArray, column: str, path: Path) -> pa.ChunkedArray:
    if column in VECTORS and not pa.types.is_string(values.type):
        return values
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(
            f"{path}: column {column} holds {values.type}, not text or numbers"
        ) from None
