"""Tables of ``faceprep train``: the plan and the outcome."""

from typing import TYPE_CHECKING, Any

from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from faceprep.stages.train.run import Trained

_MIB = 2**20


def train_tables(result: "Trained") -> "tuple[list[RenderableType], dict[str, Any]]":
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
    memory = ", ".join(f"{name} {size / _MIB:,.0f}" for name, size in plan.memory.items())
    table.add_row("memory, MiB", f"about {sum(plan.memory.values()) / _MIB:,.0f}: {memory}")
    table.add_row("device", f"{plan.device}, {plan.threads} threads")
    data: dict[str, Any] = {"plan": vars(plan), "finished_before": result.finished_before}
    if result.finished_before:
        table.add_row("result", f"finished before, nothing to do: {plan.folder}")
    if outcome is not None:
        done = outcome.steps - outcome.began
        rate = outcome.images / max(outcome.seconds, 1e-9)
        table.add_row(
            "result",
            f"{done} steps in {outcome.seconds:.0f} s, {rate:.1f} images/s: {plan.folder}",
        )
        for name, message in outcome.findings.items():
            table.add_row(name, message, style="yellow")
        data |= {"outcome": vars(outcome), "images_per_second": rate, "losses": result.losses}
    return [table], data
