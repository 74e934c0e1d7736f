"""Find tables that hold images: CSV with pixels, or Parquet with embedded image files."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from faceprep.core.errors import UsageError
from faceprep.core.tree import is_image, walk
from faceprep.datasets.folder.parts import part_of
from faceprep.datasets.report import Report

_PIXELS = ("pixels", "pixel", "image_pixels")
_PIXEL = re.compile(r"pixel_?\d+", re.IGNORECASE)
_IMAGES = ("image", "img", "images", "picture", "photo", "face", "pixels", "bytes")
_SAFE_NAME = re.compile(r"[^/\\:*?\"<>|\x00-\x1f]+")
_PART = re.compile(r"([A-Za-z]+)(?:[-_]\d.*)?")
_MAX_DEPTH = 4
_HEAD = 1 << 16
_BLOCK = 1 << 24
_ROWS = 256


@dataclass(frozen=True)
class ImageTable:
    """Hold one file with images.

    Attributes
    ----------
    path
        File.
    image
        Name of the column of images, as in the file; of the first one for a column per pixel.
    pixels
        Names of the columns of pixels; empty for embedded image files.
    part
        Part of the split that the name of the file or of its folder tells.
    """

    path: Path
    image: str
    pixels: tuple[str, ...] = ()
    part: str | None = None

    @property
    def folder(self) -> str:
        """Name of the folder of the extracted images."""
        return self.path.name.partition(".")[0]

    def batches(self, report: Report | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows; of a CSV as strings.

        Raises
        ------
        UsageError
            If the file is no valid table.
        """
        try:
            if self.pixels:
                yield from _open_csv(self.path, report)
            else:
                with pq.ParquetFile(self.path) as file:
                    yield from file.iter_batches(_ROWS)
        except pa.ArrowInvalid as error:
            reason = str(error).splitlines()[0]
            raise UsageError(f"{self.path} cannot be read as a table: {reason}") from None

    def labels(self, report: Report) -> pa.Table:
        """Return the other columns, with ``image`` as the name of each extracted image.

        Labels of a Hugging Face data set are words instead of numbers.
        """
        if self.pixels:
            batches = [pa.Table.from_batches([batch]) for batch in self.batches(report)]
            size = sum(batch.num_rows for batch in batches)
            table = pa.concat_tables([batch.drop_columns([*self.pixels]) for batch in batches])
            table = table.rename_columns([name.strip() for name in table.column_names])
            names = [f"{k:06d}.png" for k in range(size)]
        else:
            table, names = self._embedded_labels()
        images = pa.array([f"{self.folder}/{name}" for name in names], pa.string())
        others = {name: table.column(name) for name in table.column_names if name != "image"}
        return pa.table({"image": images, **others})

    def _embedded_labels(self) -> tuple[pa.Table, list[str]]:
        with pq.ParquetFile(self.path) as file:
            schema = file.schema_arrow
            others = [field.name for field in schema if not _holds_images(field.type)]
            table = file.read(others)
            kind = schema.field(self.image).type
            paths: list[str | None] = [None] * file.metadata.num_rows
            if pa.types.is_struct(kind) and kind.get_field_index("path") >= 0:
                column = file.read([f"{self.image}.path"]).column(0).combine_chunks()
                paths = [row["path"] if row else None for row in column.to_pylist()]
            table = _with_class_names(table, schema.metadata)
        names = [(path or "").replace("\\", "/").rpartition("/")[2] for path in paths]
        usable = all(is_image(name) and _SAFE_NAME.fullmatch(name) for name in names)
        if not usable or len({name.casefold() for name in names}) < len(names):
            ending = self._ending()
            names = [f"{k:06d}{ending}" for k in range(len(names))]
        return table, names

    def _ending(self) -> str:
        """Return the ending of the first image, by its content."""
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(1, columns=[self.image]):
                data = image_bytes(batch.column(0)[0].as_py()) or b""
                return ".jpg" if data.startswith(b"\xff\xd8") else ".png"
        return ".png"


def image_bytes(value: Any) -> bytes | None:
    """Return the file in a cell: bytes, or a struct of ``bytes`` and ``path``."""
    data = value.get("bytes") if isinstance(value, dict) else value
    return bytes(data) if data else None


def find_tables(root: Path) -> list[ImageTable]:
    """Return the tables with images at a root, which is a file or a folder, by path."""
    if root.is_file():
        found = _image_table(root)
        return [found] if found else []
    tables = []
    for folder in walk(root, max_depth=_MAX_DEPTH, wants=_may_hold_images):
        for name in folder.files:
            found = _image_table(root / folder.join(name))
            if found:
                tables.append(found)
    return tables


def _may_hold_images(name: str) -> bool:
    return name.lower().endswith((".csv", ".parquet"))


def _image_table(path: Path) -> ImageTable | None:
    try:
        if path.suffix.lower() == ".parquet":
            schema = pq.read_schema(path)
            names = [field.name for field in schema if _holds_images(field.type)]
            names.sort(key=lambda name: name.casefold() not in _IMAGES)
            return ImageTable(path, names[0], part=_part(path)) if names else None
        if path.suffix.lower() != ".csv":
            return None
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            header = stream.readline(_HEAD)
    except (OSError, pa.ArrowInvalid):
        return None
    columns = [name.strip("\r\n").strip('"') for name in header.split(",")]
    pixels = [name for name in columns if _plain(name) in _PIXELS]
    pixels = pixels or [name for name in columns if _PIXEL.fullmatch(_plain(name))]
    return ImageTable(path, pixels[0], tuple(pixels), _part(path)) if pixels else None


def _plain(name: str) -> str:
    return name.strip().strip('"').casefold()


def _holds_images(kind: pa.DataType) -> bool:
    """Return whether values of a column are files: bytes, or a struct with ``bytes``."""
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_images(kind.field(place).type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _part(path: Path) -> str | None:
    """Return the part in ``train.csv``, ``train-00000-of-00001.parquet`` or ``train/0.parquet``."""
    for name in (path.name.partition(".")[0], path.parent.name):
        match = _PART.fullmatch(name)
        if match and part_of(match[1]):
            return part_of(match[1])
    return None


def _open_csv(path: Path, report: Report | None) -> Iterator[pa.RecordBatch]:
    def skip(row: Any) -> str:
        if report is not None:
            reason = f"line of {path.name} with another number of fields"
            report.leave_out(reason, str(row.number or ""))
        return "skip"

    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        header = stream.readline(_HEAD)
    names = [name.strip("\r\n").strip('"') for name in header.split(",")]
    reader = pv.open_csv(
        path,
        read_options=pv.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=pv.ParseOptions(invalid_row_handler=skip),
        convert_options=pv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    yield from reader


def _with_class_names(table: pa.Table, metadata: dict[bytes, bytes] | None) -> pa.Table:
    """Replace numbers of classes by the names in the metadata of Hugging Face."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return table
    for name, feature in features.items():
        words = feature.get("names") if isinstance(feature, dict) else None
        if not words or name not in table.column_names:
            continue
        index = table.column_names.index(name)
        numbers = table.column(name).to_pylist()
        texts = [words[n] if isinstance(n, int) and 0 <= n < len(words) else None for n in numbers]
        table = table.set_column(index, name, pa.array(texts, pa.string()))
    return table
