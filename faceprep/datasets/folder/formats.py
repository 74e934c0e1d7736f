"""Read a user's table from CSV, JSON lines or Parquet, in any dialect and usual encoding."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.json as pj
import pyarrow.parquet as pq

from faceprep.core.errors import Again, Shell, UsageError
from faceprep.core.tree import is_image
from faceprep.datasets.report import Report

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".json")
#: Name of a column of a CSV without a header.
NAMELESS = "no. {}"
SPREADSHEETS = (".xlsx", ".xls", ".ods", ".xlsm", ".numbers")

_DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_LINE = re.compile(r"sep=(.)\s*")
_SPREADSHEET_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HEAD = 400


def read_table(path: Path, report: Report) -> pa.Table:
    """Read a table with all its columns; those of a CSV are strings, with empty fields null.

    Columns of a CSV without a header are called ``no. 1``, ``no. 2``, ….

    Raises
    ------
    UsageError
        If the file cannot be read as a table.
    """
    refuse_other_formats(path)
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        if path.suffix.lower() == ".jsonl":
            return pj.read_json(path)
        if path.suffix.lower() == ".json":
            return _read_json(path)
        return _read_csv(path, report)
    except (pa.ArrowInvalid, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"{path} cannot be read as a table: {reason}", Shell(("head", str(path)))
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error}", Shell(("ls", "-l", str(path)))
        ) from None


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file, empty if they cannot be read."""
    try:
        if path.suffix.lower() == ".parquet":
            return list(pq.read_schema(path).names)
        with path.open(encoding="utf-8-sig") as stream:
            header = stream.readline(_HEAD)
    except (OSError, ValueError):
        return []
    delimiter = max((*_DELIMITERS, " "), key=header.count)
    return [name.strip().strip('"') for name in header.strip().split(delimiter)]


def refuse_other_formats(path: Path) -> None:
    """Raise an error for spreadsheets and UTF-16.

    Raises
    ------
    UsageError
        Says what the file is, and how to convert it.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return
    copy = path.with_name(f"{path.stem}.utf8.csv")
    use = Again({"select.table": str(copy)})
    if path.suffix.lower() in SPREADSHEETS or head.startswith(_SPREADSHEET_MAGIC):
        raise UsageError(
            f"{path} is a spreadsheet, which is not read",
            (f"save it as “CSV UTF-8” under {copy}, then", use),
        )
    if path.suffix.lower() == ".parquet":
        return
    name = _utf16(head)
    if name:
        raise UsageError(
            f"{path} is text in UTF-16, which is not read; tables are UTF-8",
            (Shell(("iconv", "-f", name, "-t", "UTF-8", "-o", str(copy), str(path))), use),
        )


def _utf16(head: bytes) -> str | None:
    """Return the name of UTF-16 by its mark, or by the zero bytes of every other place."""
    if head.startswith(_UTF16_MARKS):
        return "UTF-16"
    for name, zeros in (("UTF-16LE", head[1::2]), ("UTF-16BE", head[::2])):
        if zeros.count(0) > len(head) / 4:
            return name
    return None


def _read_json(path: Path) -> pa.Table:
    """Read a list of objects, or an object of columns."""
    values = json.loads(path.read_text(encoding="utf-8-sig"))
    return pa.Table.from_pylist(values) if isinstance(values, list) else pa.table(values)


def _read_csv(path: Path, report: Report) -> pa.Table:
    try:
        return _parse_csv(path, _first_lines(path.open(encoding="utf-8-sig")), path.name, report)
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        if isinstance(error, pa.ArrowInvalid) and "UTF8" not in str(error):
            raise
    text = path.read_bytes().decode("cp1252")
    report.note(f"{path.name} is not UTF-8: it is read as Windows-1252; are its names right?")
    return _parse_csv(io.BytesIO(text.encode()), _first_lines(io.StringIO(text)), path.name, report)


def _first_lines(stream: Any) -> tuple[str, str]:
    with stream:
        return stream.readline(), stream.readline()


def _parse_csv(source: Any, lines: tuple[str, str], name: str, report: Report) -> pa.Table:
    declared = _DELIMITER_LINE.fullmatch(lines[0])
    header = (lines[1] if declared else lines[0]).rstrip("\r\n")
    delimiter = declared[1] if declared else max(_DELIMITERS, key=header.count)
    if delimiter not in header and is_image(header.split(" ")[0]):
        delimiter = " "
    names = [cell.strip().strip('"') for cell in header.split(delimiter)]
    if any(map(is_image, names)):
        names = [NAMELESS.format(k + 1) for k in range(len(names))]
        report.note(f"{name} has no line of column names: columns are found by their values")
        options = pv.ReadOptions(use_threads=False, column_names=names)
    else:
        options = pv.ReadOptions(use_threads=False, skip_rows=1 if declared else 0)

    def skip(row: Any) -> str:
        report.leave_out(f"line of {name} with another number of fields", str(row.number or ""))
        return "skip"

    return pv.read_csv(
        source,
        read_options=options,
        parse_options=pv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
