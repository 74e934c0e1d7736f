"""Sections of a contact sheet: the faces under each heading, and the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.core.vocabulary import EXPRESSIONS, STATUSES, plural
from faceprep.report.sheets.tiles import HEIGHTS
from faceprep.workspace import face_index as faces
from faceprep.workspace.face_index import Index

COLUMNS = 9
GUTTER = 12
FEWEST_COLUMNS = 4


@dataclass
class Section:
    """Tiles under one heading."""

    title: str
    notes: list[str]
    kind: str
    positions: np.ndarray
    across: int = 1

    def lines(self, columns: int) -> int:
        """Return the number of rows of tiles for a number of columns."""
        return -(-len(self.positions) // (columns // self.across))

    def height(self, columns: int) -> int:
        """Return the height in pixels; a section without tiles has one row."""
        return max(1, self.lines(columns)) * HEIGHTS[self.kind] + GUTTER


def columns_for(per_expression: int) -> int:
    """Return the number of columns; a sheet of few faces is narrow."""
    return max(FEWEST_COLUMNS, min(COLUMNS, per_expression))


def sections_of(
    index: Index, heatmaps: bool, kind: str, per_expression: int, failures: bool, seed: int
) -> list[Section]:
    """Choose the faces of every section.

    `kind` is that of the tiles of the expressions, ``face`` or ``pair``; heatmaps and failures are
    optional sections.
    """
    ok = index.where(status="ok")
    columns = columns_for(per_expression)
    found = []
    for expression in (*EXPRESSIONS, faces.UNLABELLED):
        everyone = index.where(expression=expression)
        among = np.intersect1d(everyone, ok, assume_unique=True)
        if not len(everyone):
            continue
        subjects = len(np.unique(index.codes["subject"][everyone]))
        notes = [plural(len(everyone), "face"), plural(subjects, "subject")]
        if len(among) < len(everyone):
            notes.append(f"{len(everyone) - len(among):,} not aligned")
        picked = faces.choose(index, among, per_expression, seed)
        found.append(Section(expression, notes, kind, picked))
    least = ok[np.argsort(index.confidence[ok], kind="stable")]
    least = least[np.isfinite(index.confidence[least])]
    if len(least) > columns and np.ptp(index.confidence[least]) > 0:
        notes = ["lowest confidence", "among all faces"]
        found.append(Section("Least certain", notes, "face", least[:columns]))
    if heatmaps:
        picked = faces.choose(index, ok, columns // 3, seed + 1)
        notes = ["crop, 68 landmarks,", "heatmap"]
        found.append(Section("Heatmaps", notes, "heatmap", picked, across=3))
    if failures:
        picked = faces.choose_failures(index, 2 * columns, seed)
        counts = index.count("status")
        notes = [f"{counts[(s,)]:,} {s}" for s in STATUSES if s != "ok" and (s,) in counts]
        if len(picked):
            found.append(Section("Not aligned", notes, "failure", picked))
    return found


def shorten_to_fit(sections: Sequence[Section], columns: int, room: int) -> None:
    """Remove rows of tiles from the longest sections, then the crops without landmarks.

    Every section keeps one row, even if the sheet is higher than ``room`` pixels.
    """

    def height() -> int:
        return sum(section.height(columns) for section in sections)

    while height() > room:
        longest = max(sections, key=lambda section: section.lines(columns))
        lines = longest.lines(columns)
        if lines <= 1:
            break
        longest.positions = longest.positions[: (lines - 1) * (columns // longest.across)]
    if height() > room:
        for section in sections:
            section.kind = "face" if section.kind == "pair" else section.kind
