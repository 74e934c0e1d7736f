"""How the facts of ``faceprep show`` look on a terminal."""

from typing import TYPE_CHECKING, Any

from faceprep.report.generated_view import (
    accuracy_view,
    generated_table,
    synthetic_view,
    training_view,
)
from faceprep.report.tables import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

#: How the state of a stage is written.
STATE_STYLE = {"done": "green", "unfinished": "yellow", "stale": "yellow", "missing": "dim"}
_STRONGEST = 4
_MOST_REASONS = 12
_MOST_SHARDS = 20
_LONG_ID = 36


def workspace_view(data: dict[str, Any]) -> "list[RenderableType]":
    """Render what `faceprep.report.summary.summarize_workspace` found."""
    lines = _line((data["name"], "bold"), (f"   {data['workspace']}", "dim"))
    parts: list[RenderableType] = [lines]
    parts.append(_stages(data["stages"]))
    if data["generated"]:
        parts.append(generated_table(data["generated"]))
    parts += _versions(data["stages"])
    if data["expressions"]:
        parts.append(_expressions(data["expressions"]))
    if data["action_units"]:
        parts.append(_action_units(data["action_units"]))
    parts += _failures(data["failures"])
    for problem in data["damaged"]:
        parts.append(_line(("damaged: ", "red"), (problem, "")))
    if data["next"]:
        parts.append(_line((f"{data['next']['why']}:", "yellow")))
        parts.append(_line((_folded(data["next"]["command"]), "bold")))
    else:
        parts.append(_line(("everything is up to date", "green")))
    return parts


def generated_view(data: dict[str, Any]) -> "list[RenderableType]":
    """Render what a verb made with a generator, or from what one made."""
    parts: list[RenderableType] = [
        _line((data["verb"], "bold"), (f"   {data['workspace']}", "dim"))
    ]
    parts.append(generated_table(data["generated"]))
    for one in data["generated"]:
        if data["verb"] == "train":
            parts += training_view(one, one["history"])
        elif data["verb"] == "augment":
            parts += synthetic_view(one, one["first_rows"])
        else:
            parts += accuracy_view(one)
    return [*parts, *_versions(data["generated"])]


def stage_view(data: dict[str, Any]) -> "list[RenderableType]":
    """Render one stage."""
    parts: list[RenderableType] = [
        _line((data["stage"], "bold"), (f"   {data['workspace']}", "dim"))
    ]
    parts.append(_stages([data]))
    if data["settings"]:
        settings = plain_table("settings", "key", "value")
        for key, value in data["settings"].items():
            settings.add_row(key, str(value))
        parts.append(settings)
    parts += _versions([data])
    parts += _failures(data["failures"])
    shards = plain_table("shards", "shard", "rows", "by status", "seconds", "host", right=("rows",))
    for shard in data["shard_list"][:_MOST_SHARDS]:
        shards.add_row(
            f"{shard['shard']:05d}",
            str(shard["rows"]),
            _by_status(shard["status"]),
            f"{shard['seconds']:.1f}",
            shard["host"],
        )
    parts.append(shards)
    more = len(data["shard_list"]) - _MOST_SHARDS
    if more > 0:
        parts.append(_line((f"… and {more} more", "dim")))
    return parts


def manifest_view(data: dict[str, Any]) -> "list[RenderableType]":
    """Render one manifest."""
    what = f"{data['stage']} manifest" if data["stage"] else "a table that faceprep did not write"
    head = f"   {what}, {data['rows']:,} rows, {data['bytes'] / 1e6:.2f} MB"
    parts: list[RenderableType] = [_line((data["path"], "bold"), (head, ""))]
    if data["problem"]:
        parts.append(_line(("problem: ", "red"), (data["problem"], "")))
    for name, counts in data["counts"].items():
        words = ", ".join(f"{word} {rows:,}" for word, rows in counts.items())
        parts.append(_line((f"{name}: ", "dim"), (words, "")))
    rows = data["first_rows"]
    columns = plain_table(
        None, "column", "type", "nulls", *(f"row {n}" for n in range(len(rows))), right=("nulls",)
    )
    for column in data["columns"]:
        nulls = "" if not column["nulls"] else f"{column['nulls']:,}"
        cells = [_short(row.get(column["name"])) for row in rows]
        columns.add_row(column["name"], _plain(column["type"]), nulls, *cells)
    parts.append(columns)
    if data["provenance"]:
        table = plain_table("provenance", "key", "value")
        for key, value in _flat(data["provenance"]):
            table.add_row(key, str(value))
        parts.append(table)
    return parts


