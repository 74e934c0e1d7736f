"""Validate, write and read manifests, the Parquet tables between the stages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from faceprep.core.errors import ManifestError, Remedy
from faceprep.core.files import file_sha256
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.workspace.schemas import (
    COLUMN_WORDS,
    METADATA_KEY,
    SCHEMA_VERSION,
    SCHEMAS,
    schema_of,
)
from faceprep.workspace.workspace import Workspace

#: One row of a manifest: column → value.
Row = dict[str, Any]

_PATHS = ("path", "crop", "heatmap")
_DOUBTFUL_PATH = r"^$|^/|\.\.|\x00|^(?s:.):"


def table_from_rows(stage: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Build the table of a stage from its rows; absent keys are null.

    Raises
    ------
    ManifestError
        A value does not fit its column, or a key is not a column.
    """
    schema = schema_of(stage)
    unknown = {key for row in rows for key in row} - set(schema.names)
    if unknown:
        raise ManifestError(f"{stage}: no such column: {', '.join(sorted(unknown))}")
    try:
        return pa.Table.from_pylist(list(rows), schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise ManifestError(f"{stage}: a value does not fit its column: {error}") from None


def validate(table: pa.Table, stage: str, source: str = "table") -> None:
    """Check a table against the schema and the rules of its stage.

    `table`: rows of one shard, or of several.
    `stage`: argument of `schema_of`.
    `source`: name of the table in errors.
    Raises `ManifestError`: columns or types differ from the schema, a required value is null, a
        ``face_id`` is repeated, a word is not in its vocabulary, a failed status has no reason, an
        intensity is outside 0–5, or a path is absolute or leaves its root.
    """
    schema = schema_of(stage)
    if not table.schema.remove_metadata().equals(schema):
        difference = _difference(table.schema, schema)
        raise ManifestError(f"{source}: not a {stage} manifest: {difference}")
    for field in schema:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            raise ManifestError(f"{source}: {field.name} is null in {column.null_count} rows")
    if pc.count_distinct(table.column("face_id")).as_py() != table.num_rows:
        raise ManifestError(f"{source}: face_id is not unique")
    for name, words in COLUMN_WORDS.items():
        if name in schema.names:
            _check_words(table.column(name), words, f"{source}: {name}")
    if "status" in schema.names:
        failed = table.filter(pc.not_equal(table.column("status"), "ok"))
        if failed.column("reason").null_count:
            raise ManifestError(f"{source}: a row that is not ok has no reason")
    for name in set(_PATHS) & set(schema.names):
        column = table.column(name).drop_null()
        # Check the whole column first: single paths are slow for millions of rows.
        doubtful = column.filter(pc.match_substring_regex(column, _DOUBTFUL_PATH))
        for path in doubtful.to_pylist():
            safe_path(path, source)
    for name in set(COLUMNS_R) & set(schema.names):
        values = table.column(name).drop_null()
        inside = pc.and_(pc.greater_equal(values, 0), pc.less_equal(values, 5))
        if len(values) and not pc.all(inside).as_py():
            raise ManifestError(f"{source}: {name} lies outside 0–5")


def safe_path(path: str, source: str = "manifest") -> PurePosixPath:
    """Return a manifest's path, after checking that it is below its root.

    Raises `ManifestError`: it is empty, absolute, or leaves its root.
    """
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\0" in path or path[1:2] == ":":
        raise ManifestError(f"{source}: path leaves its root: {path!r}")
    return pure


def inside(root: Path, path: str, source: str = "manifest") -> Path:
    """Return the file of a manifest's path.

    Symbolic links below the root may lead anywhere, because users combine datasets with them.

    Raises
    ------
    ManifestError
        The path itself leaves the root.
    """
    return root / safe_path(path, source)


def write_part(path: Path, table: pa.Table, stage: str, provenance: Mapping[str, Any]) -> str:
    """Validate and write one shard; return the SHA-256 of the file.

    Equal tables and provenance give equal bytes (within one version of pyarrow).
    """
    validate(table, stage, path.name)
    record = {"stage": stage, "schema_version": SCHEMA_VERSION, **provenance}
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, default=str)
    table = table.replace_schema_metadata({METADATA_KEY: text.encode()})
    pq.write_table(table, path, compression="zstd")
    return file_sha256(path)


def _redo(path: Path, stage: str) -> Remedy:
    """Return the command that makes a part of a stage again."""
    folder = path.parent.parent if path.parent.name.startswith("from-") else path.parent
    return Workspace(folder.parents[stage.count("/")]).redo(stage)


def read_part(path: Path, stage: str) -> pa.Table:
    """Read and validate one shard.

    Raises
    ------
    ManifestError
        The file is missing, is not Parquet, or violates the schema.
    """
    schema, redo = schema_of(stage), _redo(path, stage)
    try:
        with pq.ParquetFile(path) as file:  # read_table would import pandas, 0.3 s a process
            table = file.read()
    except FileNotFoundError:
        raise ManifestError(f"no manifest {path}", redo) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise ManifestError(f"{path} is not readable Parquet: {error}", redo) from None
    table = table.cast(schema) if _same_names(table.schema, schema) else table
    validate(table, stage, str(path))
    return table


def read_provenance(path: Path) -> dict[str, Any]:
    """Return the provenance in a manifest's Parquet metadata; empty if there is none."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        redo = _redo(path, path.parent.name) if path.parent.name in SCHEMAS else None
        raise ManifestError(f"{path} is not readable Parquet: {error}", redo) from None
    return dict(json.loads(metadata.get(METADATA_KEY, b"{}")))


def _check_words(column: pa.ChunkedArray, words: Iterable[str], where: str) -> None:
    found = set(pc.unique(column.drop_null()).to_pylist())
    strange = sorted(found - set(words))
    if strange:
        raise ManifestError(f"{where} has {strange[0]!r}; known: {', '.join(words)}")


def _same_names(found: pa.Schema, wanted: pa.Schema) -> bool:
    return found.names == wanted.names and all(
        f.type == w.type for f, w in zip(found, wanted, strict=True)
    )


def _difference(found: pa.Schema, wanted: pa.Schema) -> str:
    missing = [name for name in wanted.names if name not in found.names]
    extra = [name for name in found.names if name not in wanted.names]
    if missing or extra:
        return f"missing {missing or 'nothing'}, unexpected {extra or 'nothing'}"
    wrong = [f"{f.name} is {f.type}" for f, w in zip(found, wanted, strict=False) if f != w]
    return "; ".join(wrong) or "columns are in another order"
