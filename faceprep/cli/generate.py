"""The verbs that use a trained generator: ``edit``, ``transfer``, ``new-faces``, ``retrieve``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceprep.cli.exit_codes import DONE, SOME_ROWS_FAILED, complain, guarded, say_next
from faceprep.cli.options import Device, Json, Quiet, Seed, Verbose
from faceprep.cli.root import app

if TYPE_CHECKING:
    from faceprep.core.progress import Progress
    from faceprep.inference.inputs import Portraits
    from faceprep.inference.output import Made

_Workspace = Annotated[
    Path | None,
    typer.Option("--workspace", help="With the generator; the only one, if not given."),
]
_Generator = Annotated[
    Path | None,
    typer.Option(help="Its file; WORKSPACE/train/exprgan/generator.safetensors if not given."),
]
_Detector = Annotated[
    str | None,
    typer.Option(help="mtcnn or dlib; that of the workspace, if not given."),
]
_Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="The PNG; a folder for several pictures.")
]
_Faces = Annotated[
    list[str] | None,
    typer.Argument(metavar="PHOTO…", help="Photographs, or face_ids of the workspace."),
]


@app.command()
@guarded
def edit(
    photographs: _Faces = None,
    to: Annotated[str | None, typer.Option(help="The expression, e.g. happiness.")] = None,
    intensity: Annotated[float, typer.Option(help="Of the expression, 0 to 1.")] = 1.0,
    grid: Annotated[
        bool, typer.Option("--grid", help="A sheet of all expressions in five intensities.")
    ] = False,
    out: _Out = None,
    workspace: _Workspace = None,
    generator: _Generator = None,
    detector: _Detector = None,
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
    from faceprep.inference.edit import check_intensity, edit_faces, edit_sheet
    from faceprep.inference.generator import open_generator
    from faceprep.inference.inputs import read_portraits

    if to is None and not grid:
        raise UsageError("which expression?", "--to happiness, or --grid for all of them")
    check_intensity(intensity)
    used = open_generator(workspace, generator, device=device or "auto", detector=detector)
    if to is not None:
        used.check_expression(to)
    with Progress(quiet=quiet) as progress:
        portraits = read_portraits(photographs or [], used, "faceprep edit")
        _say(portraits, progress)
    made = (
        edit_sheet(portraits, used, to, out)
        if grid or to is None
        else edit_faces(portraits, used, to, intensity, out)
    )
    _print(made, json)
    return _end(portraits)


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
        typer.Option("--from", metavar="B", help="Whose expression; repeatable, makes a sheet."),
    ] = None,
    expression: Annotated[str | None, typer.Option(help="What B shows, where it is known.")] = None,
    out: _Out = None,
    workspace: _Workspace = None,
    generator: _Generator = None,
    detector: _Detector = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Give the face of A the expression of B.

    faceprep transfer me.jpg smiling.jpg -o smiling-me.png
    """
    from faceprep.core.errors import UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference.generator import open_generator
    from faceprep.inference.inputs import read_portraits
    from faceprep.inference.labels import labels_of
    from faceprep.inference.transfer import transfer_faces

    words = list(photographs or [])
    onto, sources = (words, list(from_)) if from_ else (words[:-1], words[-1:])
    if not onto or not sources:
        raise UsageError("whose expression, onto whose face?", "faceprep transfer A.jpg B.jpg")
    ask = "faceprep transfer"
    used = open_generator(workspace, generator, device=device or "auto", detector=detector)
    if expression is not None:
        used.check_expression(expression)
    with Progress(quiet=quiet) as progress:
        faces, expressions = (read_portraits(some, used, ask) for some in (onto, sources))
        for portraits in (faces, expressions):
            _say(portraits, progress)
        labels = labels_of(expressions.faces, used, expression, progress)
    made = transfer_faces(faces, expressions, labels, used, out)
    for note in made.notes:
        progress.say(note)
    _print(made, json)
    return max(_end(faces), _end(expressions))


@app.command("new-faces")
@guarded
def new_faces(
    count: Annotated[int, typer.Option(min=1, max=64, help="How many people.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people.")] = 0,
    out: _Out = None,
    workspace: _Workspace = None,
    generator: _Generator = None,
    device: Device = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Draw people who do not exist, with every expression.

    faceprep new-faces --count 8 -o new-faces.png
    """
    from faceprep.inference.generator import open_generator
    from faceprep.inference.new_faces import draw_new_faces
    from faceprep.inference.output import sheet_path

    sheet_path(out, "new-faces.png")
    used = open_generator(workspace, generator, device=device or "auto")
    _print(draw_new_faces(used, count, seed, out), json)
    say_next("faceprep new-faces --seed 1   draws others", quiet=json)
    return DONE


@app.command()
@guarded
def retrieve(
    photographs: _Faces = None,
    by: Annotated[str, typer.Option(help="code, label, pixel, or all of them.")] = "code",
    top: Annotated[int, typer.Option(min=1, max=20, help="How many, each of another person.")] = 5,
    expression: Annotated[
        str | None, typer.Option(help="What the photographs show, where it is known.")
    ] = None,
    gallery: Annotated[str, typer.Option(help="Whose faces: test, val or train.")] = "test",
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Look for all test faces; print top-1 accuracies.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw them into this PNG.")
    ] = None,
    workspace: _Workspace = None,
    generator: _Generator = None,
    detector: _Detector = None,
    device: Device = None,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Find faces of other people with the same expression.

    faceprep retrieve me.jpg --by all -o found.png
    """
    from faceprep.cli.output import print_result
    from faceprep.core.errors import UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference.generator import open_generator
    from faceprep.inference.inputs import read_portraits
    from faceprep.inference.output import sheet_path
    from faceprep.inference.retrieve import (
        draw_hits,
        evaluate_retrieve,
        find_hits,
        hit_tables,
        ways_of,
    )
    from faceprep.report.evaluation.codes_table import retrieval_tables

    ask = "faceprep retrieve"
    ways = ways_of(by)
    if out is not None:
        sheet_path(out, "retrieved.png")
    if evaluate and photographs:
        raise UsageError("--evaluate looks for all test faces, not for photographs", ask)
    used = open_generator(workspace, generator, device=device or "auto", detector=detector)
    with Progress(quiet=quiet) as progress:
        if evaluate:
            print_result(
                *retrieval_tables(evaluate_retrieve(used, gallery, seed or 0)), as_json=json
            )
            return DONE
        portraits = read_portraits(photographs or [], used, ask)
        _say(portraits, progress)
        found = find_hits(portraits, used, ways, gallery, expression, top, progress, seed or 0)
    renderables, data = hit_tables(found)
    if out is not None:
        path = draw_hits(found, used, out)
        renderables, data = [*renderables, str(path)], {**data, "sheet": str(path)}
    print_result(renderables, data, as_json=json)
    if out is None:
        say_next("faceprep retrieve … -o found.png   shows them", quiet=json or quiet)
    return _end(portraits)


def _say(portraits: "Portraits", progress: "Progress") -> None:
    for note in portraits.notes():
        progress.say(note)


def _print(made: "Made", as_json: bool) -> None:
    from faceprep.cli.output import print_result

    if as_json:
        print_result([], made.data, as_json=True)
    else:
        print("\n".join([*made.lines, *(str(path) for path in made.paths)]))


def _end(portraits: "Portraits") -> int:
    for source, reason in portraits.failures.items():
        complain(f"error: {source}: {reason}", None)
    return SOME_ROWS_FAILED if portraits.failures else DONE
