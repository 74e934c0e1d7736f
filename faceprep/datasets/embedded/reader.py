"""Read tables that hold the images themselves: FER2013, CK+ as CSV, Parquet of Hugging Face."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, UsageError
from faceprep.datasets.base import FrameRow, Reader
from faceprep.datasets.embedded.sources import ImageTable, find_tables
from faceprep.datasets.folder.columns import choose_columns, lists_images
from faceprep.datasets.folder.formats import column_names
from faceprep.datasets.folder.labels import place_of
from faceprep.datasets.folder.table_rows import rows_of
from faceprep.datasets.folder.table_splits import TableName
from faceprep.datasets.report import Report

_SPLIT = "split"


@dataclass(frozen=True)
class EmbeddedContents:
    """Hold the tables at a root."""

    root: Path
    tables: tuple[ImageTable, ...]


class TableReader(Reader):
    """Read tables that hold images; the paths are those of the extracted images."""

    name = "table"
    layout = """\
  FILE.csv                              emotion, pixels[, Usage] (fer2013.csv, ckextended.csv)
  or
  FILE.parquet                          embedded images with a label (Hugging Face)
  or
  ROOT/
    train-00000-of-00001.parquet  test-00000-of-00001.parquet …     at any depth
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> EmbeddedContents | None:
        """Find tables with images.

        Raises
        ------
        UsageError
            If a folder has several CSV files, which may hold the same images, or a table only names
            images.
        """
        tables = find_tables(root)
        if not tables and root.is_file() and lists_images(column_names(root)):
            folder = {"select.dataset": "folder", "select.root": str(root.parent)}
            raise UsageError(
                f"{root} names images and does not hold them",
                Again({**folder, "select.table": str(root)}, note="reads images beside a table"),
            )
        csv = [table for table in tables if table.pixels]
        named = len(csv) > 1 and all(table.part for table in csv)
        if len(csv) > 1 and not (named and len({table.part for table in csv}) == len(csv)):
            names = ", ".join(str(table.path.relative_to(root)) for table in csv)
            raise UsageError(
                f"{root} has several tables of pixels, which may hold the same images: {names}",
                Again({"select.root": str(csv[0].path)}, note="reads one of them"),
            )
        return EmbeddedContents(root, tuple(tables)) if tables else None

    def frames(
        self, contents: EmbeddedContents, select: SelectConfig, report: Report
    ) -> Iterator[FrameRow]:
        """Yield the rows as for a table of a folder, with the paths of the extracted images."""
        pieces = []
        for table in contents.tables:
            piece = table.labels(report)
            if table.part and _SPLIT not in {name.casefold() for name in piece.column_names}:
                part = pa.array([table.part] * piece.num_rows, pa.string())
                piece = piece.append_column(_SPLIT, part)
            pieces.append(piece)
        raw = pa.concat_tables(pieces, promote_options="permissive")
        first = contents.tables[0].path
        name = first.name if len(contents.tables) == 1 else contents.root.name
        columns = choose_columns(raw, first, report)
        place = place_of(contents.root if contents.root.is_dir() else first.parent, first.name)
        names = TableName(self.name, str(contents.root), name, place)
        yield from rows_of(
            columns, columns.table.column("image").to_pylist(), names, select, report
        )

    def nearest(self, root: Path) -> str | None:
        """Count the tables without images."""
        names = [path.name for path in sorted(root.glob("*.csv")) + sorted(root.glob("*.parquet"))]
        return f"tables without pixels or images: {', '.join(names[:4])}" if names else None


READER = TableReader()
