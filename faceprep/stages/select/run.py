"""Select frames of a dataset, with subject, expression and split, into a manifest."""

import copy
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from faceprep.config import STAGES, Config, SelectConfig
from faceprep.config.conditions import CONDITIONS
from faceprep.core.errors import Again, Shell, UsageError
from faceprep.core.progress import Progress
from faceprep.datasets.base import FrameRow
from faceprep.datasets.embedded.extract import extract_images
from faceprep.datasets.embedded.reader import EmbeddedContents
from faceprep.datasets.registry import READERS, open_dataset
from faceprep.datasets.report import Report, Tally
from faceprep.execution.consent import settle
from faceprep.execution.plan import Options
from faceprep.execution.runner import workers
from faceprep.execution.shard import explain_os_error, versions
from faceprep.stages.select.duplicates import EXAMPLES, without_duplicates
from faceprep.stages.select.result import SelectResult
from faceprep.stages.select.rows import cut
from faceprep.stages.select.writer import Writer, settings_of
from faceprep.workspace import Workspace
from faceprep.workspace.pending import remove_abandoned
from faceprep.workspace.schemas import SCHEMA_VERSION


def run_select(
    config: Config,
    options: Options,
    progress: Progress,
    begin: Callable[[Writer | None], None] = lambda planned: None,
) -> SelectResult:
    """Read the dataset and bring the select manifest up to date with it.

    A shard is kept if its rows, and size and time of all their files, are unchanged. Frames are
    streamed: memory grows with the number of subjects, not of frames.

    Parameters
    ----------
    begin
        Function that is called before anything is written, with the writer of a dry run, or None if
        nothing is selected yet. It raises an error if finished results may not be replaced.

    Raises
    ------
    UsageError
        The root is not the dataset, nothing is selected, or a subject is in several splits.
    FaceprepError
        The workspace cannot be written.
    """
    if config.select.dataset is None:
        raise _no_dataset()
    started = time.monotonic()
    root = config.dataset_root()
    source = config.dataset_source()
    opened = Report()
    _note_unused(config, opened)
    reader, found = open_dataset(config.select.dataset, source, config.select, opened)
    embedded = isinstance(found, EmbeddedContents)
    planned = embedded and options.dry_run  # the images are not extracted yet
    if embedded and not planned:
        extract_images(found.tables, source, root, options.may_replace, progress)

    def read(report: Report) -> Iterator[FrameRow]:
        return itertools.islice(reader.frames(found, config.select, report), config.select.limit)

    def select(step: Options) -> tuple[Writer, Report]:
        report = copy.deepcopy(opened)
        writer = Writer(config, step, progress, root)
        rows = read(report)
        if config.select.duplicates != "keep":
            refuse = config.select.duplicates == "error"
            rows = without_duplicates(read, str(root), workers(config), refuse, report)
        writer.write(_shards(rows, config.shard_size, report))
        if not writer.result.rows:
            report.mend_names(root)
            raise _nothing_selected(config, root, report)
        return writer, report

    try:
        if Workspace(config.workspace).shards("select") or options.dry_run:
            writer, report = select(replace(options, dry_run=True))
            begin(writer)
        else:
            begin(None)
            writer, report = select(options)
        if writer.result.todo and writer.result.dry_run and not options.dry_run:
            writer, report = select(options)
        result = writer.result
        result.dry_run = options.dry_run
        report.mend_names(root)
        result.summary = writer.counter.summary(report)
        result.summary.missing = Tally() if planned else writer.missing
        result.summary.duplicates, groups = writer.contents.find()
        if not options.dry_run:
            result.summary.duplicates.note(_examples(config, groups), report)
        if "test" not in result.summary.totals:
            report.note(_no_test(result, config.select.limit))
        if not options.dry_run:
            remove_abandoned(Workspace(config.workspace), "select")
            _finish(config, root, source, result)
    except OSError as error:
        raise explain_os_error(error, Workspace(config.workspace)) from error
    result.seconds = time.monotonic() - started
    return result


def _note_unused(config: Config, report: Report) -> None:
    """Note the settings of ``[select]`` that were given but have no effect on this dataset."""
    fields = SelectConfig.model_fields.items()
    given = [f"select.{k}" for k, field in fields if getattr(config.select, k) != field.default]
    unmet = [one for one in CONDITIONS if not one.holds(config)]
    for key in given:
        for one in unmet:
            if key in one.keys:
                report.note(f"{key} is not used: it needs {one.needs}")


def _examples(config: Config, groups: Sequence[np.ndarray]) -> list[str]:
    """Return the paths of the first few pictures that are there twice."""
    wanted = [int(row) for group in groups[:EXAMPLES] for row in group[:2]]
    paths: dict[int, str] = {}
    first = 0
    place = Workspace(config.workspace)
    for shard in place.shards("select") if wanted else ():
        column = pq.read_table(place.part("select", shard), columns=["path"]).column(0)
        paths |= {k: column[k - first].as_py() for k in wanted if 0 <= k - first < len(column)}
        first += len(column)
        if len(paths) == len(set(wanted)):
            break
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return [f"{paths[a]} = {paths[b]}" for a, b in pairs if {a, b} <= paths.keys()]


def _no_test(result: SelectResult, limit: int | None) -> str:
    people = sum(counts.subjects for counts in result.summary.totals.values())
    if limit == result.rows:
        return (
            f"the first {limit} frames hold nobody of the test set: enough to try align and aus;"
            " select all frames (no --limit) before training"
        )
    if people > 1:
        return "no frame is in the test set (select.test_fraction and select.seed decide the draw)"
    return (
        "there is one person only, so nobody is left for the test set: enough to align and for "
        "Action Units; a classifier needs three people"
    )


def _no_dataset() -> UsageError:
    known = ", ".join(READERS)
    return UsageError(
        "no dataset is named (select.dataset)",
        f"name it with --dataset ({known}), and its folder with --root",
    )


def _shards(rows: Iterator[FrameRow], size: int, report: Report) -> Iterator[list[FrameRow]]:
    before: FrameRow | None = None
    for shard in cut(rows, size):
        sequence = (shard[0].subject, shard[0].sequence)
        if before and sequence[1] and sequence == (before.subject, before.sequence):
            text = f"sequence longer than a shard ({size} frames): it continues in the next one"
            report.note(text, "/".join(map(str, sequence)))
        before = shard[-1]
        yield shard


def _finish(config: Config, root: Path, source: Path, result: SelectResult) -> None:
    workspace = Workspace(config.workspace)
    for stage in STAGES:
        workspace.remove_shards(stage, result.shards)
    workspace.write_info(
        "select",
        {
            "stage": "select",
            "schema_version": SCHEMA_VERSION,
            "settings": settings_of(config),
            "config": config.settings(),
            "versions": versions(),
            "root": str(root.absolute()),
            "source": str(source.absolute()) if source != root else None,
            "table": _table(config),
            "shards": result.shards,
            "rows": result.rows,
            "summary": result.summary.as_dict(),
        },
    )
    settle(workspace, "select")
    result.status = workspace.counts("select")


def _table(config: Config) -> str | None:
    """Return the absolute path of the table, which may be relative to the root."""
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
    keep = Again({"select.unlabelled": True}, note="keeps frames without a label")
    return UsageError("\n  ".join(lines), keep if unlabelled else Shell(("ls", str(root))))
