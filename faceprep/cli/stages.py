"""The verbs that run stages: ``run`` and one verb per stage."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from faceprep.cli.exit_codes import (
    DONE,
    FAILED,
    SOME_ROWS_FAILED,
    complain_of_shards,
    guarded,
    print_result,
    say_next,
)
from faceprep.cli.options import choices, resolve_flags, stage_flags
from faceprep.cli.root import PREPARE, app
from faceprep.core.errors import Again, Hint, Remedy, UsageError
from faceprep.core.vocabulary import STAGES, choice_hint


def _stage_verb(stage: str, text: str, without: Collection[str] = ()) -> None:
    """Add the verb of a stage; all stages take the same flags but those in `without`."""

    @stage_flags(without)
    def verb(**flags: Any) -> int:
        from faceprep.stages import pipeline

        only = flags.get("only", False)
        return _run_stages(flags, [stage] if only else pipeline.needed(stage))

    verb.__doc__ = text
    app.command(stage, rich_help_panel=PREPARE)(guarded(verb))


@app.command("run", rich_help_panel=PREPARE)
@guarded
@stage_flags(without=("only",))
def run_(
    until: Annotated[
        str, typer.Option("--until", metavar=choices(STAGES), help="Last stage to run.")
    ] = "aus",
    **flags: Any,
) -> int:
    """Run every stage that is not up to date, in order.

    faceprep run -c pipelines/ck_plus.toml --set select.root=/data/CK+ --until aus
    """
    if until not in STAGES:
        message = f"no stage {until!r}; there are {', '.join(STAGES)}"
        raise UsageError(message, choice_hint("until", until, STAGES))
    stages = list(STAGES[: STAGES.index(until) + 1])
    return _run_stages(flags, stages, every=True, later=STAGES)


_stage_verb(
    "select",
    """Choose frames, subjects, expressions and splits of a dataset.

    faceprep select --dataset ck-plus --root /data/CK+
    """,
    without=("only", "retry_failed", "engine", "scheduler", "device", "no_wait", "shard"),
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


def _run_stages(
    flags: dict[str, Any], stages: list[str], *, every: bool = False, later: Collection[str] = ()
) -> int:
    from faceprep.core.progress import Progress
    from faceprep.execution.plan import Options
    from faceprep.report.tables.run import run_tables
    from faceprep.stages import pipeline

    config = resolve_flags(flags, lambda config: stages, later).config
    options = Options(
        overwrite=flags["overwrite"],
        every_stage=every,
        retry_failed=flags.get("retry_failed", False),
        dry_run=flags["dry_run"],
        shard=part_of(flags.get("shard")),
        wait=not flags.get("no_wait", False),
    )
    with Progress(quiet=flags["quiet"]) as progress:
        result = pipeline.run(config, stages, options, progress)
    silent = flags["quiet"] and options.wait and not options.dry_run
    print_result(*run_tables(config, result, options), as_json=flags["json"], quiet=silent)
    complain_of_shards(result.failed_shards)
    if result.failed_shards:
        say_next(redo_shards(config.workspace), quiet=False)
        return FAILED
    if not options.wait:
        say_next(Remedy("status", config.workspace), flags["quiet"])
        return DONE
    if not options.dry_run:
        for hint in pipeline.remedies(config, result):
            say_next(hint, flags["quiet"])
        say_next(Remedy("show", config.workspace, {"sheet": "sheet.png"}), flags["quiet"])
    return SOME_ROWS_FAILED if result.failed_rows else DONE


def redo_shards(workspace: Path) -> Hint:
    """Return the commands that show why shards failed, and make them again."""
    logs = Remedy("status", workspace, note="shows the log of each failed shard")
    return logs, Again({"overwrite": False}, note="only these shards are redone")


def part_of(text: str | None) -> tuple[int, int] | None:
    """Parse a part such as ``3/64`` → (3, 64)."""
    if text is None:
        return None
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise UsageError(f"--shard {text}: expected i/n with 1 ≤ i ≤ n", Again({"shard": "1/4"}))
    return int(index), int(count)
