"""The verb ``edit``."""

from typing import Annotated

import typer

from faceprep.cli.exit_codes import guarded
from faceprep.cli.generator_flags import (
    Detector,
    Faces,
    GeneratorFile,
    Out,
    WorkspaceFlag,
    exit_code,
    print_written,
    read_faces,
)
from faceprep.cli.options import Device, Json, Quiet, Verbose
from faceprep.cli.root import app


@app.command()
@guarded
def edit(
    photographs: Faces = None,
    to: Annotated[str | None, typer.Option(help="Expression, e.g. happiness.")] = None,
    intensity: Annotated[float, typer.Option(help="Intensity of the expression, 0 to 1.")] = 1.0,
    grid: Annotated[
        bool, typer.Option("--grid", help="Draw a sheet of all expressions in five intensities.")
    ] = False,
    out: Out = None,
    workspace: WorkspaceFlag = None,
    generator: GeneratorFile = None,
    detector: Detector = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Give faces another expression.

    faceprep edit me.jpg --to happiness --intensity 0.6 -o happy.png
    """
    from faceprep.core.errors import UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference.edit import check_intensity, edit_faces, edit_grid
    from faceprep.inference.generator import open_generator
    from faceprep.report.sheets.edits import draw_edit_grid, edit_paths, grid_path, write_edits

    if to is None and not grid:
        raise UsageError("which expression?", "--to happiness, or --grid for all of them")
    check_intensity(intensity)
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    if to is not None:
        loaded.check_expression(to)
    with Progress(quiet=quiet) as progress:
        inputs = read_faces(photographs or [], loaded, "edit", progress)
    if grid or to is None:
        path = grid_path(inputs, out)
        written = draw_edit_grid(edit_grid(inputs, loaded, to), loaded, path)
    else:
        paths = edit_paths(inputs, to, intensity, out)
        written = write_edits(edit_faces(inputs, loaded, to, intensity), loaded, paths)
    print_written(written, json)
    return exit_code(inputs)
