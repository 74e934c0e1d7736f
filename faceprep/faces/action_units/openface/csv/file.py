"""A CSV file with OpenFace's columns: cells are found by the names of its header, never by place.

What such files differ in, and what is made of it:

* blanks in the header (2.0) or none (2.2), quotes, a byte order mark, CRLF: taken off;
* commas, semicolons or tabs, with decimal commas where the separator is not a comma;
* any columns in any order: what is missing is missed only by those who need it;
* a last line cut short, cells that are no numbers, ``success = 0``: rows with a `CsvRow.fault`;
* intensities outside 0–5: clipped, which the row says (`CsvRow.clipped`).
"""

import contextlib
import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceprep.core.action_units import COLUMNS_C, COLUMNS_R
from faceprep.core.errors import FaceprepError
from faceprep.faces.action_units.backend import AUResult

MAX_INTENSITY = 5.0

#: Nothing that a regressor of OpenFace says before its own clipping lies farther out.
_BELIEVABLE = (-10.0, 15.0)

_SEPARATORS = (",", ";", "\t")
_LONGEST_HEADER = 1 << 20
_LANDMARKS = [f"{axis}_{k}" for k in range(68) for axis in "xy"]


class CsvError(FaceprepError):
    """A file is no CSV of OpenFace's; the message says why, without its name."""


@dataclass(frozen=True, slots=True, eq=False)
class CsvRow:
    """One line of a file: one face in one picture.

    Attributes
    ----------
    line
        Number in the file, the header being 1.
    frame
        One-based number of the picture in its sequence; ``None`` without such a column.
    timestamp
        Seconds; ``None`` without such a column.
    confidence
        0–1; ``None`` when there is none on that scale.
    landmarks68
        ``(68, 2) float64`` pixels of the picture that OpenFace saw; ``None`` without them.
    intensities, presences
        ``(17,) float64`` in 0–5 and ``(18,) bool``; ``None`` where there is a fault.
    clipped
        Whether an intensity lay outside 0–5.
    fault
        Why there are no AUs; ``None`` where there are.
    """

    line: int
    frame: int | None = None
    timestamp: float | None = None
    confidence: float | None = None
    landmarks68: np.ndarray | None = None
    intensities: np.ndarray | None = None
    presences: np.ndarray | None = None
    clipped: bool = False
    fault: str | None = None

    def result(self, variant: str | None = None) -> AUResult:
        """Return the AUs, or the fault; clipped values show in the variant."""
        if self.fault is not None:
            return AUResult(reason=self.fault)
        if self.clipped:
            variant = f"{variant}, clipped" if variant else "clipped"
        return AUResult(self.intensities, self.presences, self.confidence, variant)


class CsvFile:
    """The header of a file and where its lines begin; lines are parsed when asked for.

    Attributes
    ----------
    path
        The file.
    columns
        Name → place of each column.
    ends_whole
        Whether the last line ends as a line does.

    Raises
    ------
    CsvError
        When it cannot be read or has no header with names.
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
        self._missing_aus = [name for name in (*COLUMNS_R, *COLUMNS_C) if name not in self.columns]
        self._has_landmarks = all(name in self.columns for name in _LANDMARKS)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def is_sequence(self) -> bool:
        """Whether its rows are frames of a sequence rather than faces of one picture."""
        return "frame" in self.columns

    def rows(self, which: Sequence[int] | None = None) -> list[CsvRow]:
        """Parse the rows of these numbers, counted from 0; all when not given.

        Raises
        ------
        CsvError
            When the file cannot be read any more.
        """
        places = range(len(self)) if which is None else which
        return [self._row(self._numbers[k], cells) for k, cells in self._lines(places)]

    def column(self, name: str) -> list[str]:
        """All cells of a column; empty where a line is cut short.

        Raises
        ------
        CsvError
            When the file cannot be read any more.
        """
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
        if all(_number(name) is not None for name in names if name):
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
            with contextlib.suppress(csv.Error):  # of what is no CSV, even by its quotes
                reader = csv.reader([line], delimiter=self.separator, skipinitialspace=True)
                cells = next(reader, [])
        return [cell.strip() for cell in cells]

    def _row(self, line: int, cells: list[str]) -> CsvRow:
        while len(cells) > self._width and not cells[-1]:  # a separator at the end of each line
            cells.pop()
        if len(cells) != self._width:
            what = "is cut short" if len(cells) < self._width else "is too long"
            fault = f"line {line} {what}: {len(cells)} cells under {self._width} columns"
            return CsvRow(line, fault=fault)
        success = self._value(cells, "success")
        confidence = self._value(cells, "confidence")
        frame = self._value(cells, "frame")
        row = CsvRow(
            line,
            frame=None if frame is None or frame % 1 else int(frame),
            timestamp=self._value(cells, "timestamp"),
            confidence=None if confidence is None or not 0 <= confidence <= 1 else confidence,
            landmarks68=None if success == 0 else self._landmarks(cells),
            fault="success = 0: OpenFace had lost the face" if success == 0 else None,
        )
        return row if row.fault else self._with_aus(row, cells)

    def _with_aus(self, row: CsvRow, cells: list[str]) -> CsvRow:
        fault = self._missing() or self._au_fault(cells)
        aus: dict[str, np.ndarray] = {}
        clipped = False
        if fault is None:
            values = np.array([self._value(cells, name) for name in COLUMNS_R], dtype=np.float64)
            clipped = bool(((values < 0) | (values > MAX_INTENSITY)).any())
            aus["intensities"] = values.clip(0, MAX_INTENSITY) + 0.0  # no −0
            aus["presences"] = np.array([self._value(cells, name) == 1 for name in COLUMNS_C])
        return CsvRow(
            row.line,
            row.frame,
            row.timestamp,
            row.confidence,
            row.landmarks68,
            clipped=clipped,
            fault=fault,
            **aus,
        )

    def _missing(self) -> str | None:
        """Say which AU columns there are not."""
        missing = self._missing_aus
        if not missing:
            return None
        if len(missing) == len(COLUMNS_R) + len(COLUMNS_C):
            return "no AU columns (AU01_r …): OpenFace writes them with -aus"
        if len(missing) == 1:
            return f"no column {missing[0]}"
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return f"no columns {', '.join(missing[:3])}{more}"

    def _au_fault(self, cells: list[str]) -> str | None:
        """Say which AU cell holds no estimate."""
        low, high = _BELIEVABLE
        for name in (*COLUMNS_R, *COLUMNS_C):
            value, text = self._value(cells, name), cells[self.columns[name]][:20]
            if value is None:
                return f"{name} is {text!r}, no number"
            if name in COLUMNS_R and not low <= value <= high:
                return f"{name} is {text}, no intensity"
            if name in COLUMNS_C and value not in (0, 1):
                return f"{name} is {text}, neither 0 nor 1"
        return None

    def _landmarks(self, cells: list[str]) -> np.ndarray | None:
        if not self._has_landmarks:
            return None
        found = [self._value(cells, name) for name in _LANDMARKS]
        if None in found or not any(found):
            return None
        return np.array(found, dtype=np.float64).reshape(68, 2)

    def _value(self, cells: list[str], name: str) -> float | None:
        place = self.columns.get(name)
        if place is None:
            return None
        cell = cells[place]
        return _number(cell if self.separator == "," else cell.replace(",", "."))


def _number(text: str) -> float | None:
    """Value of a decimal number; ``None`` for anything else, NaN and infinities."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None
