"""Find the table that labels a folder of photographs, and read the frames that it lists."""

from collections.abc import Collection, Iterator
from pathlib import Path

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, Shell, UsageError
from faceprep.core.files import nearest_path
from faceprep.datasets.base import FrameRow
from faceprep.datasets.folder.columns import lists_images, read_columns, read_parts
from faceprep.datasets.folder.formats import (
    SPREADSHEETS,
    SUFFIXES,
    column_names,
    refuse_other_formats,
)
from faceprep.datasets.folder.labels import place_of
from faceprep.datasets.folder.parts import PARTS
from faceprep.datasets.folder.table_images import locate_images
from faceprep.datasets.folder.table_rows import rows_of
from faceprep.datasets.folder.table_splits import TableName
from faceprep.datasets.report import Report

_LABEL_NAMES = ("labels", "metadata")
#: Names of tables that are read without being configured.
LABEL_TABLES = (
    *(f"{name}{suffix}" for name in _LABEL_NAMES for suffix in SUFFIXES),
    "labels.txt",
)
_LISTS = (".txt", ".lst")
#: Files in a folder that are looked into; datasets have thousands of small texts.
_FEW = 20


def find_table(root: Path, select: SelectConfig, report: Report) -> Path | None:
    """Return the table of ``select.table``, or ``labels.csv`` (``.parquet``, ``.tsv``) in the root.

    The root itself stands for one table in each folder of a part (``train/metadata.csv`` …).

    Raises
    ------
    UsageError
        If ``select.table`` names no file.
    """
    if select.table is not None:
        for path in (select.table.expanduser(), root / select.table):
            if path.is_file():
                return path
        near = nearest_path(select.table.expanduser()) or nearest_path(root / select.table)
        hint = Again({"select.table": near}) if near else Shell(("ls", str(root)))
        raise UsageError(f"no table {select.table} (select.table)", hint)
    found = sorted(path for path in root.iterdir() if path.is_file() and _may_be_table(path))
    for path in found:
        if path.name.lower() not in LABEL_TABLES:
            continue
        refuse_other_formats(path)
        try:
            read_columns(path, Report())
        except UsageError as error:
            report.note(f"{path.name} is not used: {error.message.removeprefix(str(path)).strip()}")
        else:
            report.note(f"labels are those of {path.name}; images that it does not list stay out")
            return path
    for path in found:
        if path.stem.lower() in _LABEL_NAMES:
            refuse_other_formats(path)
        elif path.suffix.lower() not in SPREADSHEETS and lists_images(column_names(path)):
            report.note(f"{path.name} is not read, but lists images: select.table={path.name}")
    parts = part_tables(root)
    if len({path.parent for path in parts}) < max(len(parts), 1):
        return None
    names = ", ".join(path.relative_to(root).as_posix() for path in parts)
    report.note(f"labels are those of {names}; images that they do not list stay out")
    return root


def part_tables(root: Path) -> list[Path]:
    """Return the tables of folders named like parts of a split, as Hugging Face places them."""
    return [
        path
        for folder in sorted(root.iterdir())
        if folder.is_dir() and folder.name.lower() in PARTS
        for path in sorted(folder.iterdir())
        if path.name.lower() in LABEL_TABLES
    ]


def note_tables(root: Path, folder: str, names: Collection[str], report: Report) -> None:
    """Note the files in a folder below the root, if they are few, that list images."""
    for name in sorted(names) if len(names) <= _FEW else ():
        path = root / folder / name
        if name.lower() in LABEL_TABLES:
            text = "table below the root, not used: point --root at its folder to use it"
            report.note(text, f"{folder}/{name}")
        elif path.suffix.lower() in (*SUFFIXES, *_LISTS) and lists_images(column_names(path)):
            report.note(f"{name} is not read, but lists images: select.table={folder}/{name}")


def _may_be_table(path: Path) -> bool:
    return path.suffix.lower() in (*SUFFIXES, *SPREADSHEETS, *_LISTS)


def table_frames(
    root: Path, table: Path, select: SelectConfig, report: Report
) -> Iterator[FrameRow]:
    """Yield the rows of a table by subject, sequence, frame and path.

    Raises
    ------
    UsageError
        If too many images are missing, a value is invalid, or a subject is in two parts.
    """
    parts = part_tables(root) if table == root else []
    columns = read_parts(root, parts, report) if parts else read_columns(table, report)
    if parts:
        table = root / parts[0].name
    columns, paths = locate_images(columns, root, table, select.max_missing, report)
    name = TableName("folder", str(table), table.name, place_of(root, table.name))
    yield from rows_of(columns, paths, name, select, report)
