"""``faceprep classify``: what synthetic faces are worth, as a table of accuracies."""

from typing import Annotated, Any

import typer

from faceprep.cli.exit_codes import DONE, FAILED, guarded, say_next
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
    Verbose,
    Workers,
    WorkspaceDir,
    resolve_flags,
)
from faceprep.cli.root import app
from faceprep.core.errors import UsageError


@app.command()
@guarded
def classify(
    config: ConfigFile = None,
    sweep: Annotated[
        str | None,
        typer.Option(metavar="0,3000,…", help="Numbers of synthetic faces; 0 is always a row."),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(metavar="0,1,5,…", help="Multiples of the training faces instead."),
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…",
            help="plain, flips, classic, mixup, reweighting, logistic; classic@0: only without"
            " synthetic faces.",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Trainings of every row.")] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Cross-validate over select's folds.")
    ] = None,
    generator: Annotated[str | None, typer.Option(help="Whose synthetic faces.")] = None,
    dataset: DatasetName = None,
    root: Root = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    workers: Workers = None,
    engine: EngineName = None,
    device: Device = None,
    limit: Limit = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The first of the seeds.")] = None,
    only: Only = False,
    overwrite: Overwrite = False,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
    json: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Train with more and more synthetic faces, test on people nobody has seen: accuracy table.

    faceprep classify --sweep 0,3000,6000,30000 --arms flips,classic@0,logistic@0 --seeds 5
    """
    from faceprep.cli.commands.classify import more_command
    from faceprep.cli.output import print_result
    from faceprep.cli.train import bring_up_to_date, on_slurm
    from faceprep.core.progress import Progress
    from faceprep.execution.options import Options
    from faceprep.report.accuracy.files import write_files
    from faceprep.report.accuracy.table import accuracy_tables, plan_tables
    from faceprep.stages.classify.run import run_classify

    resolved = resolve_flags(_arguments(locals())).config
    asked = resolved.classify
    options = Options(retry_failed=retry_failed, wait=not no_wait)
    options.refuse_leaving(resolved.engine)
    if resolved.engine == "slurm" and not dry_run:
        return on_slurm("classify", resolved, options, only, overwrite, quiet, json)
    with Progress(quiet=quiet) as progress:
        if any(asked.sweep + asked.times) and all(arm.endswith("@0") for arm in asked.arms):
            arms = ", ".join(asked.arms)
            progress.say(f"classify: no row has synthetic faces, as {arms} asks for")
        if not only and not bring_up_to_date(resolved, progress, dry_run, retry_failed):
            return FAILED
        result = run_classify(resolved, progress, overwrite=overwrite, dry_run=dry_run)
        if dry_run:
            print_result(*plan_tables(resolved, result), as_json=json)
            return DONE
        written = write_files(resolved, result, progress)
    print_result(*accuracy_tables(resolved, result, written), as_json=json)
    if not any(one.row.synthetic for one in result.rows):
        say_next(more_command(resolved, 3000), quiet or json)
    return DONE


def _arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Settings of ``[classify]`` out of the flags; ``--seed`` is its own here."""
    plain = {name: arguments[name] for name in ("seeds", "folds", "generator", "seed")}
    assigned = [f"classify.{name}={value}" for name, value in plain.items() if value is not None]
    for name, kind in (("sweep", int), ("times", float), ("arms", str)):
        text = arguments[name]
        if text is not None:
            assigned.append(f"classify.{name}={_listed(name, text, kind)}")
    # One of them takes the place of the other that a pipeline file may hold.
    if arguments["times"] is None and arguments["sweep"] is not None:
        assigned.append("classify.times=[]")
    if arguments["sweep"] is None and arguments["times"] is not None:
        assigned.append("classify.sweep=[0]")
    return {**arguments, "seed": None, "set_": [*(arguments["set_"] or []), *assigned]}


def _listed(name: str, text: str, kind: type) -> list[Any]:
    """``0,3000`` as the list that ``--set`` takes.

    Raises
    ------
    UsageError
        A word is no number.
    """
    try:
        return [kind(word.strip()) for word in text.split(",") if word.strip()]
    except ValueError:
        example = {"sweep": "0,3000,30000", "times": "0,1,5"}[name]
        raise UsageError(f"--{name} {text}: expected numbers", f"--{name} {example}") from None
