"""Page of a workspace."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import Hint
from faceprep.report.show.formats import folded, line
from faceprep.report.show.results_view import results_table
from faceprep.report.show.stage_view import failures_tables, stages_table, versions_lines
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

_STRONGEST = 4


def workspace_view(data: dict[str, Any], spell: Callable[[Hint], str]) -> "list[RenderableType]":
    """Return the renderables of a workspace.

    Parameters
    ----------
    data
        Result of `faceprep.report.summaries.workspace.summarize_workspace`.
    spell
        Function that writes a command as text.
    """
    lines = line((data["name"], "bold"), (f"   {data['workspace']}", "dim"))
    parts: list[RenderableType] = [lines]
    parts.append(stages_table(data["stages"]))
    if data["generated"]:
        parts.append(results_table(data["generated"]))
    parts += versions_lines(data["stages"])
    if data["expressions"]:
        parts.append(_expressions(data["expressions"]))
    if data["action_units"]:
        parts.append(_action_units(data["action_units"]))
    parts += failures_tables(data["failures"])
    for problem in data["damaged"]:
        parts.append(line(("damaged: ", "red"), (problem, "")))
    if data["next"]:
        parts.append(line((f"{data['next']['why']}:", "yellow")))
        parts.append(line((folded(spell(data["next"]["command"])), "bold")))
    else:
        parts.append(line(("everything is up to date", "green")))
    return parts


def _expressions(cells: list[dict[str, Any]]) -> "RenderableType":
    """Return aligned/selected faces by expression and split; one number if both are equal."""
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
