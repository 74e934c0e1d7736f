"""``faceprep classify``: accuracy with and without synthetic faces, as a table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceprep.cli.exit_codes import DONE, FAILED, guarded, print_result, say_next
from faceprep.cli.generator_flags import note_unfinished
from faceprep.cli.options import as_settings, choices, resolve_flags, stage_flags
from faceprep.cli.root import STUDY, app
from faceprep.core.errors import Again, UsageError
from faceprep.generators.kinds import KINDS

if TYPE_CHECKING:
    from faceprep.config import Config


@app.command(rich_help_panel=STUDY)
@guarded
@stage_flags(without=("scheduler", "shard"))
def classify(
    sweep: Annotated[
        str | None,
        typer.Option(metavar="0,3000,...", help="Numbers of synthetic faces; 0 is always a row."),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(
            metavar="0,1,5,...", help="The same, as multiples of the number of training faces."
        ),
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="plain, flips, classic, mixup, reweighting, logistic; classic@0: only without"
            " synthetic faces.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Number of trainings per row, each with a seed of its own."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Cross-validate over the folds of select.")
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(metavar=choices(tuple(KINDS)), help="Generator of the synthetic faces."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of the first training (classify.seed); the others follow."),
    ] = None,
    **flags: Any,
) -> int:
    """Train classifiers with and without synthetic faces; print their accuracy on unseen people.

    faceprep classify --sweep 0,3000,6000,30000 --arms flips,classic@0,logistic@0 --seeds 5
    """
    from faceprep.cli.remedies.classify import rows_with_faces
    from faceprep.cli.train import bring_up_to_date, on_slurm, reads
    from faceprep.core.progress import Progress
    from faceprep.execution.plan import Options
    from faceprep.report.accuracy.files import write_files
    from faceprep.report.accuracy.table import accuracy_tables, plan_tables
    from faceprep.stages.classify.run import run_classify

    own = {"seeds": seeds, "folds": folds, "generator": generator, "seed": seed}
    lists = {"sweep": sweep, "times": times, "arms": arms}
    resolved = resolve_flags(_settings(flags, own, lists), reads("classify", flags)).config
    asked = resolved.classify
    dry_run, json, quiet = flags["dry_run"], flags["json"], flags["quiet"]
    options = Options(
        retry_failed=flags["retry_failed"],
        replace=flags["overwrite"],
        wait=not flags["no_wait"],
    )
    options.refuse_leaving(resolved.engine)
    if resolved.engine == "slurm" and not dry_run:
        return on_slurm("classify", resolved, options, flags)
    with Progress(quiet=quiet) as progress:
        if any(asked.sweep + asked.times) and all(arm.endswith("@0") for arm in asked.arms):
            words = ", ".join(asked.arms)
            progress.say(f"classify: no row has synthetic faces, because --arms is {words}")
        if not (flags["only"] or bring_up_to_date(resolved, progress, flags)):
            return FAILED
        if any(asked.sweep + asked.times):
            _note_unfinished(resolved, quiet)
        result = run_classify(resolved, progress, overwrite=flags["overwrite"], dry_run=dry_run)
        if dry_run:
            print_result(*plan_tables(resolved, result), as_json=json)
            return DONE
        written = write_files(resolved, result)
    print_result(*accuracy_tables(resolved, result, written), as_json=json, quiet=quiet)
    if not any(one.row.synthetic for one in result.rows):
        say_next(rows_with_faces(resolved, 3000), quiet or json)
    return DONE


def _note_unfinished(config: "Config", quiet: bool) -> None:
    """Note that the training of a generator of the table, the first of several, is not finished."""
    from faceprep.workspace import Workspace
    from faceprep.workspace.artifacts import generator_file, generator_name

    folds = range(config.classify.folds) if config.classify.folds else (None,)
    names = (generator_name(config.classify.generator, fold) for fold in folds)
    files = (generator_file(config.workspace, name) for name in names)
    any(note_unfinished(Workspace(config.workspace), file, quiet) for file in files)


def _settings(
    flags: Mapping[str, Any], own: Mapping[str, Any], lists: Mapping[str, str | None]
) -> dict[str, Any]:
    """Pass the verb's own flags on as settings of ``[classify]``."""
    values = {f"classify.{name}": value for name, value in own.items()}
    for name, text in lists.items():
        if text is not None:
            values[f"classify.{name}"] = _parse_list(name, text)
    # One of them replaces the other, which a pipeline file may set.
    if lists["times"] is None and lists["sweep"] is not None:
        values["classify.times"] = []
    if lists["sweep"] is None and lists["times"] is not None:
        values["classify.sweep"] = [0]
    return as_settings(flags, values)


def _parse_list(name: str, text: str) -> list[Any]:
    """Parse ``0,3000`` into the list that ``--set`` takes; UsageError if a word is not a number."""
    kind = {"sweep": int, "times": float, "arms": str}[name]
    try:
        return [kind(word.strip()) for word in text.split(",") if word.strip()]
    except ValueError:
        example = Again({name: {"sweep": "0,3000,30000", "times": "0,1,5"}[name]})
        raise UsageError(f"--{name} {text}: expected numbers", example) from None
