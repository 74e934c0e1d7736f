"""Which frames, whose face, which expression, which split: a dataset becomes a manifest."""

import hashlib
import itertools
import os
import shlex
import time
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.config import STAGES, Config
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.datasets.base import FrameRow
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report
from faceprep.execution.options import Options
from faceprep.execution.plan import StageResult
from faceprep.execution.runner import workers
from faceprep.execution.shard import explain_os_error, versions
from faceprep.stages.select.rows import (
    content_hash,
    cut,
    fingerprint,
    in_chunks,
    sha256,
    table_of,
    with_checksums,
)
from faceprep.stages.select.summary import Counter, Summary
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import SCHEMA_VERSION

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Raised whenever the same dataset and settings give other rows.
VERSION = 1

_BYTES_PER_ROW = 200


@dataclass
class SelectResult(StageResult):
    """What became of the selection.

    Attributes
    ----------
    summary
        Counts by expression and split, what was left out, notes.
    dry_run
        Whether nothing was written.
    """

    summary: Summary = field(default_factory=Summary)
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**vars(self), "summary": self.summary.as_dict()}


def run_select(config: Config, options: Options, progress: Progress) -> SelectResult:
    """Read the dataset and bring the select manifest up to date with it.

    A shard is left alone when its rows, and the size and time of every file behind them, are what
    they were. Frames stream through: memory grows with the number of subjects, not of frames.

    Raises
    ------
    UsageError
        When the root is not the dataset, nothing is selected, or a subject would be on both sides
        of a split.
    FaceprepError
        When the workspace cannot be written.
    """
    if config.select.dataset is None:
        raise _no_dataset(config)
    started = time.monotonic()
    root = config.dataset_root()
    report = Report()
    if config.select.table is not None and config.select.dataset != "folder":
        report.note(f"select.table is for --dataset folder: {config.select.table} is not read")
    reader, found = open_dataset(config.select.dataset, root, config.select, report)
    rows = itertools.islice(reader.frames(found, config.select, report), config.select.limit)
    selection = _Selection(config, options, progress, root)
    try:
        selection.take(_shards(rows, config.shard_size, report))
        _check_unique(selection.ids)
        if not selection.result.rows:
            raise _nothing_selected(config, root, report)
        result = selection.result
        result.summary = selection.counter.summary(report)
        result.summary.missing_files = selection.missing
        if "test" not in result.summary.totals:
            report.note(
                "no frame is in the test set (select.test_fraction and select.seed decide the draw)"
            )
        if not options.dry_run:
            selection.workspace.sweep("select")
            _finish(config, root, result)
    except OSError as error:
        raise explain_os_error(error, Workspace(config.workspace)) from error
    result.seconds = time.monotonic() - started
    return result


def _no_dataset(config: Config) -> UsageError:
    """Name the dataset that the workspace holds, where it does."""
    from faceprep.cli.commands.workspace import command

    place, what = Workspace(config.workspace), "no dataset is named (select.dataset)"
    recorded = place.info("select")
    dataset = recorded.get("settings", {}).get("dataset")
    if dataset is None:
        return UsageError(what, "--dataset oulu-casia|…|folder")
    holds = f"{place.root} holds {dataset} of {recorded.get('root')}"
    return UsageError(f"{what}; {holds}", command(place, "run"))


def config_hash(config: Config) -> str:
    """Hash of the settings that decide what a row says."""
    return digest(
        {"settings": _settings(config), "shard_size": config.shard_size, "version": VERSION}
    )


def render_summary(result: SelectResult) -> "RenderableType":
    """Draw the table of a selection for a terminal."""
    from faceprep.report.select_table import select_tables

    verb = "would make" if result.dry_run else "made"
    made = f"{verb} {len(result.todo)} of {result.shards} shards" if result.todo else "up to date"
    return select_tables(result.summary.as_dict(), f"selected {result.rows:,} frames: {made}")


