"""``faceprep demo``: render a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.options import Quiet, Verbose, Workers, choices
from faceprep.cli.root import PREPARE, app
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Remedy
from faceprep.core.vocabulary import Layout


@app.command(rich_help_panel=PREPARE)
@guarded
def demo(
    directory: Annotated[Path, typer.Argument(help="Folder to create.")],
    layout: Annotated[
        str, typer.Option(metavar=choices(Layout), help="Dataset whose folders are imitated.")
    ] = "oulu-casia",
    subjects: Annotated[int | None, typer.Option(help="Number of subjects.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames per sequence.")] = None,
    difficulty: Annotated[float | None, typer.Option(help="0: easy, 1: hard.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the drawn subjects.")] = None,
    workers: Workers = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Render a dataset of drawn faces in the folder layout of a real one.

    faceprep demo out/demo --layout ck-plus --subjects 20
    """
    from faceprep.config import DemoConfig
    from faceprep.config.sources import resolve
    from faceprep.core.progress import Progress
    from faceprep.stages.pipeline import render

    chosen = {
        "demo.layout": layout,
        "demo.subjects": subjects,
        "demo.frames": frames,
        "demo.difficulty": difficulty,
        "demo.seed": seed,
        "select.root": str(directory),
        "workers": workers,
    }
    flags = {
        key: (value, f"--{key.split('.')[-1]}")
        for key, value in chosen.items()
        if value is not None
    }
    refuse_unwritable(directory)
    config = resolve(flags=flags).config
    drawn = config.demo or DemoConfig()
    with Progress(quiet=quiet) as progress:
        render(config, progress)
    if not quiet:
        print(f"{directory}: {drawn.subjects} subjects, layout {drawn.layout}")
    say_next(Remedy("run", overrides={"dataset": drawn.layout, "root": directory}), quiet)
    return DONE
