"""``faceprep evaluate codes``: identity and expression in the codes of a generator."""

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
from faceprep.core.errors import Again


@evaluate_app.command("codes")
@guarded
def evaluate_codes(
    path: WorkspaceArgument = None,
    generator: GeneratorFile = None,
    split: UnseenSplit = "test",
    neighbours: Annotated[int, typer.Option(min=1, help="Number of nearest neighbours.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw a t-SNE into this PNG or PDF.")
    ] = None,
    device: Device = None,
    seed: Annotated[
        int | None, seed_of("t-SNE, and of the choice of faces where there are many")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Measure identity and expression in the codes of a generator, by nearest neighbours.

    faceprep evaluate codes manifests/demo -o codes.png
    """
    from faceprep.evaluation import codes
    from faceprep.inference.generator import open_generator
    from faceprep.report.evaluation.codes_plot import plot_codes
    from faceprep.report.evaluation.codes_table import codes_tables
    from faceprep.report.figure import check_plot

    if out is not None:
        refuse_unwritable(out)
        check_plot(out, "-o")

    used = open_generator(path, generator, device=device or "auto")
    note_unfinished(used.workspace, used.file, quiet)
    report = codes.evaluate_codes(
        used.with_codes("separate identity and expression"),
        used.needed_workspace("codes are compared between faces of a workspace"),
        split=split, neighbours=neighbours, device=used.device, seed=seed or 0,
        name=f"{used.file} ({used.name})", trained_on=used.trained_on,
    )  # fmt: skip
    tables = codes_tables(report)
    if out is not None:
        plot_codes(report, out, seed or 0)
    print_evaluation(tables, {"plot": out}, as_json=json)
    if out is None:
        say_next(Again({"-o": "codes.png"}, note="draws them"), quiet=json or quiet)
    return DONE
