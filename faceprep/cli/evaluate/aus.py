"""``faceprep evaluate aus``: Action Units against FACS codes, the demo's truth or a backend."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.evaluate.group import WorkspaceArgument, evaluate_app, print_evaluation
from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.options import Json, Quiet, Verbose, choices
from faceprep.cli.remedies import spell
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Again
from faceprep.core.vocabulary import ROLES, SPLITS


@evaluate_app.command("aus")
@guarded
def evaluate_aus(
    path: WorkspaceArgument = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="facs|demo|PATH",
            help="CK+'s codes, the demo's truth, or another workspace (or aus manifests) of the"
            " same faces. By default the codes if there are any, else the truth.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar=choices(SPLITS), help="Only faces of this part.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(metavar=choices(ROLES), help="Only frames of this role.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the agreement of every AU into this PNG or PDF.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Compare Action Units with FACS codes, the demo's truth or another backend: r, ICC, MAE, F1.

    faceprep evaluate aus manifests/ck-plus --plot aus.png
    """
    from faceprep.evaluation.aus import evaluate
    from faceprep.report.evaluation.aus_plot import plot_agreement
    from faceprep.report.evaluation.aus_table import evaluation_tables
    from faceprep.report.figure import check_plot

    if plot is not None:
        refuse_unwritable(plot)
        check_plot(plot)
    result = evaluate.evaluate_aus(path, against, split=split, role=role)
    result = replace(result, notes=[spell(note) for note in result.notes])
    tables = evaluation_tables(result)
    if plot is not None:
        plot_agreement(result, plot)
    print_evaluation(tables, {"plot": plot}, as_json=json)
    if plot is None:
        say_next(Again({"plot": "aus.png"}, note="draws them"), quiet=json or quiet)
    return DONE
