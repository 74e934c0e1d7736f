"""Find the expressions that names of folders mean."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, UsageError
from faceprep.datasets.folder.parts import folder_part
from faceprep.datasets.lexicon import number_of, word_expression
from faceprep.datasets.report import Report
from faceprep.datasets.words import WordReading, note_words, read_words, unknown_words

_LEVELS = 3
_WHAT = "names of folders"
# Numbers with more digits, like 001, count people or images.
_MAX_DIGITS = 2
# More different names than these are people or events rather than words for expressions.
_MAX_CLASSES = 16


def place_of(root: Path, table: str = "") -> str:
    """Return the names of a root and its table, which may tell the dataset."""
    return "/".join((*root.resolve().parts[-_LEVELS:], table))


def folder_words(folders: Mapping[str, int], select: SelectConfig, place: str) -> WordReading:
    """Find the meaning of the names of folders.

    Each level of folders is read as a whole. Codes and numbers count only if no level holds words.

    Parameters
    ----------
    folders
        Path of each folder with images, below the root → number of its images.
    select
        ``words`` and ``numbers``.
    place
        Names that may tell the scheme of numbers (`place_of`).
    """
    readings = [read_words(level, select, place) for level in _levels(folders)]
    used = [reading for reading in readings if _has_words(reading)]
    if not used:
        used = [reading for reading in reversed(readings) if reading.known and _is_short(reading)]
    merged = WordReading(Counter())
    for reading in used if _has_words(*used) else used[:1]:
        merged.expressions |= reading.expressions
        merged.guesses |= reading.guesses
        merged.scheme = merged.scheme or reading.scheme
        merged.alternatives = merged.alternatives or reading.alternatives
    counts: Counter[str] = Counter()
    for folder, count in folders.items():
        names = [name for name in folder.split("/") if name and not folder_part(name)]
        known = [name for name in names if name in merged.expressions]
        counts.update(dict.fromkeys((known or names)[-1:], count))
    return dataclasses.replace(merged, counts=counts)


def folder_expression(folder: str, reading: WordReading) -> str | None:
    """Return the expression of the innermost name that means one."""
    names = reversed(folder.split("/"))
    return next((found for name in names if (found := reading.expressions.get(name))), None)


def note_folders(
    reading: WordReading, folders: Mapping[str, int], select: SelectConfig, report: Report
) -> None:
    """Note what was guessed, and the folders without an expression, with their names and counts.

    Raises
    ------
    UsageError
        If no name means an expression, though there are a few that look like words; with
        ``select.unlabelled`` this is only a note.
    """
    if not reading.known:
        report.note("no folder names an expression: every image is unlabelled")
        words = [
            name
            for name in reading.unknown
            if name.isalpha() or (_is_number(name) and _is_short(reading))
        ]
        if 1 < len(words) <= _MAX_CLASSES and not select.unlabelled:
            error = unknown_words(reading, _WHAT)
            keep = Again({"select.unlabelled": True}, note="keeps all unlabelled")
            hints = error.hint if isinstance(error.hint, tuple) else ()
            raise UsageError(error.message, (*hints, keep))
    else:
        for folder in folders:
            if folder and folder_expression(folder, reading) is None:
                report.note("folder that names no expression: its images are unlabelled", folder)
    note_words(reading, select, report, _WHAT)


def _levels(folders: Mapping[str, int]) -> list[Counter[str]]:
    """Return the names at each depth with the numbers of images below them, without parts."""
    levels: list[Counter[str]] = []
    for folder, count in folders.items():
        names = [name for name in folder.split("/") if name and not folder_part(name)]
        for depth, name in enumerate(names):
            if depth == len(levels):
                levels.append(Counter())
            levels[depth][name] += count
    return levels


def _has_words(*readings: WordReading) -> bool:
    """Return whether a name is a word of some language, or one that the settings explain."""
    return any(
        meant and (word_expression(word) or (word not in reading.guesses and not _is_number(word)))
        for reading in readings
        for word, meant in reading.expressions.items()
    )


def _is_number(word: str) -> bool:
    return number_of(word) is not None


def _is_short(reading: WordReading) -> bool:
    """Return whether numbers, if there are any, are short, as numbers of classes are."""
    return all(len(word) <= _MAX_DIGITS for word in reading.counts if _is_number(word))
