"""Progress of a workspace, as tables and JSON-ready values."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.text import Text

from faceprep.config import STAGES
from faceprep.report.show.results_view import steps_in_words
from faceprep.report.status.stage import (
    SlurmJobs,
    StageStatus,
    ask_slurm,
    lacking_shards,
    last_job,
    stage_status,
)
from faceprep.report.summaries.results import CLASSIFY, generators, summarize_synthetic
from faceprep.report.summaries.stage import summarize_stage
from faceprep.report.tables.console import Page, Renderables, plain_table
from faceprep.workspace import Workspace, synthetic
from faceprep.workspace.artifacts import generator_folder
from faceprep.workspace.trainings import training_steps


def status(root: Path) -> Page:
    """Read the markers, the folders of running work, and Slurm's queue if jobs were submitted."""
    workspace = Workspace(root)
    slurm = ask_slurm(workspace)
    summaries = [summarize_stage(workspace, stage) for stage in STAGES]
    names = generators(workspace, synthetic.STAGE)
    summaries += [summarize_synthetic(workspace, name) for name in names]
    stages = [
        stage_status(workspace, summary, slurm, lacking_shards(workspace, summary))
        for summary in summaries
    ]
    training, table = _training(workspace, slurm), last_job(workspace, CLASSIFY, slurm)
    data = {
        "workspace": str(root),
        "stages": [{**asdict(stage), "missing": stage.missing} for stage in stages],
        "train": training,
        "classify": table,
        "queue_error": slurm.silent,
    }
    return status_tables(stages, training, table, slurm.silent), data


def _training(workspace: Workspace, slurm: SlurmJobs) -> dict[str, Any] | None:
    """Return the last job of a training and the steps of every generator; None without either."""
    steps = {
        name: training_steps(generator_folder(workspace.root, name))
        for name in generators(workspace, "train")
    }
    job = last_job(workspace, "train", slurm)
    return {"steps": steps, **(job or {})} if steps or job else None


_MOST_FAILURES = 10


def status_tables(
    stages: list[StageStatus],
    training: dict[str, Any] | None,
    classifying: dict[str, Any] | None,
    silent: str | None,
) -> Renderables:
    """Return the table of stages, the failures with their logs, and the state of the jobs.

    The jobs are those of ``train`` and ``classify``, if any; `silent` is the reason why Slurm does
    not answer.
    """
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
    parts: Renderables = [table]
    for stage in stages:
        for failure in stage.failed[:_MOST_FAILURES]:
            reason = f"{stage.stage} {_shards(failure.shards)}: {failure.error}"
            parts.append(Text(reason, "red", overflow="fold"))
            parts += [Text(f"  {line}", "dim") for line in failure.log]
        parts += [Text(f"damaged: {text}", "red") for text in stage.damaged[:_MOST_FAILURES]]
        if len(stage.damaged) > _MOST_FAILURES:
            parts.append(Text(f"damaged: {len(stage.damaged) - _MOST_FAILURES} more, --json"))
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
        parts.append(Text(f"the state of the Slurm jobs is unknown: {silent}", "yellow"))
    return parts


def _shards(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"shard {numbers[0]}"
    whole = numbers[-1] - numbers[0] == len(numbers) - 1
    words = f"{numbers[0]}–{numbers[-1]}" if whole else ", ".join(map(str, numbers[:8]))
    return f"shards {words}{'' if whole or len(numbers) <= 8 else ' …'}"
