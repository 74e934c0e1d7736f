"""The verb ``new-faces``."""

from typing import Annotated

import typer

from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.generator_flags import GeneratorFile, Out, WorkspaceFlag, print_written
from faceprep.cli.options import Device, Json, Verbose
from faceprep.cli.root import app


@app.command("new-faces")
@guarded
def new_faces(
    count: Annotated[int, typer.Option(min=1, max=64, help="Number of people.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the people.")] = 0,
    out: Out = None,
    workspace: WorkspaceFlag = None,
    generator: GeneratorFile = None,
    device: Device = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Draw people who do not exist, with every expression.

    faceprep new-faces --count 8 -o new-faces.png
    """
    from faceprep.inference.generator import open_generator
    from faceprep.inference.new_faces import make_new_faces
    from faceprep.report.sheets.new_faces import draw_new_faces, new_faces_path

    path = new_faces_path(out)
    loaded = open_generator(workspace, generator, device=device or "auto")
    print_written(draw_new_faces(make_new_faces(loaded, count, seed), loaded, path), json)
    say_next("faceprep new-faces --seed 1   draws others", quiet=json)
    return DONE
