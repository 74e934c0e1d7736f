"""Parse the rows of a CSV file of OpenFace, and choose the row that shows the face of `align`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.photographs import landmarks_in_crop, landmarks_in_photograph

MAX_INTENSITY = 5.0

#: Range of plausible intensities; the regressors of OpenFace stay within it before clipping.
_PLAUSIBLE = (-10.0, 15.0)

_LANDMARKS = [f"{axis}_{k}" for k in range(68) for axis in "xy"]


@dataclass(frozen=True, slots=True, eq=False)
class CsvRow:
    """Hold one line of a file: one face in one image."""

    line: int  # 1-based number of the line in the file
    # 1-based number of the image in its sequence; ``None`` without such a column.
    frame: int | None = None
    timestamp: float | None = None  # seconds; ``None`` without such a column
    confidence: float | None = None  # 0–1; ``None`` if missing or outside this range
    # ``(68, 2) float64`` pixels of the input image; ``None`` without landmarks.
    landmarks68: np.ndarray | None = None
    # ``(17,) float64`` in 0–5 and ``(18,) bool``; ``None`` with a fault.
    intensities: np.ndarray | None = None
    presences: np.ndarray | None = None
    clipped: bool = False  # whether an intensity was outside 0–5
    fault: str | None = None  # reason of missing AUs; ``None`` with AUs

    def result(self, variant: str | None = None) -> AUResult:
        """Return the AUs or the fault; the variant records clipping."""
        if self.fault is not None:
            return AUResult(reason=self.fault)
        if self.clipped:
            variant = f"{variant}, clipped" if variant else "clipped"
        return AUResult(self.intensities, self.presences, self.confidence, variant)


class RowParser:
    """Parse the cells of rows; `columns` is name → place of each column, of `width` columns."""

    def __init__(self, columns: Mapping[str, int], width: int, decimal_comma: bool) -> None:
        self._columns = columns
        self._width = width
        self._decimal_comma = decimal_comma
        self._missing_aus = [name for name in (*COLUMNS_R, *COLUMNS_C) if name not in columns]
        self._has_landmarks = all(name in columns for name in _LANDMARKS)

    def parse(self, line: int, cells: list[str]) -> CsvRow:
        """Parse the cells of a line; errors become the fault of the row."""
        while len(cells) > self._width and not cells[-1]:  # trailing separator
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
        if fault := self._missing() or self._au_fault(cells):
            return replace(row, fault=fault)
        values = np.array([self._value(cells, name) for name in COLUMNS_R], dtype=np.float64)
        return replace(
            row,
            intensities=values.clip(0, MAX_INTENSITY) + 0.0,  # no −0
            presences=np.array([self._value(cells, name) == 1 for name in COLUMNS_C]),
            clipped=bool(((values < 0) | (values > MAX_INTENSITY)).any()),
        )

    def _missing(self) -> str | None:
        """Return which AU columns are missing."""
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
        """Return which AU cell has no valid value."""
        low, high = _PLAUSIBLE
        for name in (*COLUMNS_R, *COLUMNS_C):
            value, text = self._value(cells, name), cells[self._columns[name]][:20]
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
        place = self._columns.get(name)
        if place is None:
            return None
        cell = cells[place]
        return parse_number(cell.replace(",", ".") if self._decimal_comma else cell)


def parse_number(text: str) -> float | None:
    """Return the value of a finite decimal number, or ``None``."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


#: Intersection over union of the bounding boxes of the landmarks, below which two faces are
#: different people.
MIN_OVERLAP = 0.3


def align_landmarks(face: FaceInput, source: str) -> np.ndarray:
    """Return the landmarks of `align`, ``(68, 2)`` pixels of the photograph or of the crop."""
    if source == "crop":
        return landmarks_in_crop(face.align)
    return landmarks_in_photograph(face.align)


def choose_row(rows: Sequence[CsvRow], landmarks68: np.ndarray) -> CsvRow | str:
    """Return the row whose landmarks overlap those of `align` the most, or the reason of a failure.

    There is at least one row; all are of one image, like `landmarks68`, ``(68, 2)`` pixels.
    """
    seen = [
        (overlap(row.landmarks68, landmarks68), row) for row in rows if row.landmarks68 is not None
    ]
    best, chosen = max(seen, key=lambda pair: pair[0], default=(0.0, rows[0]))
    if best >= MIN_OVERLAP:
        return chosen
    broken = [row for row in rows if row.fault and row.landmarks68 is None]
    if broken:  # any of them may be the face
        return broken[0]
    if not seen:
        if len(rows) == 1:
            return rows[0]
        return f"{len(rows)} faces and no landmarks to tell which is ours (-2Dfp writes them)"
    faces = "face lies" if len(rows) == 1 else f"{len(rows)} faces lie"
    return f"OpenFace's {faces} elsewhere in the picture than ours (overlap {best:.2f})"


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection over union, 0–1, of the bounding boxes of points ``(n, 2)``."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(np.ptp(one, axis=0)) + np.prod(np.ptp(other, axis=0)))
    return shared / (areas - shared) if areas > shared else 0.0
