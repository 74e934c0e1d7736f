"""Tables of the command line: the same facts for people (rich) and for programs (JSON)."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceprep.config import Config
    from faceprep.config.sources import Resolved
    from faceprep.execution.options import Options
    from faceprep.stages.pipeline import RunResult


def print_result(
    renderables: "list[RenderableType]", data: dict[str, Any], *, as_json: bool
) -> None:
    """Print either the renderables or the data on stdout."""
    if as_json:
        print(json.dumps(data, indent=1, default=str, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(soft_wrap=False)
    for renderable in renderables:
        console.print(renderable)


def as_text(renderables: "list[RenderableType]", width: int = 100) -> str:
    """Return what `print_result` prints, for lines of so many letters."""
    import io

    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=width)
    for renderable in renderables:
        console.print(renderable)
    return text.getvalue().rstrip("\n")


def plain_table(title: str | None, *columns: str, right: tuple[str, ...] = ()) -> Any:
    """Return an empty rich table in the house style; columns in ``right`` hold numbers."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def config_table(resolved: "Resolved") -> "tuple[list[RenderableType], dict[str, Any]]":
    """Every key with its value and its source."""
    table = plain_table(None, "key", "value", "source")
    data = {}
    for key, source in resolved.sources.items():
        value: Any = resolved.config
        for name in key.split("."):
            value = getattr(value, name, None)
        shown = "" if value is None else str(value)
        style = "dim" if source == "default" else None
        table.add_row(key, shown, source, style=style)
        data[key] = {"value": value, "source": source}
    return [table], data


def run_tables(
    config: "Config", result: "RunResult", options: "Options"
) -> "tuple[list[RenderableType], dict[str, Any]]":
    """What a run did, or would do: the selection, then a line a stage."""
    from faceprep.stages.pipeline import summary

    renderables: list[RenderableType] = []
    if result.select is not None:
        from faceprep.report.select_table import selection_tables

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


def _done_table(result: "RunResult") -> Any:
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


def _jobs_table(result: "RunResult") -> Any:
    table = plain_table("submitted", "stage", "shards", "to do", "jobs", right=("shards", "to do"))
    for stage in result.stages:
        jobs = " ".join(result.jobs.get(stage.stage, ()))
        table.add_row(stage.stage, str(stage.shards), str(len(stage.todo)), jobs)
    return table


def _dry_table(result: "RunResult") -> Any:
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