def _line(*pieces: tuple[str, str]) -> "RenderableType":
    from rich.text import Text

    return Text.assemble(*pieces)


def _folded(command: str, width: int = 78) -> str:
    """Break a command over lines that a shell joins again when they are pasted."""
    lines = ["  "]
    for word in command.replace(" --", "\n--").split("\n"):
        if len(lines[-1]) + len(word) > width - 2 and lines[-1].strip():
            lines[-1] += "\\"
            lines.append("      ")
        lines[-1] += word + " "
    return "\n".join(line.rstrip() for line in lines)


def _stages(stages: list[dict[str, Any]]) -> "RenderableType":
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
            f"[{STATE_STYLE[stage['state']]}]{stage['state']}[/]",
            f"{stage['done']}/{stage['shards']}" if ran else "",
            f"{stage['rows']:,}" if ran else "",
            _by_status(stage["status"]),
            f"[dim]{config}[/]",
            age(stage["age_seconds"]),
        )
    return table


def _versions(stages: list[dict[str, Any]]) -> "list[RenderableType]":
    """One line for the versions that all stages share, and one for each that differs."""
    found: dict[str, list[str]] = {}
    for stage in stages:
        if stage["versions"]:
            text = ", ".join(f"{name} {version}" for name, version in stage["versions"].items())
            found.setdefault(text, []).append(stage["stage"])
    if len(found) == 1:
        return [_line((f"made with {next(iter(found))}", "dim"))]
    return [_line((f"{', '.join(names)} made with {text}", "dim")) for text, names in found.items()]


def _expressions(cells: list[dict[str, Any]]) -> "RenderableType":
    """Aligned of selected faces, expression by split; the second number only where it differs."""
    splits = [s for s in ("train", "val", "test") if any(cell["split"] == s for cell in cells)]
    names = sorted({cell["expression"] for cell in cells})
    title = "faces aligned, of those selected"
    table = plain_table(title, "expression", *splits, "all", right=(*splits, "all"))

    def cell(expression: str | None, split: str | None) -> str:
        here = [
            c
            for c in cells
            if expression in (None, c["expression"]) and split in (None, c["split"])
        ]
        aligned, selected = sum(c["aligned"] for c in here), sum(c["selected"] for c in here)
        return f"{aligned:,}" if aligned == selected else f"{aligned:,} of {selected:,}"

    for name in names:
        table.add_row(name, *(cell(name, split) for split in splits), cell(name, None))
    table.add_section()
    table.add_row("all", *(cell(None, split) for split in splits), cell(None, None))
    return table


def _action_units(means: dict[str, dict[str, float]]) -> "RenderableType":
    title = "strongest AUs, mean intensity (0–5)"
    table = plain_table(title, "expression", *(("",) * _STRONGEST))
    for expression, values in means.items():
        strongest = sorted(values.items(), key=lambda item: -item[1])[:_STRONGEST]
        table.add_row(expression, *(f"{name} {value:.2f}" for name, value in strongest))
    return table


def _failures(groups: list[dict[str, Any]]) -> "list[RenderableType]":
    if not groups:
        return []
    table = plain_table(
        "not ok", "stage", "status", "faces", "reason", "for example", right=("faces",)
    )
    # An id that is cut cannot be looked up.
    for column in table.columns[-2:]:
        column.overflow = "fold"
    table.columns[-1].no_wrap = max(len(group["example"]) for group in groups) <= _LONG_ID
    for group in groups[:_MOST_REASONS]:
        table.add_row(
            group["stage"],
            f"[red]{group['status']}[/]",
            f"{group['faces']:,}",
            _plain(group["reason"] or ""),
            _plain(group["example"]),
        )
    more = len(groups) - _MOST_REASONS
    return [table] if more <= 0 else [table, _line((f"… and {more} more reasons", "dim"))]


def age(seconds: float | None) -> str:
    """Write a duration as people do: ``3 min ago``."""
    if seconds is None:
        return ""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / unit)} {name} ago"
    return f"{round(seconds / 86400)} days ago"


def _by_status(status: dict[str, int]) -> str:
    order = sorted(status, key=lambda word: (word != "ok", word))
    return ", ".join(f"{word} {status[word]:,}" for word in order)


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        numbers = ", ".join(_short(item) for item in value[:2])
        return _plain(f"[{numbers}, …]" if len(value) > 2 else f"[{numbers}]")
    text = str(value)
    return _plain(text if len(text) <= 40 else f"…{text[-39:]}")


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs
