"""Progress of a workspace."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import STAGES
from faceprep.report.status.slurm import SlurmJobs, ask_slurm, last_job
from faceprep.report.status.stage import lacking_shards, stage_status
from faceprep.report.status.table import status_tables
from faceprep.report.summaries.accuracy import CLASSIFY
from faceprep.report.summaries.results import generators
from faceprep.report.summaries.stage import summarize_stage
from faceprep.report.summaries.synthetic import summarize_synthetic
from faceprep.report.summaries.training import training_steps
from faceprep.workspace import Workspace, synthetic
from faceprep.workspace.artifacts import generator_folder

if TYPE_CHECKING:
    from rich.console import RenderableType


def status(root: Path) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Read the markers, the folders of running work, and Slurm's queue if jobs were submitted.

    Returns
    -------
    Renderables, and the same as JSON-ready values.
    """
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
