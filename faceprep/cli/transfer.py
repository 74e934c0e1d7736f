"""The verb ``transfer``."""

from typing import Annotated

import typer

from faceprep.cli.exit_codes import guarded
from faceprep.cli.generator_flags import (
    Detector,
    GeneratorFile,
    Out,
    WorkspaceFlag,
    exit_code,
    print_written,
    read_faces,
    say_notes,
)
from faceprep.cli.options import Device, Json, Quiet, Verbose
from faceprep.cli.root import app


@app.command()
@guarded
def transfer(
    photographs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="A… B",
            help="Photographs or face_ids; the last one's expression goes onto the others.",
        ),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="B", help="Photograph with the expression; repeatable, for a sheet."
        ),
    ] = None,
    expression: Annotated[
        str | None, typer.Option(help="Expression that B shows, if known.")
    ] = None,
    out: Out = None,
    workspace: WorkspaceFlag = None,
    generator: GeneratorFile = None,
    detector: Detector = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Give the face of A the expression of B.

    faceprep transfer me.jpg smiling.jpg -o smiling-me.png
    """
    from faceprep.core.errors import Remedy, UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference.generator import open_generator
    from faceprep.inference.labels import labels_of
    from faceprep.inference.transfer import transfer_expressions
    from faceprep.report.sheets.transfer import transfer_path, write_transfers

    words = list(photographs or [])
    onto, sources = (words, list(from_)) if from_ else (words[:-1], words[-1:])
    if not onto or not sources:
        hint = Remedy("transfer", arguments=("A.jpg", "B.jpg"))
        raise UsageError("whose expression, onto whose face?", hint)
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    loaded.with_codes("transfer expressions")
    if expression is not None:
        loaded.check_expression(expression)
    with Progress(quiet=quiet) as progress:
        faces = read_faces(onto, loaded, "transfer", progress)
        expressions = read_faces(sources, loaded, "transfer", progress)
        labels = labels_of(expressions.faces, loaded, expression, progress)
    path = transfer_path(faces, expressions, out)
    transfers = transfer_expressions(faces, expressions, labels, loaded)
    written = write_transfers(transfers, loaded, path)
    say_notes(written, progress)
    print_written(written, json)
    return exit_code(faces, expressions)
