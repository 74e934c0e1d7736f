"""The verbs that run stages: ``run``, and one of each stage's name."""

import shlex
from typing import Annotated, Any

import typer

from faceprep.cli.exit_codes import (
    DONE,
    FAILED,
    SOME_ROWS_FAILED,
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
    Scheduler,
    Seed,
    Shard,
    Verbose,
    Workers,
    WorkspaceDir,
    resolve_flags,
)
from faceprep.cli.root import app
from faceprep.core.errors import UsageError


def _stage_verb(stage: str, text: str) -> None:
    """Add the verb of one stage; all of them take the same flags."""

    def verb(
        config: ConfigFile = None,
        dataset: DatasetName = None,
        root: Root = None,
        workspace: WorkspaceDir = None,
        set_: Assignments = None,
        workers: Workers = None,
        engine: EngineName = None,
        scheduler: Scheduler = None,
        device: Device = None,
        shard: Shard = None,
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
        from faceprep.stages import pipeline

        return _run_stages(locals(), [stage] if only else pipeline.needed(stage))

    verb.__doc__ = text
    app.command(stage)(guarded(verb))


@app.command("run")
@guarded
def run_(
    config: ConfigFile = None,
    until: Annotated[str, typer.Option("--until", help="Last stage to run.")] = "aus",
    dataset: DatasetName = None,
    root: Root = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    workers: Workers = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    device: Device = None,
    shard: Shard = None,
    limit: Limit = None,
    seed: Seed = None,
    overwrite: Overwrite = False,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
    json: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Run every stage that is not up to date, in order.

    faceprep run -c pipelines/ck_plus.toml --set select.root=/data/CK+ --until aus
    """
    from faceprep.config import STAGES

    if until not in STAGES:
        raise UsageError(f"no stage {until!r}", f"--until with one of: {', '.join(STAGES)}")
    return _run_stages(locals(), list(STAGES[: STAGES.index(until) + 1]))


_stage_verb(
    "select",
    """Choose frames, subjects, expressions and splits of a dataset.

    faceprep select --dataset ck-plus --root /data/CK+
    """,
)
_stage_verb(
    "align",
    """Detect faces, find landmarks, and crop them aligned to 128×128.

    faceprep align --dataset folder --root ~/photos --workspace out -j 2
    """,
)
_stage_verb(
    "heatmaps",
    """Draw the 68 landmarks of every crop as Gaussian heatmaps.

    faceprep heatmaps -c pipelines/ck_plus.toml --set select.root=/data/CK+
    """,
)
_stage_verb(
    "aus",
    """Estimate the Action Units of every face.

    faceprep aus -c pipelines/ck_plus.toml --set select.root=/data/CK+
    """,
)


def _run_stages(arguments: dict[str, Any], stages: list[str]) -> int:
    from faceprep.cli.output import print_result
    from faceprep.core.progress import Progress
    from faceprep.execution.options import Options
    from faceprep.report.tables.run import run_tables
    from faceprep.stages import pipeline

    config = resolve_flags(arguments).config
    options = Options(
        overwrite=arguments["overwrite"],
        retry_failed=arguments["retry_failed"],
        dry_run=arguments["dry_run"],
        shard=part_of(arguments["shard"]),
        wait=not arguments["no_wait"],
    )
    with Progress(quiet=arguments["quiet"]) as progress:
        result = pipeline.run(config, stages, options, progress)
    print_result(*run_tables(config, result, options), as_json=arguments["json"])
    complain_of_shards(result.failed_shards)
    if result.failed_shards:
        complain("  → type the same command again; only these shards are redone", None)
        return FAILED
    place = shlex.quote(str(config.workspace))
    if not options.wait:
        say_next(f"faceprep status --workspace {place}", arguments["quiet"])
        return DONE
    if not options.dry_run:
        say_next(f"faceprep show {place} --sheet sheet.png", arguments["quiet"])
    return SOME_ROWS_FAILED if result.failed_rows else DONE


def part_of(text: str | None) -> tuple[int, int] | None:
    """``3/64`` → (3, 64)."""
    if text is None:
        return None
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise UsageError(f"--shard {text}: expected i/n with 1 ≤ i ≤ n", "--shard 1/4")
    return int(index), int(count)
