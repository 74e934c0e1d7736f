"""The verbs ``edit``, ``transfer`` and ``new-faces``: faces from a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli import generator_flags as flags
from faceprep.cli.effect import refuse_unused
from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.options import Device, Json, Quiet, Verbose, seed_of
from faceprep.cli.remedies import spell
from faceprep.cli.root import GENERATE, app
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Again


@app.command(rich_help_panel=GENERATE)
@guarded
def edit(
    photographs: flags.Faces = None,
    to: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help=f"One of {flags.NAMES}.")
    ] = None,
    intensity: Annotated[float, typer.Option(help="Intensity of the expression, 0 to 1.")] = 1.0,
    grid: Annotated[
        bool,
        typer.Option(
            "--grid", help="Draw a sheet of all expressions, or of --to, in five intensities."
        ),
    ] = False,
    out: flags.Out = None,
    workspace: flags.WorkspaceFlag = None,
    generator: flags.GeneratorFile = None,
    detector: flags.Detector = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Give faces another expression.

    faceprep edit me.jpg --to happiness --intensity 0.6 -o happy.png
    """
    from faceprep.core.errors import Again, UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference.edit import check_intensity, edit_faces, edit_grid
    from faceprep.inference.generator import open_generator
    from faceprep.report.sheets.inference import draw_edit_grid, edit_paths, grid_path, write_edits

    if to is None and not grid:
        raise UsageError(
            "no expression is given (--to)", Again({"grid": True}, note="draws all of them")
        )
    if grid:
        refuse_unused("--grid draws five intensities", "intensity")
    check_intensity(intensity)
    refuse_unwritable(out or Path())
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    if to is not None:
        to = loaded.expression_of(to)
    with Progress(quiet=quiet) as progress:
        inputs = flags.read_faces(photographs or [], loaded, progress)
    flags.refuse_idle_detector(inputs)
    if grid or to is None:
        path = grid_path(inputs, out)
        written = draw_edit_grid(edit_grid(inputs, loaded, to), loaded, path)
    else:
        paths = edit_paths(inputs, to, intensity, out)
        written = write_edits(edit_faces(inputs, loaded, to, intensity), loaded, paths)
    flags.print_written(written, json, quiet)
    return flags.exit_code(inputs)


@app.command(rich_help_panel=GENERATE)
@guarded
def transfer(
    photographs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="A… B",
            help="Photographs or face_ids; the others get the expression of the last one.",
        ),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="B", help="Photograph with the expression; repeatable, for a sheet."
        ),
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option(metavar="EXPRESSION", help=f"What B shows, if known: {flags.NAMES}."),
    ] = None,
    out: flags.Out = None,
    workspace: flags.WorkspaceFlag = None,
    generator: flags.GeneratorFile = None,
    detector: flags.Detector = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Give face A the expression of face B.

    faceprep transfer me.jpg smiling.jpg -o smiling-me.png
    """
    from faceprep.core.errors import UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference.generator import open_generator
    from faceprep.inference.labels import labels_of
    from faceprep.inference.transfer import transfer_expressions
    from faceprep.report.sheets.inference import transfer_path, write_transfers

    words = list(photographs or [])
    onto, sources = (words, list(from_)) if from_ else (words[:-1], words[-1:])
    if not onto or not sources:
        advice = "name two photographs, the one with the expression last"
        raise UsageError("transfer needs two photographs", advice)
    refuse_unwritable(out or Path())
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    loaded.with_codes("transfer expressions")
    if expression is not None:
        expression = loaded.expression_of(expression, "expression")
    with Progress(quiet=quiet) as progress:
        faces = flags.read_faces(onto, loaded, progress)
        expressions = flags.read_faces(sources, loaded, progress)
        flags.refuse_idle_detector(faces, expressions)
        labels = labels_of(expressions.faces, loaded, expression, progress)
    path = transfer_path(faces, expressions, out)
    transfers = transfer_expressions(faces, expressions, labels, loaded)
    written = write_transfers(transfers, loaded, path)
    for note in written.notes:
        progress.say(spell(note))
    flags.print_written(written, json, quiet)
    return flags.exit_code(faces, expressions)


@app.command("new-faces", rich_help_panel=GENERATE)
@guarded
def new_faces(
    count: Annotated[int, typer.Option(min=1, max=64, help="Number of people.")] = 8,
    seed: Annotated[int, seed_of("the drawn people")] = 0,
    out: flags.Out = None,
    workspace: flags.WorkspaceFlag = None,
    generator: flags.GeneratorFile = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Draw people who do not exist, with every expression.

    faceprep new-faces --count 8 -o new-faces.png
    """
    from faceprep.inference.edit import make_new_faces
    from faceprep.inference.generator import open_generator
    from faceprep.report.sheets.inference import draw_new_faces, sheet_path

    refuse_unwritable(out or Path())
    path = sheet_path(out, "new-faces.png")
    loaded = open_generator(workspace, generator, device=device or "auto")
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    written = draw_new_faces(make_new_faces(loaded, count, seed), loaded, path)
    flags.print_written(written, json, quiet)
    say_next(Again({"seed": seed + 1}, note="draws others"), quiet=json or quiet)
    return DONE
