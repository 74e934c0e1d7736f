"""Submit the missing shards of a stage to Slurm without waiting."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import (
    Options,
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
    """Submit the missing shards of a stage to Slurm without waiting.

    Parameters
    ----------
    changing
        Shards that earlier jobs will make again in upstream stages.
    after
        Numbers of those jobs.

    Returns
    -------
    Result with the missing shards, and numbers of their jobs, including earlier ones.

    Raises
    ------
    MissingToolError, FaceprepError
        As `faceprep.execution.runner.run_stage`, or Slurm refuses the jobs.
    """
    workspace = Workspace(config.workspace)
    # Before the plan, so that shards finished in between are not made again.
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
