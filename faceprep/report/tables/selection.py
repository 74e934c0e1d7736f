"""Table of a selection: expressions by split, excluded frames, and notes."""

from typing import TYPE_CHECKING, Any

from faceprep.report.tables.console import plain_table
from faceprep.workspace.people import unknown_people

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceprep.stages.select.result import SelectResult


def selection_tables(result: "SelectResult") -> "RenderableType":
    """Return the table of a selection with the number of new shards."""
    verb = "would make" if result.dry_run else "made"
    made = f"{verb} {len(result.todo)} of {result.shards} shards" if result.todo else "up to date"
    return select_tables(result.summary.as_dict(), f"selected {result.rows:,} frames: {made}")


def select_tables(summary: dict[str, Any], title: str | None = None) -> "RenderableType":
    """Return the table of a selection.

    Parameters
    ----------
    summary
        Result of `faceprep.stages.select.summary.Summary.as_dict`, also in ``stage.json``.
    title
        Title of the table.
    """
    from rich.console import Group

    parts: list[RenderableType] = [_counts(summary, title)]
    if summary["left_out"]:
        parts.append(_left_out(summary["left_out"]))
    notes = [_note(note) for note in summary["notes"]]
    unknown = unknown_people(summary)
    if unknown:
        notes.insert(0, _plain(f"note: {unknown}"))
    if summary["missing_files"]:
        notes.append(
            _plain(f"note: {summary['missing_files']:,} frames whose file is not readable")
        )
    return Group(*parts, *notes)


def _counts(summary: dict[str, Any], title: str | None) -> Any:
    splits = [split for split in ("train", "val", "test") if split in summary["splits"]]
    what = ["subjects", "frames"]
    if any(summary["splits"][split]["sequences"] for split in splits):
        what.insert(1, "sequences")
    columns = [f"{split}\n{name}" for split in splits for name in what]
    table = plain_table(title, "expression", *columns, right=tuple(columns))
    cells = {(cell["expression"], cell["split"]): cell for cell in summary["expressions"]}
    for label in sorted(
        {label for label, _ in cells}, key=lambda name: (name == "unlabelled", name)
    ):
        here = [cells.get((label, split), {}) for split in splits]
        table.add_row(label, *_numbers(here, what))
    table.add_section()
    table.add_row("all", *_numbers([summary["splits"][split] for split in splits], what))
    return table


def _numbers(cells: list[dict[str, Any]], what: list[str]) -> list[str]:
    return [f"{cell[name]:,}" if cell.get(name) else "" for cell in cells for name in what]


def _left_out(entries: list[dict[str, Any]]) -> Any:
    table = plain_table("left out", "count", "what", "for example", right=("count",))
    for entry in entries:
        examples = _plain("\n".join(entry["examples"][:2]))
        table.add_row(f"{entry['count']:,}", _plain(entry["reason"]), examples)
    return table


def _note(note: dict[str, Any]) -> Any:
    count = f"{note['count']:,} × " if note["count"] > 1 else ""
    examples = f" ({', '.join(note['examples'])})" if note["examples"] else ""
    return _plain(f"note: {count}{note['text']}{examples}")


def _plain(text: str) -> Any:
    """Return text without markup, because file names may contain brackets."""
    from rich.text import Text

    return Text(text)
