"""``faceprep demo``: render a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.options import Quiet, Verbose, Workers
from faceprep.cli.root import PREPARE, app
from faceprep.core.errors import Remedy


@app.command(rich_help_panel=PREPARE)
@guarded
def demo(
    directory: Annotated[Path, typer.Argument(help="Folder to create.")],
    layout: Annotated[str, typer.Option(help="oulu-casia, ck-plus or celeba.")] = "oulu-casia",
    subjects: Annotated[int | None, typer.Option(help="Number of subjects.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames per sequence.")] = None,
    difficulty: Annotated[float | None, typer.Option(help="0 easy … 1 hard.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the drawn subjects.")] = None,
    workers: Workers = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Render a dataset of drawn faces in the folder layout of a real one.

    faceprep demo out/demo --layout ck-plus --subjects 20
    """
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
    config = resolve(flags=flags).config
    with Progress(quiet=quiet) as progress:
        render(config, progress)
    print(f"{directory}: {config.demo.subjects if config.demo else 0} subjects, layout {layout}")
    say_next(Remedy("run", overrides={"dataset": layout, "root": directory}), quiet)
    return DONE
