"""Page of one stage, and the tables that it shares with the page of a workspace."""

from typing import Any

from rich.text import Text

from faceprep.report.show.formats import STATE_STYLE, age, by_status, line
from faceprep.report.tables.console import Renderable, Renderables, plain_table

_MOST_REASONS = 12
_MOST_SHARDS = 20
_LONG_ID = 36


def stage_view(data: dict[str, Any]) -> Renderables:
    """Return the renderables of one stage."""
    parts: Renderables = [line((data["stage"], "bold"), (f"   {data['workspace']}", "dim"))]
    parts.append(stages_table([data]))
    if data["settings"]:
        settings = plain_table("settings", "key", "value")
        for key, value in data["settings"].items():
            settings.add_row(key, str(value))
        parts.append(settings)
    parts += versions_lines([data])
    parts += failures_tables(data["failures"])
    shards = plain_table("shards", "shard", "rows", "by status", "seconds", "host", right=("rows",))
    for shard in data["shard_list"][:_MOST_SHARDS]:
        shards.add_row(
            f"{shard['shard']:05d}",
            str(shard["rows"]),
            by_status(shard["status"]),
            f"{shard['seconds']:.1f}",
            shard["host"],
        )
    parts.append(shards)
    more = len(data["shard_list"]) - _MOST_SHARDS
    if more > 0:
        parts.append(line((f"… and {more} more", "dim")))
    return parts


def stages_table(stages: list[dict[str, Any]]) -> Renderable:
    """Return one row per stage."""
    table = plain_table(
        None,
        *("stage", "state", "shards", "rows", "by status", "config", "changed"),
        right=("shards", "rows"),
    )
    for stage in stages:
        ran = stage["state"] != "missing"
        config = ", ".join(value[:8] for value in stage["config_hashes"])
        table.add_row(
            stage["stage"],
            Text(stage["state"], STATE_STYLE[stage["state"]]),
            f"{stage['done']}/{stage['shards']}" if ran else "",
            f"{stage['rows']:,}" if ran else "",
            by_status(stage["status"]),
            Text(config, "dim"),
            age(stage["age_seconds"]),
        )
    return table


def versions_lines(stages: list[dict[str, Any]]) -> Renderables:
    """Return one line if all stages have the same versions, else one line per difference."""
    found: dict[str, list[str]] = {}
    for stage in stages:
        if stage["versions"]:
            text = ", ".join(f"{name} {version}" for name, version in stage["versions"].items())
            found.setdefault(text, []).append(stage["stage"])
    if len(found) == 1:
        return [line((f"made with {next(iter(found))}", "dim"))]
    return [line((f"{', '.join(names)} made with {text}", "dim")) for text, names in found.items()]


def failures_tables(groups: list[dict[str, Any]]) -> Renderables:
    """Return the table of failed rows by reason."""
    if not groups:
        return []
    table = plain_table(
        "not ok", "stage", "status", "faces", "reason", "for example", right=("faces",)
    )
    # A cut id cannot be looked up.
    for column in table.columns[-2:]:
        column.overflow = "fold"
    table.columns[-1].no_wrap = max(len(group["example"]) for group in groups) <= _LONG_ID
    for group in groups[:_MOST_REASONS]:
        table.add_row(
            group["stage"],
            Text(group["status"], "red"),
            f"{group['faces']:,}",
            group["reason"] or "",
            group["example"],
        )
    more = len(groups) - _MOST_REASONS
    return [table] if more <= 0 else [table, line((f"… and {more} more reasons", "dim"))]
