"""Tables of ``faceprep run`` and of the verbs of the stages."""

from typing import TYPE_CHECKING, Any

from faceprep.config import Config
from faceprep.execution.plan import Options
from faceprep.report.tables.console import plain_table
from faceprep.report.tables.selection import selection_tables
from faceprep.stages.pipeline import RunResult, summary

if TYPE_CHECKING:
    from rich.console import RenderableType


def run_tables(
    config: Config, result: RunResult, options: Options
) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return the table of the selection, one row per stage, and the same as JSON-ready values."""
    renderables: list[RenderableType] = []
    if result.select is not None:
        renderables.append(selection_tables(result.select))
    if result.stages:
        if options.dry_run:
            renderables.append(_dry_table(result))
        else:
            renderables.append(_done_table(result) if options.wait else _jobs_table(result))
    data = {"workspace": str(config.workspace), **summary(result)}
    if options.dry_run:
        data["config"] = config.model_dump(mode="json")
    return renderables, data


def _done_table(result: RunResult) -> Any:
    numbers = ("rows", "ok", "shards", "seconds", "rows/s")
    table = plain_table(None, "stage", "rows", "ok", "not ok", *numbers[2:], right=numbers)
    for stage in result.stages:
        made = len(set(stage.todo) - set(stage.failed))
        rate = f"{stage.rows_made / stage.seconds:.1f}" if stage.rows_made else ""
        failed = [f"{word} {count}" for word, count in stage.status.items() if word != "ok"]
        ok = str(stage.status.get("ok", 0))
        shards, seconds = f"{made} of {stage.shards}", f"{stage.seconds:.1f}"
        table.add_row(stage.stage, str(stage.rows), ok, "\n".join(failed), shards, seconds, rate)
    return table


def _jobs_table(result: RunResult) -> Any:
    table = plain_table("submitted", "stage", "shards", "to do", "jobs", right=("shards", "to do"))
    for stage in result.stages:
        jobs = " ".join(result.jobs.get(stage.stage, ()))
        table.add_row(stage.stage, str(stage.shards), str(len(stage.todo)), jobs)
    return table


def _dry_table(result: RunResult) -> Any:
    columns = ("rows", "shards", "done", "to do", "disk")
    table = plain_table("would do", "stage", *columns, right=columns)
    for stage in result.stages:
        table.add_row(
            stage.stage,
            str(stage.rows),
            str(stage.shards),
            str(stage.done_before),
            str(len(stage.todo)),
            f"{stage.disk_bytes / 1e6:.1f} MB",
        )
    return table
