"""``faceprep train``: a generator from the training faces of a workspace."""

from typing import TYPE_CHECKING, Any

from faceprep.cli.exit_codes import (
    DONE,
    FAILED,
    STOPPED,
    complain,
    complain_of_shards,
    guarded,
    say_next,
)
from faceprep.cli.options import (
    Assignments,
    ConfigFile,
    DatasetName,
    Device,
    DryRun,
    EngineName,
    Json,
    Limit,
    NoWait,
    Only,
    Overwrite,
    Quiet,
    RetryFailed,
    Root,
    Seed,
    Verbose,
    Workers,
    WorkspaceDir,
    resolve_flags,
)
from faceprep.cli.root import app

if TYPE_CHECKING:
    from faceprep.config import Config
    from faceprep.core.progress import Progress
    from faceprep.execution.options import Options


@app.command()
@guarded
def train(
    config: ConfigFile = None,
    dataset: DatasetName = None,
    root: Root = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    workers: Workers = None,
    engine: EngineName = None,
    device: Device = None,
    limit: Limit = None,
    seed: Seed = None,
    only: Only = False,
    overwrite: Overwrite = False,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
    json: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Train a generator on the training faces; the same command goes on where it stopped.

    faceprep train --set train.preset=tiny
    """
    from faceprep.cli.output import print_result
    from faceprep.core.progress import Progress
    from faceprep.execution.options import Options
    from faceprep.report.train_table import train_tables
    from faceprep.stages.train.run import run_train

    resolved = resolve_flags(_arguments(locals())).config
    options = Options(retry_failed=retry_failed, wait=not no_wait)
    options.refuse_leaving(resolved.engine)
    if resolved.engine == "slurm" and not dry_run:
        return on_slurm("train", resolved, options, only, overwrite, quiet, json)
    with Progress(quiet=quiet) as progress:
        if not only and not bring_up_to_date(resolved, progress, dry_run, retry_failed):
            return FAILED
        result = run_train(resolved, progress, overwrite=overwrite, dry_run=dry_run)
    print_result(*train_tables(result), as_json=json)
    if result.outcome is not None and result.outcome.stopped:
        complain(
            f"stopped by {result.outcome.stopped} after step {result.outcome.steps}, all is saved",
            "type the same command again; it goes on there",
        )
        return STOPPED
    if result.finished_before:
        say_next("faceprep train --overwrite   trains anew; more train.steps go on", quiet)
    return DONE


def on_slurm(
    verb: str,
    config: "Config",
    options: "Options",
    only: bool,
    overwrite: bool,
    quiet: bool,
    json: bool,
) -> int:
    """Leave a verb that is one job, and the stages before it, to Slurm."""
    from faceprep.cli.output import print_result
    from faceprep.cli.single_jobs import SINGLE_JOBS
    from faceprep.core.progress import Progress
    from faceprep.execution.slurm import single
    from faceprep.stages import pipeline

    with Progress(quiet=quiet) as progress:
        stages = [] if only or _as_it_is(config, progress) else pipeline.needed("align")
        before = pipeline.run(config, stages, options, progress)
        complain_of_shards(before.failed_shards)
        if before.failed_shards:
            return FAILED
        after = tuple(job for jobs in before.jobs.values() for job in jobs)
        done = single.run(
            SINGLE_JOBS[verb].verb,
            config,
            progress,
            overwrite=overwrite,
            wait=options.wait,
            after=after,
        )
    ended = "done" if done.data is not None else "submitted"
    data = {"job": done.job, "log": str(done.log), **(done.data or {})}
    if done.text and not json:
        print(done.text)
    print_result([f"{verb}: job {done.job} {ended}, log {done.log}"], data, as_json=json)
    return DONE


def _arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """``--seed`` is the training's here, not that of random splits."""
    seed = arguments["seed"]
    assigned = list(arguments["set_"] or [])
    if seed is not None:
        assigned.append(f"train.seed={seed}")
    return {**arguments, "seed": None, "set_": assigned}


def bring_up_to_date(
    config: "Config", progress: "Progress", dry_run: bool, retry_failed: bool
) -> bool:
    """Bring ``align`` and what is before it up to date; say which shards could not be made."""
    from faceprep.execution.options import Options
    from faceprep.stages import pipeline

    if _as_it_is(config, progress):
        return True
    options = Options(dry_run=dry_run, retry_failed=retry_failed)
    result = pipeline.run(config, pipeline.needed("align"), options, progress)
    complain_of_shards(result.failed_shards)
    return not result.failed_shards


def _as_it_is(config: "Config", progress: "Progress") -> bool:
    """Whether the crops are taken as they are, for nothing says which dataset they are of."""
    from faceprep.workspace import Workspace

    place = Workspace(config.workspace)
    if config.select.dataset is not None or not place.shards("align"):
        return False
    progress.say(
        f"{place.root}: its crops as they are (no --dataset to bring them up to date with)"
    )
    return True
