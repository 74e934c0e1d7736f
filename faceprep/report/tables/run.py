"""Tables of ``run`` and of the verbs of the stages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from faceprep.config import Config
from faceprep.core.disk import shortage, size_text, space_text
from faceprep.execution.plan import Options
from faceprep.report.tables.console import Page, Renderable, Renderables, plain_table
from faceprep.stages.pipeline import RunResult, summary
from faceprep.workspace.people import unknown_people

if TYPE_CHECKING:
    from faceprep.stages.select.result import SelectResult


def run_tables(config: Config, result: RunResult, options: Options) -> Page:
    """Return the table of the selection, one row per stage, and the same as JSON-ready values."""
    renderables: Renderables = []
    if result.select is not None:
        renderables += selection_tables(result.select)
    if result.stages:
        if options.dry_run:
            renderables.append(_dry_table(result))
            renderables.append(_disk_line(result, config.workspace))
        else:
            renderables.append(_done_table(result) if options.wait else _jobs_table(result))
            renderables += [
                _plain(f"{stage.stage}: {reason}")
                for stage in result.stages
                for reason in _shortened(stage.reasons)
            ]
            notes = map(_several_faces, (stage.findings for stage in result.stages))
            renderables += [note for note in notes if note is not None]
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


_SHOWN = 3  # printed reasons of a stage


def _shortened(reasons: list[str]) -> list[str]:
    """Return the most frequent reasons of failed faces."""
    more = len(reasons) - _SHOWN
    return [*reasons[:_SHOWN], *([f"and {more} other reasons"] if more > 0 else [])]


def _several_faces(findings: dict[str, Any]) -> Any:
    """Return a note on photographs with several faces, None without any."""
    count = findings.get("several_faces")
    if not count:
        return None
    return _plain(
        f"note: several faces in {count:,} photographs; of each the face that the dataset"
        f" annotates was taken, else the {findings['choose']} one (align.choose=largest, central)"
    )


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
            size_text(stage.disk_bytes),
        )
    return table


def _disk_line(result: RunResult, workspace: Path) -> Renderable:
    """Return the estimated size of all stages beside the free space."""
    needed = sum(stage.disk_bytes for stage in result.stages)
    warning = shortage(needed, workspace)
    return _plain(f"warning: {warning}" if warning else f"disk: {space_text(needed, workspace)}")


def selection_tables(result: "SelectResult") -> Renderables:
    """Return the table of a selection with the number of new shards, and its notes."""
    summary = result.summary.as_dict()
    verb = "would make" if result.dry_run else "made"
    made = f"{verb} {len(result.todo)} of {result.shards} shards" if result.todo else "up to date"
    parts: Renderables = [_counts(summary, f"selected {result.rows:,} frames: {made}")]
    if summary["left_out"]:
        parts.append(_left_out(summary["left_out"]))
    notes: Renderables = [_note(note) for note in summary["notes"]]
    unknown = unknown_people(summary)
    if unknown:
        notes.insert(0, _plain(f"note: {unknown}"))
    if summary["missing_files"]:
        some = _some(summary.get("missing_examples", []))
        text = f"note: {summary['missing_files']:,} frames have no readable file{some}"
        notes.append(_plain(text))
    for entry in (*summary["left_out"], *summary["notes"]):
        notes += [f"  → {command}" for command in entry.get("commands", ())]
    return [*parts, *notes]


def _counts(summary: dict[str, Any], title: str) -> Any:
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
    return _plain(f"note: {count}{note['text']}{_some(note['examples'])}")


def _some(examples: list[str]) -> str:
    return f" ({', '.join(examples)})" if examples else ""


def _plain(text: str) -> Any:
    """Return text without markup, because file names may contain brackets."""
    return Text(text)
