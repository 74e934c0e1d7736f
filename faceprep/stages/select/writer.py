"""Write the changed shards of the select manifest."""

import os
import time
from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from faceprep.config import Config
from faceprep.core.errors import FaceprepError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.datasets.base import FrameRow
from faceprep.datasets.report import Tally
from faceprep.execution.plan import Options
from faceprep.execution.runner import workers
from faceprep.execution.shard import versions
from faceprep.stages.select.comparison import Comparison, Differences
from faceprep.stages.select.duplicates import Contents
from faceprep.stages.select.result import SelectResult
from faceprep.stages.select.rows import (
    content_hash,
    fingerprint,
    in_chunks,
    sha256,
    table_of,
    with_checksums,
)
from faceprep.stages.select.summary import Counter
from faceprep.workspace import Workspace
from faceprep.workspace.pending import (
    pending_shard,
    remove_abandoned,
    shards_in_hand,
    wait_for_others,
)

#: Incremented when a change of code affects the rows.
VERSION = 1

_BYTES_PER_ROW = 200
#: Columns on which no crop depends; a change of the split or of the labels keeps the crops.
_NOT_IN_CROPS = ("split", "fold", "expression", "attributes")


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings that determine a row, without `limit`."""
    return {key: value for key, value in config.select.settings().items() if key != "limit"}


def config_hash(config: Config) -> str:
    """Hash the settings that determine a row."""
    return digest(
        {"settings": settings_of(config), "shard_size": config.shard_size, "version": VERSION}
    )


class Writer:
    """Writer of the select manifest.

    Attributes
    ----------
    counter
        Counts of the rows.
    result
        Result so far.
    contents
        Checksums of the rows.
    missing
        Frames whose file cannot be read.
    comparison
        Comparison of a dry run with the finished selection; None without one.
    """

    def __init__(self, config: Config, options: Options, progress: Progress, root: Path) -> None:
        self._config, self._options, self._progress = config, options, progress
        self._workspace = Workspace(config.workspace)
        self._root = os.path.abspath(root)  # noqa: PTH100 - links stay as the user wrote them
        self._ids = array("q")
        self._in_parallel = False
        self._hash = config_hash(config)
        self._provenance = {"settings": settings_of(config), "versions": versions()}
        self.counter = Counter()
        self.contents = Contents()
        self.missing = Tally()
        compared = options.dry_run and not options.may_replace
        self.comparison = Comparison(self._workspace) if compared else None
        self._inputs: list[str] = []
        self.result = SelectResult(
            "select", shards=0, done_before=0, todo=[], rows=0, dry_run=options.dry_run
        )

    def write(self, shards: Iterable[list[FrameRow]]) -> None:
        """Write every shard that changed.

        Raises
        ------
        FaceprepError
            Two frames have the same ``face_id``.
        """
        self._progress.start("select", None)
        try:
            with ThreadPoolExecutor(workers(self._config)) as pool:
                for shard, rows in enumerate(shards):
                    for row in rows:
                        self.counter.add(row)
                    self._ids.extend([hash(row.face_id) for row in rows])
                    self.contents.add(rows)
                    self.contents.add_checksums(self._write_shard(shard, rows, pool))
                    self.result.shards += 1
                    self.result.rows += len(rows)
                    self._progress.update(self.result.rows)
        finally:
            self._progress.finish()
        _check_unique(self._ids)

    def _write_shard(
        self, shard: int, rows: list[FrameRow], pool: ThreadPoolExecutor
    ) -> Sequence[str | None]:
        """Write a shard unless it is done; return the checksums, unknown before a dry run."""
        started = time.monotonic()
        paths = [f"{self._root}/{row.path}" for row in rows]
        table = table_of(rows)
        content = content_hash(table)
        files = in_chunks(pool, fingerprint, paths)
        for row, file in zip(rows, files, strict=True):
            if file is None:
                self.missing.add(row.path, 1)
        input_hash = digest([content, files])
        self._inputs.append(input_hash)
        done = self._workspace.is_done("select", shard, input_hash, self._hash)
        if done and not self._options.overwrite:
            self.result.done_before += 1
            return self._written_checksums(shard)
        self.result.todo.append(shard)
        self.result.disk_bytes += _BYTES_PER_ROW * len(rows)
        if self.comparison is not None:
            self.comparison.add(
                table, lambda numbers: in_chunks(pool, sha256, [paths[k] for k in numbers])
            )
        if self._options.dry_run:
            return [None] * len(rows)
        self._open_for_writing()
        if self._written_by_another(shard, input_hash):
            return self._written_checksums(shard)
        with pending_shard(self._workspace, "select", shard) as pending:
            checksums = in_chunks(pool, sha256, paths)
            # File times are in the marker only, so that the bytes of the part are
            # reproducible.
            rows_with_checksums = with_checksums(table, checksums)
            pending.commit(
                rows_with_checksums,
                input_hash=input_hash,
                config_hash=self._hash,
                provenance={**self._provenance, "input": content},
                seconds=round(time.monotonic() - started, 3),
                content=content_hash(rows_with_checksums.drop_columns(list(_NOT_IN_CROPS))),
            )
        self.result.rows_made += len(rows)
        return checksums

    def made(self) -> str:
        """Return the hash of the selection, which recognizes it after an interruption."""
        return digest([self._hash, self._inputs])

    def differences(self) -> Differences:
        """Return what the selection of a dry run would change in the finished one."""
        ids = np.frombuffer(self._ids, dtype=np.int64) if len(self._ids) else np.empty(0, np.int64)
        return Differences() if self.comparison is None else self.comparison.finish(ids)

    def _written_checksums(self, shard: int) -> list[str | None]:
        with pq.ParquetFile(self._workspace.part("select", shard)) as part:
            return part.read(["sha256"]).column(0).to_pylist()

    def _written_by_another(self, shard: int, input_hash: str) -> bool:
        """Wait for a process that is writing the shard; return whether the shard is done."""
        return (
            self._in_parallel
            and wait_for_others(self._workspace, "select", shard)
            and self._workspace.is_done("select", shard, input_hash, self._hash)
        )

    def _open_for_writing(self) -> None:
        """Remove ``stage.json`` before the first change, so that no stage reads a partial one."""
        if len(self.result.todo) == 1:
            folder = self._workspace.folder("select")
            self._workspace.make_folder("select")
            remove_abandoned(self._workspace, "select")
            # Checked once, because a check lists every shard. Two commands that start at the same
            # time write equal bytes twice.
            self._in_parallel = bool(shards_in_hand(self._workspace, "select"))
            (folder / "stage.json").unlink(missing_ok=True)


def _check_unique(hashes: "array[int]") -> None:
    """Check that readers return unique ids; a million of them take 16 MB."""
    numbers = np.sort(np.frombuffer(hashes, dtype=np.int64)) if len(hashes) else np.empty(0)
    if (numbers[1:] == numbers[:-1]).any():
        raise FaceprepError("two selected frames have the same face_id: the reader is wrong")
