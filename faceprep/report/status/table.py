"""Tables of ``faceprep status``."""

from typing import TYPE_CHECKING, Any

from faceprep.report.show.results_view import steps_in_words
from faceprep.report.status.stage import StageStatus
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

_MOST_FAILURES = 10


def status_tables(
    stages: list[StageStatus],
    training: dict[str, Any] | None,
    classifying: dict[str, Any] | None,
    silent: str | None,
) -> "list[RenderableType]":
    """Return the table of stages, the failures with their logs, and the state of the jobs.

    Parameters
    ----------
    training, classifying
        Job of ``train`` and of ``classify``; None without one.
    silent
        Reason why Slurm does not answer.
    """
    from rich.text import Text

    numbers = ("shards", "done", "running", "queued", "failed", "missing")
    table = plain_table(None, "stage", *numbers, "jobs", right=numbers)
    table.columns[0].no_wrap = True  # names of folds differ at their ends
    table.collapse_padding = True
    for stage in stages:
        queued = "unknown" if stage.unknown else len(stage.queued)
        counts = (stage.shards, stage.done, len(stage.running), queued)
        jobs = ", ".join(f"{job} {state}" for job, state in sorted(stage.jobs.items()))
        words = [str(count) for count in (*counts, stage.failures, stage.missing)]
        table.add_row(stage.stage, *words, jobs, style="red" if stage.failed else None)
    parts: list[RenderableType] = [table]
    for stage in stages:
        for failure in stage.failed[:_MOST_FAILURES]:
            reason = f"{stage.stage} {_shards(failure.shards)}: {failure.error}"
            parts.append(Text(reason, "red", overflow="fold"))
            parts += [Text(f"  {line}", "dim") for line in failure.log]
        if len(stage.failed) > _MOST_FAILURES:
            parts.append(Text(f"{stage.stage}: {len(stage.failed) - _MOST_FAILURES} more, --json"))
    if training is not None:
        steps = ", ".join(f"{name} {steps_in_words(n)}" for name, n in training["steps"].items())
        job = f"job {training['job']} {training['state']}" if "job" in training else ""
        parts.append(Text("train: " + ", ".join(part for part in (steps, job) if part)))
        parts += [Text(f"  {line}", "dim") for line in training.get("log", [])]
    if classifying is not None:
        parts.append(Text(f"classify: job {classifying['job']} {classifying['state']}"))
        parts += [Text(f"  {line}", "dim") for line in classifying["log"]]
    if silent is not None:
        parts.append(Text(f"Slurm's queue is not known: {silent}", "yellow"))
    return parts


def _shards(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"shard {numbers[0]}"
    whole = numbers[-1] - numbers[0] == len(numbers) - 1
    words = f"{numbers[0]}–{numbers[-1]}" if whole else ", ".join(map(str, numbers[:8]))
    return f"shards {words}{'' if whole or len(numbers) <= 8 else ' …'}"