class _Selection:
    """Takes shard after shard and commits those that changed."""

    def __init__(self, config: Config, options: Options, progress: Progress, root: Path) -> None:
        self.config, self.options, self.progress = config, options, progress
        self.workspace = Workspace(config.workspace)
        self.root = os.path.abspath(root)  # noqa: PTH100 - links stay as the user wrote them
        self.counter = Counter()
        self.ids = array("Q")
        self.missing = 0
        self.others = False
        self.hash = config_hash(config)
        self.provenance = {"settings": _settings(config), "versions": versions()}
        self.result = SelectResult(
            "select", shards=0, done_before=0, todo=[], rows=0, dry_run=options.dry_run
        )

    def take(self, shards: Iterator[list[FrameRow]]) -> None:
        """Take every shard in."""
        self.progress.start("select", None)
        try:
            with ThreadPoolExecutor(workers(self.config)) as pool:
                for shard, rows in enumerate(shards):
                    for row in rows:
                        self.counter.add(row)
                    self.ids.extend(_short_hash(row.face_id) for row in rows)
                    self._do(shard, rows, pool)
                    self.result.shards += 1
                    self.result.rows += len(rows)
                    self.progress.update(self.result.rows)
        finally:
            self.progress.finish()

    def _do(self, shard: int, rows: list[FrameRow], pool: ThreadPoolExecutor) -> None:
        started = time.monotonic()
        paths = [f"{self.root}/{row.path}" for row in rows]
        table = table_of(rows)
        content = content_hash(table)
        files = in_chunks(pool, fingerprint, paths)
        self.missing += files.count(None)
        input_hash = digest([content, files])
        done = self.workspace.is_done("select", shard, input_hash, self.hash)
        if done and not self.options.overwrite:
            self.result.done_before += 1
            return
        self.result.todo.append(shard)
        self.result.disk_bytes += _BYTES_PER_ROW * len(rows)
        if self.options.dry_run:
            return
        self._open_for_writing()
        if self._made_meanwhile(shard, input_hash):
            return
        with self.workspace.pending("select", shard) as pending:
            checksums = in_chunks(pool, sha256, paths)
            # A file's time stands in the marker only: the part is the same wherever it is made.
            pending.commit(
                with_checksums(table, checksums),
                input_hash=input_hash,
                config_hash=self.hash,
                provenance={**self.provenance, "input": content},
                seconds=round(time.monotonic() - started, 3),
            )
        self.result.rows_made += len(rows)

    def _made_meanwhile(self, shard: int, input_hash: str) -> bool:
        """Wait for another process that has the shard in hand; whether it did what was to do."""
        return (
            self.others
            and self.workspace.wait_for_others("select", shard)
            and self.workspace.is_done("select", shard, input_hash, self.hash)
        )

    def _open_for_writing(self) -> None:
        """Before the first change: without ``stage.json`` no later stage takes half a selection."""
        if len(self.result.todo) == 1:
            folder = self.workspace.folder("select")
            self.workspace.make_folder("select")
            self.workspace.sweep("select")
            # Asked once, for asking is one look at every shard. Two commands that start at the same
            # moment write the same bytes twice.
            self.others = bool(self.workspace.in_hand("select"))
            (folder / "stage.json").unlink(missing_ok=True)


def _shards(rows: Iterator[FrameRow], size: int, report: Report) -> Iterator[list[FrameRow]]:
    before: FrameRow | None = None
    for shard in cut(rows, size):
        sequence = (shard[0].subject, shard[0].sequence)
        if before and sequence[1] and sequence == (before.subject, before.sequence):
            text = f"sequence longer than a shard ({size} frames): it goes on in the next one"
            report.note(text, "/".join(map(str, sequence)))
        before = shard[-1]
        yield shard


def _finish(config: Config, root: Path, result: SelectResult) -> None:
    workspace = Workspace(config.workspace)
    for stage in STAGES:
        workspace.remove_shards(stage, result.shards)
    workspace.write_info(
        "select",
        {
            "stage": "select",
            "schema_version": SCHEMA_VERSION,
            "settings": _settings(config),
            "config": config.settings(),
            "versions": versions(),
            "root": str(root.absolute()),
            "table": _table(config),
            "shards": result.shards,
            "rows": result.rows,
            "summary": result.summary.as_dict(),
        },
    )
    result.status = workspace.counts("select")


def _settings(config: Config) -> dict[str, Any]:
    """What decides a row; `limit` decides only how many there are."""
    return {key: value for key, value in config.select.settings().items() if key != "limit"}


def _table(config: Config) -> str | None:
    """Name the table so that it is found from any folder; it may be relative to the root."""
    table = config.select.table
    if table is None:
        return None
    here = table.expanduser()
    return str(here.absolute() if here.is_file() else table)


def _nothing_selected(config: Config, root: Path, report: Report) -> UsageError:
    left_out = [
        f"{tally.count} × {reason} ({', '.join(tally.examples)})"
        for reason, tally in sorted(report.left_out.items())
    ]
    lines = [f"no frame of {config.select.dataset} selected below {root}", *report.notes, *left_out]
    unlabelled = any("unlabelled" in line for line in lines)
    hint = "--set select.unlabelled=true   keeps frames without a label" if unlabelled else None
    return UsageError("\n  ".join(lines), hint or f"ls {shlex.quote(str(root))}")


def _short_hash(face_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(face_id.encode(), digest_size=8).digest())


def _check_unique(hashes: "array[int]") -> None:
    """Readers promise unique ids; a million of them are checked in 16 MB."""
    numbers = np.sort(np.frombuffer(hashes, dtype=np.uint64)) if len(hashes) else np.empty(0)
    if (numbers[1:] == numbers[:-1]).any():
        raise FaceprepError("two selected frames have the same face_id: the reader is wrong")
