"""Which row of a sequence's CSV file is which frame on disk; nothing is ever shifted.

``FeatureExtraction -fdir`` writes one row per picture of a folder, in the order of their names,
and numbers them from 1 in the column ``frame``. Rows and frames are joined only where

* there are as many of the one as of the other, and nothing contradicts their order; or
* some frames have no row (somebody took out those without a face), but the first and the last
  number, or the first and the last time, are those of all frames on disk.

Anything else is a reason that names both counts: a file that is one row short does not say which.
"""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from faceprep.faces.action_units.openface.csv.file import CsvRow

#: How far, in frames, a time rounded to milliseconds may lie from its frame.
_TIME_TOLERANCE = 0.1


def join_frames(rows: Sequence[CsvRow], frames: Sequence[Path]) -> dict[Path, list[CsvRow]] | str:
    """Give every frame its rows: one, or several faces.

    Parameters
    ----------
    rows
        Of one sequence, in the file's order.
    frames
        Pictures of the sequence, in the order of their numbers.

    Returns
    -------
    Frame → its rows; a frame without one is absent. Or why they do not fit, a verb with its object.
    """
    groups = _by_frame(rows)
    counts = f"has {len(groups)} rows but the sequence has {len(frames)} frames"
    numbers = [group[0].frame for group in groups]
    if any(later <= earlier for earlier, later in _pairs(numbers)):
        return "has frame numbers that do not ascend"
    if len(groups) == len(frames):
        if any(later != earlier + 1 for earlier, later in _pairs(numbers)):
            return f"has {len(groups)} rows whose frame numbers leave some out"
        if numbers[0] not in (None, 0, 1, _number_of(frames[0])):
            return f"has frame numbers that begin with {numbers[0]}"
        places: Sequence[int] | None = range(len(frames))
    else:
        places = _proven(numbers, len(frames)) or _proven_by_time(groups, len(frames))
    if places is None:
        return counts
    order = _order(rows, frames)
    if isinstance(order, str):
        return order
    return {order[place]: group for place, group in zip(places, groups, strict=True)}


def _by_frame(rows: Sequence[CsvRow]) -> list[list[CsvRow]]:
    """Rows of the same frame together (several faces); rows without a number stay alone."""
    groups: list[list[CsvRow]] = []
    for row in rows:
        if groups and row.frame is not None and row.frame == groups[-1][0].frame:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _number_of(frame: Path) -> int | None:
    digits = re.findall(r"\d+", frame.stem)
    return int(digits[-1]) if digits else None


def _pairs(numbers: Sequence[int | None]) -> list[tuple[int, int]]:
    known = [number for number in numbers if number is not None]
    return list(itertools.pairwise(known))


def _proven(numbers: Sequence[int | None], count: int) -> list[int] | None:
    """Zero-based places from frame numbers whose first and last are those of all frames."""
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers) or len(known) > count:
        return None
    if known[-1] == count and known[0] >= 1:
        return [number - 1 for number in known]
    if (known[0], known[-1]) == (0, count - 1):  # numbered from 0, as other programs do
        return known
    return None


def _proven_by_time(groups: Sequence[Sequence[CsvRow]], count: int) -> list[int] | None:
    """Zero-based places from times that lie on the grid of all frames, from its start to its end.

    Without a step of one frame among them, any multiple of the frame rate would fit as well.
    """
    times = [group[0].timestamp for group in groups]
    known = [time for time in times if time is not None]
    if len(known) < len(times) or len(known) < 2 or known[0] != 0 or known[-1] <= 0:
        return None
    exact = [time * (count - 1) / known[-1] for time in known]
    places = [round(value) for value in exact]
    steps = [later - earlier for earlier, later in _pairs(places)]
    off = max(abs(value - place) for value, place in zip(exact, places, strict=True))
    if off > _TIME_TOLERANCE or min(steps) != 1:
        return None
    return places


def _order(rows: Sequence[CsvRow], frames: Sequence[Path]) -> list[Path] | str:
    """Frames in the order in which OpenFace saw them.

    ``-fdir`` goes by names (10.png before 2.png) and has no times; a video made of the frames
    goes by numbers.
    """
    by_name = sorted(frames, key=lambda path: path.name)
    if by_name == list(frames):
        return by_name
    times = [row.timestamp for row in rows]
    if any(times):
        return list(frames)
    if None not in times:
        return by_name
    return (
        "has rows in an order that nothing tells: the frames' numbers have no leading zeros and"
        " there is no timestamp (all 0 with -fdir, which goes by name)"
    )
