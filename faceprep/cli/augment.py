"""``faceprep augment``: synthetic faces from a trained generator."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceprep.cli.exit_codes import (
    DONE,
    FAILED,
    complain_of_shards,
    guarded,
    print_result,
    say_next,
)
from faceprep.cli.generator_flags import note_unfinished
from faceprep.cli.options import (
    GeneratorKind,
    as_settings,
    choices,
    resolve_flags,
    seed_of,
    stage_flags,
)
from faceprep.cli.root import GENERATE, app
from faceprep.cli.stages import part_of, redo_shards
from faceprep.core.errors import Again, Remedy, UsageError
from faceprep.core.vocabulary import MODES

if TYPE_CHECKING:
    from faceprep.config import Config

Count = Annotated[
    int | None,
    typer.Option("--n", min=1, help="Total number of synthetic faces, including existing ones."),
]


@app.command(rich_help_panel=GENERATE)
@guarded
@stage_flags(
    without=("dataset", "root", "limit", "only", "retry_failed"),
    own_first=True,
    seed=Annotated[int | None, seed_of("the faces: people, sources, intensities (augment.seed)")],
)
def augment(
    n: Count = None,
    times: Annotated[
        float | None,
        typer.Option(metavar="X", help="The same, as a multiple of the number of training faces."),
    ] = None,
    generator: GeneratorKind = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar=choices((*MODES, "mix")),
            help="New people, edited training faces, edited faces of augment.sources, or a mix."
            " By default new where the generator can make them, else edit.",
        ),
    ] = None,
    **flags: Any,
) -> int:
    """Make N synthetic faces, balanced over the expressions; a larger N adds to those made before.

    faceprep augment --n 3000 --mode edit --set augment.filter=judge
    """
    from faceprep.core.progress import Progress
    from faceprep.execution.plan import Options
    from faceprep.report.tables.generator import augment_tables
    from faceprep.stages.augment.plan import multiple_of_faces, with_possible_mode
    from faceprep.stages.augment.run import run_augment
    from faceprep.workspace import Workspace
    from faceprep.workspace.artifacts import generator_file, generator_name

    values = {"train.generator": generator, "augment.mode": mode, "augment.seed": flags["seed"]}
    read = ("augment", "train.generator", "train.fold")
    _refuse_counts(n, times)
    found = resolve_flags(as_settings(flags, values), lambda config: read)
    chosen = found.sources.get("augment.mode", "default") != "default"
    resolved = found.config if chosen else with_possible_mode(found.config)
    dry_run, json, quiet = flags["dry_run"], flags["json"], flags["quiet"]
    options = Options(
        overwrite=flags["overwrite"],
        dry_run=dry_run,
        shard=part_of(flags["shard"]),
        wait=not flags["no_wait"],
    )
    options.refuse_leaving(resolved.engine)
    name = generator_name(resolved.train.generator, resolved.train.fold)
    file = generator_file(resolved.workspace, name)
    note_unfinished(Workspace(resolved.workspace), file, quiet)
    if n is None:
        n = multiple_of_faces(resolved, times or 0)
    with Progress(quiet=quiet) as progress:
        result = run_augment(resolved, n, options, progress)
    if result.jobs:
        jobs = {"jobs": result.jobs, "asked": n, "todo": result.todo}
        print_result([f"augment: jobs {', '.join(result.jobs)} submitted"], jobs, as_json=json)
        say_next(Remedy("status", resolved.workspace), quiet)
        return DONE
    print_result(*augment_tables(result, dry_run), as_json=json, quiet=quiet and not dry_run)
    complain_of_shards({"augment": result.failed})
    if result.failed:
        say_next(redo_shards(resolved.workspace), quiet=False)
        return FAILED
    if not dry_run and flags["shard"] is None:
        table = Remedy("classify", resolved.workspace, _table_with(resolved, n), resume=True)
        say_next(table, quiet or json)
    return DONE


def _refuse_counts(n: int | None, times: float | None) -> None:
    """Refuse both numbers, none, and a multiple that is not positive, with a UsageError."""
    if n is not None and times is not None:
        raise UsageError("--n and --times are both given", Again({"times": None}))
    if n is None and times is None:
        note = "as many as training faces"
        raise UsageError("the number of faces is missing", Again({"times": 1}, note=note))
    if times is not None and not times > 0:
        raise UsageError(f"{times:g} times the training faces are none", Again({"times": 1}))


def _table_with(config: "Config", n: int) -> dict[str, Any]:
    """Return the settings of the accuracy table with and without these faces.

    It keeps the numbers of faces that the finished table has.
    """
    from faceprep.stages.classify.table import measured_numbers
    from faceprep.workspace import Workspace

    sweep = sorted({0, n, *measured_numbers(config)})
    settings: dict[str, Any] = {"sweep": sweep, "generator": config.train.generator}
    if config.train.fold is not None:
        selected = Workspace(config.workspace).info("select").get("settings", {})
        settings["folds"] = selected.get("folds", config.select.folds)
    return settings
