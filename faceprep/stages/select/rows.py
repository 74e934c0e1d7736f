"""Rows of a shard of select: their table, and the checksums of their files."""

import hashlib
import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

import pyarrow as pa

from faceprep.datasets.base import FrameRow
from faceprep.workspace.schemas import SCHEMAS

_CHUNK = 64
_BLOCK = 1 << 20

Result = TypeVar("Result")


def table_of(rows: Sequence[FrameRow]) -> pa.Table:
    """Build the table of a shard without checksums, column by column for speed."""
    columns = dict(zip(FrameRow._fields, zip(*rows, strict=True), strict=True))
    arrays = []
    for field in SCHEMAS["select"]:
        if field.name not in columns:
            arrays.append(pa.nulls(len(rows), field.type))
        elif field.name == "attributes":
            arrays.append(_attributes(columns[field.name], field.type))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    return pa.Table.from_arrays(arrays, schema=SCHEMAS["select"])


def with_checksums(table: pa.Table, checksums: Sequence[str | None]) -> pa.Table:
    """Fill the column ``sha256``."""
    index = table.schema.get_field_index("sha256")
    field = table.schema.field(index)
    return table.set_column(index, field, pa.array(checksums, field.type))


def content_hash(table: pa.Table) -> str:
    """Hash the values of a table to 16 hexadecimal digits."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:16]


def cut(rows: Iterable[FrameRow], size: int) -> Iterator[list[FrameRow]]:
    """Cut rows into shards of at most ``size``; only sequences longer than ``size`` are cut."""
    shard: list[FrameRow] = []

    def group(row: FrameRow) -> object:
        return None if row.sequence is None else (row.subject, row.sequence)

    for key, members in itertools.groupby(rows, key=group):
        if key is None:
            for row in members:
                if len(shard) == size:
                    yield shard
                    shard = []
                shard.append(row)
            continue
        sequence = list(members)
        if shard and len(shard) + len(sequence) > size:
            yield shard
            shard = []
        shard += sequence
        while len(shard) > size:
            yield shard[:size]
            shard = shard[size:]
    if shard:
        yield shard


def in_chunks(pool: Executor, work: Callable[[str], Result], paths: Sequence[str]) -> list[Result]:
    """Call ``work`` on every path, in chunks to reduce the overhead of tasks."""

    def do(chunk: Sequence[str]) -> list[Result]:
        return [work(path) for path in chunk]

    chunks = [paths[k : k + _CHUNK] for k in range(0, len(paths), _CHUNK)]
    return [result for results in pool.map(do, chunks) for result in results]


def fingerprint(path: str) -> tuple[int, int] | None:
    """Return size and modification time (ns) of a file; None if it does not exist."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a million times, Path is slow
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def sha256(path: str) -> str | None:
    """Return the SHA-256 of a file, hexadecimal; None if it cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - opening a pipe would wait
            return None
        descriptor = os.open(path, os.O_RDONLY)
    except (OSError, ValueError):
        return None
    try:
        total = hashlib.sha256()
        while block := os.read(descriptor, _BLOCK):
            total.update(block)
        return total.hexdigest()
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _attributes(values: Sequence[Mapping[str, float] | None], kind: pa.DataType) -> pa.Array:
    given = [value for value in values if value is not None]
    if not given:
        return pa.nulls(len(values), kind)
    ends: list[Any] = list(itertools.accumulate(map(len, given), initial=0))
    known = iter(ends)
    offsets = [None if value is None else next(known) for value in values] + [ends[-1]]
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array(list(itertools.chain.from_iterable(given)), kind.key_type),
        pa.array([v for value in given for v in value.values()], kind.item_type),
    ).cast(kind)
