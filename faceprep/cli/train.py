"""``faceprep train``: a generator from the training faces of a workspace."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceprep.cli.effect import refuse_unused
from faceprep.cli.exit_codes import (
    DONE,
    FAILED,
    HUNG_UP,
    STOPPED,
    complain,
    complain_of_shards,
    guarded,
    print_result,
    say_next,
)
from faceprep.cli.options import GeneratorKind, as_settings, resolve_flags, seed_of, stage_flags
from faceprep.cli.root import GENERATE, app
from faceprep.core.errors import Again, Remedy
from faceprep.core.vocabulary import DEFAULT_GENERATOR

if TYPE_CHECKING:
    from faceprep.config import Config
    from faceprep.core.progress import Progress
    from faceprep.execution.plan import Options

InitFrom = Annotated[
    Path | None,
    typer.Option(
        "--init-from",
        metavar="FILE",
        help="Start from the weights of this generator; those of another shape are fresh.",
    ),
]


@app.command(rich_help_panel=GENERATE)
@guarded
@stage_flags(
    without=("scheduler", "shard"),
    seed=Annotated[int | None, seed_of("the training: weights, order of the faces (train.seed)")],
)
def train(generator: GeneratorKind = None, init_from: InitFrom = None, **flags: Any) -> int:
    """Train a generator on the training faces; the same command continues where it stopped.

    faceprep train --set train.preset=tiny
    """
    from faceprep.core.progress import Progress
    from faceprep.execution.plan import Options
    from faceprep.report.tables.generator import train_tables
    from faceprep.report.training import PICTURES
    from faceprep.stages.train.run import run_train

    values = {
        "train.generator": generator,
        "train.init_from": init_from,
        "train.seed": flags["seed"],
    }
    resolved = resolve_flags(as_settings(flags, values), reads("train", flags)).config
    options = Options(
        retry_failed=flags["retry_failed"],
        replace=flags["overwrite"],
        wait=not flags["no_wait"],
    )
    options.refuse_leaving(resolved.engine)
    if resolved.engine == "slurm" and not flags["dry_run"]:
        return on_slurm("train", resolved, options, flags)
    with Progress(quiet=flags["quiet"]) as progress:
        if not (flags["only"] or bring_up_to_date(resolved, progress, flags)):
            return FAILED
        result = run_train(
            resolved, progress, PICTURES, overwrite=flags["overwrite"], dry_run=flags["dry_run"]
        )
    silent = flags["quiet"] and not flags["dry_run"]
    print_result(*train_tables(result), as_json=flags["json"], quiet=silent)
    if result.outcome is not None and result.outcome.stopped:
        complain(
            f"stopped by {result.outcome.stopped} after step {result.outcome.steps};"
            " everything is saved",
            Again({"overwrite": False}, note="resumes after this step"),
        )
        return HUNG_UP if result.outcome.stopped == "SIGHUP" else STOPPED
    if result.finished_before:
        note = "trains again from the start; a larger train.steps continues instead"
        say_next(Again({"overwrite": True}, note=note), flags["quiet"])
    if result.outcome is not None:
        say_next(_uses(resolved, sum(result.plan.faces.values())), flags["quiet"] or flags["json"])
    return DONE


def _uses(config: "Config", faces: int) -> tuple[Remedy, Remedy]:
    """Return the commands that apply a finished generator; `faces` is that of the training."""
    from faceprep.workspace.artifacts import generator_name
    from faceprep.workspace.load import load
    from faceprep.workspace.training_rows import sides_of

    name = generator_name(config.train.generator, config.train.fold)
    table = load(config.workspace, ["align"], only_ok=True)
    unseen = table.index[sides_of(table, config.train.fold) == "test"]
    example = str((unseen if len(unseen) else table.index)[0])
    chosen = {} if name == DEFAULT_GENERATOR else {"generator": name}
    edit = Remedy(
        "edit",
        config.workspace,
        {"grid": True, **chosen},
        (example,),
        note="every expression of one face; or name your own photograph",
    )
    more = {"n": faces, "generator": name}
    note = "as many synthetic faces as training faces"
    return edit, Remedy("augment", config.workspace, more, resume=True, note=note)


def on_slurm(verb: str, config: "Config", options: "Options", flags: Mapping[str, Any]) -> int:
    """Submit a single-job verb, and the stages before it, to Slurm."""
    from faceprep.cli.single_jobs import SINGLE_JOBS
    from faceprep.core.progress import Progress
    from faceprep.execution.slurm import single
    from faceprep.stages import pipeline
    from faceprep.workspace.remembered import remember

    with Progress(quiet=flags["quiet"]) as progress:
        ready = flags["only"] or _as_it_is(config, progress)
        stages = [] if ready else pipeline.needed(_last_stage(config))
        before = pipeline.run(config, stages, options, progress)
        complain_of_shards(before.failed_shards)
        if before.failed_shards:
            return FAILED
        after = tuple(job for jobs in before.jobs.values() for job in jobs)
        remember(config, (verb,))
        job, overwrite = SINGLE_JOBS[verb].verb, flags["overwrite"]
        done = single.run(
            job, config, progress, overwrite=overwrite, wait=options.wait, after=after
        )
    ended = "done" if done.data is not None else "submitted"
    data = {"job": done.job, "log": str(done.log), **(done.data or {})}
    silent = flags["quiet"] and done.data is not None
    if done.text and not (silent or flags["json"]):
        print(done.text)
    line = f"{verb}: job {done.job} {ended}, log {done.log}"
    print_result([line], data, as_json=flags["json"], quiet=silent)
    return DONE


def bring_up_to_date(config: "Config", progress: "Progress", flags: Mapping[str, Any]) -> bool:
    """Bring the stages that a generator needs up to date; print the failed shards."""
    from faceprep.execution.plan import Options
    from faceprep.stages import pipeline

    if _as_it_is(config, progress):
        return True
    options = Options(
        dry_run=flags["dry_run"], retry_failed=flags["retry_failed"], replace=flags["overwrite"]
    )
    result = pipeline.run(config, pipeline.needed(_last_stage(config)), options, progress)
    complain_of_shards(result.failed_shards)
    return not result.failed_shards


def reads(verb: str, flags: Mapping[str, Any]) -> "Callable[[Config], list[str]]":
    """Return the function that names the sections which a verb reads, see `resolve_flags`."""

    def sections(config: "Config") -> list[str]:
        from faceprep.stages import pipeline

        if flags["only"] or _why_left(config) is not None:
            refuse_unused("the crops are used as they are", "retry_failed")
            return [verb]
        return [*pipeline.needed(_last_stage(config)), verb]

    return sections


def _last_stage(config: "Config") -> str:
    """Return the last stage that the kind of generator needs."""
    from faceprep.generators.registry import spec_of

    driven_by = spec_of(config.train.generator).driven_by
    return "aus" if "action_units" in driven_by else "align"


def _as_it_is(config: "Config", progress: "Progress") -> bool:
    """Return whether the crops are used unchanged, and say so."""
    why = _why_left(config)
    if why is not None:
        progress.say(f"{config.workspace}: using the existing crops ({why})")
    return why is not None


def _why_left(config: "Config") -> str | None:
    """Return why the crops are used unchanged: their dataset is not known, or away; else None."""
    from faceprep.workspace import Workspace
    from faceprep.workspace.remembered import remembered

    if not Workspace(config.workspace).shards("align"):
        return None
    if config.select.dataset is None:
        return "no --dataset is given, so they are not brought up to date"
    root, record = config.select.root, remembered(config.workspace)
    if root is None or root.exists() or not record:
        return None
    known = record.values.get("select.root") == str(root)
    return f"{root} is not there" if known else None
