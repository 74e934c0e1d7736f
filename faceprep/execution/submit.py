"""Submit what is left of a stage to Slurm without waiting for it."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.options import Options
from faceprep.execution.plan import (
    StageResult,
    announcement,
    config_hash,
    plan_stage,
    shard_count,
)
from faceprep.execution.slurm.submission import Submission, submit_missing
from faceprep.execution.stage import Stage
from faceprep.workspace import Workspace


def submit_stage(
    stage: Stage,
    config: Config,
    options: Options,
    progress: Progress,
    changing: Collection[int],
    after: Sequence[str],
) -> tuple[StageResult, list[str]]:
    """Submit what is left of a stage to Slurm, and do not wait for it.

    Parameters
    ----------
    changing
        Shards that jobs submitted before will make again in the stages before this one.
    after
        Numbers of those jobs.

    Returns
    -------
    What is left to do, and the numbers of the jobs that do it, including earlier ones.

    Raises
    ------
    MissingToolError, FaceprepError
        As `faceprep.execution.runner.run_stage`, and if Slurm refuses the jobs.
    """
    workspace = Workspace(config.workspace)
    # Before the plan: shards made in between must not be made again.
    stamps = workspace.stamps(stage.name) if options.overwrite or options.retry_failed else {}
    _, result = plan_stage(stage, config, replace(options, dry_run=True), changing)
    progress.say(announcement(stage, config, result, options))
    if not result.todo:
        return result, []
    stage.check(config)
    workspace.make_folder(stage.name)
    workspace.remove_shards(stage.name, shard_count(workspace))
    wanted = Submission(
        stage,
        config,
        config_hash(stage, config),
        result.todo,
        {shard: stamps[shard] for shard in result.todo if shard in stamps},
        overwrite=options.overwrite,
        retry_failed=options.retry_failed,
    )
    return result, submit_missing(wanted, after, progress.say)
