"""Tables of ``train`` and ``augment``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faceprep.core.disk import size_text, space_text
from faceprep.core.vocabulary import plural
from faceprep.report.tables.console import Page, plain_table

if TYPE_CHECKING:
    from faceprep.stages.augment.result import AugmentResult
    from faceprep.stages.train.run import Trained


def augment_tables(result: "AugmentResult", dry_run: bool = False) -> Page:
    """Return renderables, and the same as JSON-ready values."""
    data = result.as_dict()
    table = plain_table(None, "augment", "")
    table.add_row("folder", str(result.folder))
    if dry_run:
        table.add_row("faces", f"{result.asked} requested, {result.before} exist")
        if result.replaced:
            table.add_row("replaced", f"{result.replaced} existing faces")
        table.add_row("shards", f"{len(result.todo)} of {result.shards} to make")
        table.add_row("disk", space_text(result.disk_bytes, result.folder))
        table.add_row("device", result.device)
        return [table], data
    rate = result.made / result.seconds if result.made > 0 and result.seconds else 0.0
    data["images_per_second"] = rate
    modes = ", ".join(f"{mode} {count}" for mode, count in result.modes.items())
    table.add_row("faces", f"{result.images}: {modes}")
    speed = f"{result.made} in {result.seconds:.1f} s on {result.device}"
    table.add_row("made now", f"{speed}, {rate:.1f} images/s" if rate else speed)
    faces = faces_table(result.faces, result.rejected, result.doubtful)
    return [table, faces], data


def faces_table(
    faces: Mapping[str, int], rejected: Mapping[str, Mapping[str, int]], doubtful: Mapping[str, int]
) -> Any:
    """Return the table of synthetic faces by expression, with the rejected candidates.

    Without a filter, `rejected` is empty and its columns are omitted.
    """
    columns = ("faces", "wrong expression", "unlike real", "doubtful") if rejected else ("faces",)
    table = plain_table(None, "expression", *columns, right=columns)
    for name, count in sorted(faces.items()):
        kinds = rejected.get(name, {})
        numbers = (count, kinds.get("judge", 0), kinds.get("features", 0), doubtful.get(name, 0))
        table.add_row(name, *(str(number) for number in numbers[: len(columns)]))
    return table


def train_tables(result: "Trained") -> Page:
    """Return renderables and plain data."""
    plan, outcome = result.plan, result.outcome
    table = plain_table(None, "train", "")
    stages = ", ".join(f"{name} {steps}" for name, steps in plan.steps.items())
    table.add_row("generator", f"{plan.generator}, preset {plan.preset}, {plan.size} pixels")
    faces = ", ".join(f"{name} {count}" for name, count in plan.faces.items())
    table.add_row("faces", f"{sum(plan.faces.values())} of {plan.people} people: {faces}")
    table.add_row("steps", f"{stages} of {plan.batch} faces; {plan.done} done before")
    parameters = ", ".join(f"{name} {count:,}" for name, count in plan.parameters.items())
    table.add_row("parameters", f"{sum(plan.parameters.values()):,}: {parameters}")
    if plan.start:
        table.add_row("start", plan.start)
    if plan.frozen:
        table.add_row("frozen", f"{plan.frozen:,} parameters")
    memory = ", ".join(f"{name} {size_text(size)}" for name, size in plan.memory.items())
    table.add_row("memory", f"about {size_text(sum(plan.memory.values()))}: {memory}")
    table.add_row("device", f"{plan.device}, {plural(plan.threads, 'thread')}")
    data: dict[str, Any] = {"plan": vars(plan), "finished_before": result.finished_before}
    if result.finished_before:
        table.add_row("result", f"finished before, nothing to do: {plan.folder}")
    if outcome is not None:
        done = outcome.steps - outcome.began
        rate = outcome.images / max(outcome.seconds, 1e-9)
        table.add_row(
            "result", f"{done} steps in {outcome.seconds:.0f} s, {rate:.1f} images/s: {plan.folder}"
        )
        for message in outcome.findings.values():
            table.add_row("warning", message, style="yellow")
        data |= {"outcome": vars(outcome), "images_per_second": rate, "losses": result.losses}
    return [table], data
