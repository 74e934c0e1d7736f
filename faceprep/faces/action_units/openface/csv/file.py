"""Read a CSV file of OpenFace; cells are found by the column names of its header.

Files vary in these ways:

* spaces in the header (2.0) or none (2.2), quotes, a byte order mark, CRLF: removed;
* commas, semicolons or tabs, with decimal commas if the separator is not a comma;
* any columns in any order: a missing column is an error only where it is needed;
* a truncated last line, cells that are not numbers, ``success = 0``: rows with a `CsvRow.fault`;
* intensities outside 0–5: clipped, which the row records (`CsvRow.clipped`).
"""

import contextlib
import csv
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceprep.core.errors import FaceprepError
from faceprep.faces.action_units.openface.csv.row import CsvRow, RowParser, parse_number

_SEPARATORS = (",", ";", "\t")
_LONGEST_HEADER = 1 << 20


class CsvError(FaceprepError):
    """Report that a file is not a CSV of OpenFace; the message does not contain its name."""


class CsvFile:
    """Index the lines of a file, and parse them when needed.

    `columns` is name → place of each column, `ends_whole` whether the last line ends with a
    newline.

    Raises
    ------
    CsvError
        If the file cannot be read or has no header with names; also the methods.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ends_whole = True
        self._starts, self._numbers = array("Q"), array("Q")
        try:
            with path.open("rb") as stream:
                self._read_header(stream.readline(_LONGEST_HEADER))
                start = stream.tell()
                for number, line in enumerate(stream, 2):
                    if line.strip(b" \t\r\n\0" + self.separator.encode()):
                        self._starts.append(start)
                        self._numbers.append(number)
                        self.ends_whole = line.endswith(b"\n")
                    start += len(line)
        except OSError as error:
            raise CsvError(f"cannot be read: {error.strerror or error}") from None
        self._parser = RowParser(self.columns, self._width, self.separator != ",")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def is_sequence(self) -> bool:
        """Whether the rows are frames of a sequence rather than faces of one image."""
        return "frame" in self.columns

    def rows(self, which: Sequence[int] | None = None) -> list[CsvRow]:
        """Parse the rows with these 0-based numbers; all rows by default."""
        places = range(len(self)) if which is None else which
        return [self._parser.parse(self._numbers[k], cells) for k, cells in self._lines(places)]

    def column(self, name: str) -> list[str]:
        """Return all cells of a column; empty for truncated lines."""
        place = self.columns[name]
        lines = self._lines(range(len(self)))
        return [cells[place] if place < len(cells) else "" for _, cells in lines]

    def _read_header(self, line: bytes) -> None:
        if not line.strip():
            raise CsvError("is empty" if not line else "has an empty first line")
        if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
            raise CsvError("is no text in UTF-8")
        text = line.decode("utf-8-sig", errors="replace")
        self.separator = max(_SEPARATORS, key=text.count)
        names = self._cells(text)
        if all(parse_number(name) is not None for name in names if name):
            raise CsvError("has no header: its first line holds no names")
        self.columns: dict[str, int] = {}
        for place, name in enumerate(names):
            if name and self.columns.setdefault(name, place) != place:
                raise CsvError(f"has two columns {name}")
        self._width = len(names)

    def _lines(self, places: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
        try:
            with self.path.open("rb") as stream:
                for k in places:
                    stream.seek(self._starts[k])
                    yield k, self._cells(stream.readline().decode("utf-8", errors="replace"))
        except OSError as error:
            raise CsvError(f"cannot be read: {error.strerror or error}") from None

    def _cells(self, line: str) -> list[str]:
        line = line.rstrip("\r\n")
        cells = line.split(self.separator)
        if '"' in line:
            with contextlib.suppress(csv.Error):  # invalid quotes
                reader = csv.reader([line], delimiter=self.separator, skipinitialspace=True)
                cells = next(reader, [])
        return [cell.strip() for cell in cells]
