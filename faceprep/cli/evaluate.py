"""The verbs that measure: ``evaluate aus``."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.options import Json, Verbose
from faceprep.cli.outcome import DONE, guarded, say_next
from faceprep.cli.root import app

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
    from faceprep.evaluation.evaluate import evaluate_aus as evaluate
    from faceprep.evaluation.table import evaluation_tables
    from faceprep.report.tables import print_result

    if plot is not None:
        from faceprep.evaluation.plot import check_plot

        check_plot(plot)
    found = evaluate(path, against, split=split, role=role)
    renderables, data = evaluation_tables(found)
    if plot is not None:
        from faceprep.evaluation.plot import plot_agreement

        plot_agreement(found, plot)
        renderables, data = [*renderables, str(plot)], {**data, "plot": str(plot)}
    print_result(renderables, data, as_json=json)
    if plot is None:
        say_next(f"faceprep evaluate aus {found.workspace} --plot aus.png", quiet=json)
    return DONE
