"""Assign the rows of a sequence's CSV file to the frames on disk.

``FeatureExtraction -fdir`` writes one row per image of a folder, in the order of their names, and
numbers them from 1 in the column ``frame``. Rows and frames are joined only if

* their numbers are equal and nothing contradicts their order; or
* some frames have no row (e.g. frames without a face were removed), but the first and the last
  number, or the first and the last time, match all frames on disk.

Otherwise the result is a reason with both counts, because it is unknown which rows are missing.
"""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from faceprep.faces.action_units.openface.csv.row import CsvRow

#: Largest distance, in frames, between a time rounded to milliseconds and its frame.
_TIME_TOLERANCE = 0.1


def join_frames(rows: Sequence[CsvRow], frames: Sequence[Path]) -> dict[Path, list[CsvRow]] | str:
    """Assign to each frame its rows, one per face.

    The rows are those of one sequence, in the order of the file; the frames are in the order of
    their numbers.

    Returns
    -------
    Frame → rows, for frames that have any; or why they do not match, as a verb phrase.
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
        places = _places_by_number(numbers, len(frames)) or _places_by_time(groups, len(frames))
    if places is None:
        return counts
    order = _order(rows, frames)
    if isinstance(order, str):
        return order
    return {order[place]: group for place, group in zip(places, groups, strict=True)}


def _by_frame(rows: Sequence[CsvRow]) -> list[list[CsvRow]]:
    """Group rows of the same frame (several faces); a row without a number is a group."""
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


def _places_by_number(numbers: Sequence[int | None], count: int) -> list[int] | None:
    """Return 0-based places if the first and last frame numbers match all frames."""
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers) or len(known) > count:
        return None
    if known[-1] == count and known[0] >= 1:
        return [number - 1 for number in known]
    if (known[0], known[-1]) == (0, count - 1):  # other programs number from 0
        return known
    return None


def _places_by_time(groups: Sequence[Sequence[CsvRow]], count: int) -> list[int] | None:
    """Return 0-based places if the times match the regular grid of all frames.

    At least one step must be a single frame; otherwise multiples of the frame rate would match too.
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
    """Return the frames in the order in which OpenFace processed them.

    ``-fdir`` sorts by name (10.png before 2.png) and writes no times; a video has the order of the
    numbers.
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
