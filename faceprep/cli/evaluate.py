"""The verbs that measure: ``evaluate aus``, ``evaluate edits``, ``evaluate codes``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.options import Device, Json, Quiet, Seed, Verbose
from faceprep.cli.root import app
from faceprep.core.errors import Remedy

evaluate_app = typer.Typer(help="Measure results against what is known.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")


@evaluate_app.command("aus")
@guarded
def evaluate_aus(
    path: Annotated[
        Path | None, typer.Argument(metavar="WORKSPACE", help="The only one, if not given.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="facs|demo|PATH",
            help="CK+'s codes, the demo's truth, or another workspace (or aus manifests) of the"
            " same faces. By default the codes, else the truth.",
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only train, val or test.")] = None,
    role: Annotated[str | None, typer.Option(help="Only neutral, peak or still.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the agreement of every AU into this PNG or PDF.")
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Hold Action Units against FACS codes, the demo's truth or another backend: r, ICC, MAE, F1.

    faceprep evaluate aus manifests/ck-plus --plot aus.png
    """
    from faceprep.cli.output import print_result
    from faceprep.evaluation.aus.evaluate import evaluate_aus as evaluate
    from faceprep.report.aus_table import evaluation_tables

    if plot is not None:
        from faceprep.report.aus_plot import check_plot

        check_plot(plot)
    found = evaluate(path, against, split=split, role=role)
    renderables, data = evaluation_tables(found)
    if plot is not None:
        from faceprep.report.aus_plot import plot_agreement

        plot_agreement(found, plot)
        renderables, data = [*renderables, str(plot)], {**data, "plot": str(plot)}
    print_result(renderables, data, as_json=json)
    if plot is None:
        at = shlex.quote(str(found.workspace))
        say_next(f"faceprep evaluate aus {at} --plot aus.png", quiet=json)
    return DONE


@evaluate_app.command("edits")
@guarded
def evaluate_edits(
    path: Annotated[
        Path | None, typer.Argument(metavar="WORKSPACE", help="The only one, if not given.")
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(help="Its file; WORKSPACE/train/exprgan/generator.safetensors if not given."),
    ] = None,
    split: Annotated[str, typer.Option(help="test, or val while choosing between variants.")] = (
        "test"
    ),
    sources: Annotated[
        int | None, typer.Option(min=2, help="Edit at most N faces, of as many people as possible.")
    ] = None,
    intensities: Annotated[
        str, typer.Option(help="At which the growth of the expression is measured.")
    ] = "0.2,0.4,0.6,0.8,1",
    identities: Annotated[
        int, typer.Option(min=0, help="New people of each expression, for diversity; 0: none.")
    ] = 64,
    second_judge: Annotated[
        bool, typer.Option(help="Ask a small network as well, trained on the spot.")
    ] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw people by expressions into this PNG.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write the numbers into this Parquet file.")
    ] = None,
    device: Device = None,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Edit unseen people: agreement, identity, realism, intensity, diversity, beside a copy's.

    faceprep evaluate edits manifests/demo --sheet edits.png
    """
    from faceprep.cli.output import print_result
    from faceprep.core.progress import Progress
    from faceprep.evaluation.edits.workspace import evaluate_workspace, read_intensities
    from faceprep.report.edits_table import check_table, edit_tables, write_table

    if table is not None:
        check_table(table)
    if sheet is not None:
        from faceprep.report.sheets.grid import check_png

        check_png(sheet, "--sheet")
    with Progress(quiet=quiet) as progress:
        found = evaluate_workspace(
            path, generator, split=split, sources=sources,
            intensities=read_intensities(intensities), identities=identities,
            second_judge=second_judge, device=device or "auto", seed=seed or 0, progress=progress,
        )  # fmt: skip
    renderables, data = edit_tables(found.report)
    if table is not None:
        write_table(found.report, table)
        renderables, data = [*renderables, str(table)], {**data, "table": str(table)}
    if sheet is not None:
        from faceprep.report.edits_sheet import draw_sheet

        draw_sheet(found, sheet, seed=seed or 0)
        renderables, data = [*renderables, str(sheet)], {**data, "sheet": str(sheet)}
    print_result(renderables, data, as_json=json)
    if sheet is None:
        say_next("faceprep evaluate edits … --sheet edits.png   shows them", quiet=json or quiet)
    return DONE


@evaluate_app.command("codes")
@guarded
def evaluate_codes(
    path: Annotated[
        Path | None, typer.Argument(metavar="WORKSPACE", help="The only one, if not given.")
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(help="Its file; WORKSPACE/train/exprgan/generator.safetensors if not given."),
    ] = None,
    split: Annotated[str, typer.Option(help="test, or val while choosing between variants.")] = (
        "test"
    ),
    neighbours: Annotated[int, typer.Option(min=1, help="k of the nearest neighbours.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw a t-SNE into this PNG or PDF.")
    ] = None,
    device: Device = None,
    seed: Seed = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Say what the codes hold: whose neighbours are the same person, whose the same expression.

    faceprep evaluate codes manifests/demo -o codes.png
    """
    from faceprep.cli.output import print_result
    from faceprep.evaluation.codes import evaluate_codes as evaluate
    from faceprep.inference.generator import open_generator
    from faceprep.report.codes_table import codes_tables

    if out is not None:
        from faceprep.report.aus_plot import check_plot

        check_plot(out, "-o")

    def again(workspace: Path) -> Remedy:
        return Remedy("evaluate codes", arguments=(str(workspace), "…"))

    used = open_generator(path, generator, device=device or "auto", suggest=again)
    found = evaluate(
        used.model, used.needed_workspace("codes are compared between faces of a workspace"),
        split=split, neighbours=neighbours, device=used.device, seed=seed or 0,
        name=f"{used.file} ({used.name})", trained_on=used.trained_on,
    )  # fmt: skip
    renderables, data = codes_tables(found)
    if out is not None:
        from faceprep.report.codes_plot import plot_codes

        plot_codes(found, out, seed or 0)
        renderables, data = [*renderables, str(out)], {**data, "plot": str(out)}
    print_result(renderables, data, as_json=json)
    if out is None:
        say_next("faceprep evaluate codes … -o codes.png   draws them", quiet=json)
    return DONE
