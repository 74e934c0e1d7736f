"""The verbs ``edit``, ``transfer`` and ``new-faces``: faces from a trained generator."""

from collections.abc import Mapping, Sequence
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
from faceprep.core.errors import Again, UsageError


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
    au: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AU=N",
            help="Intensity of one Action Unit, 0 to 5, as AU12=3.5; repeatable. The others stay.",
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AU|all",
            help="Draw a sheet with one Action Unit at 0, 1, 2, 3, 4, 5; repeatable.",
        ),
    ] = None,
    landmarks_from: Annotated[
        str | None,
        typer.Option(
            metavar="PHOTO",
            help="Face with the expression, moved to the shape of each source; --to names it.",
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Take the points of --landmarks-from as they are.")
    ] = False,
    parts: Annotated[
        bool,
        typer.Option(
            "--parts",
            help="Draw a sheet of what the edit consists of: flow, mask, colour and the rest.",
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
    """Give faces another expression, other Action Units, or the landmarks of another face.

    faceprep edit me.jpg --to happiness --intensity 0.6 -o happy.png
    """
    from faceprep.core.progress import Progress
    from faceprep.inference.action_units import parse_assignments, parse_units
    from faceprep.inference.edit import EditRequest, check_intensity, edit_faces, edit_grid
    from faceprep.inference.generator import open_generator
    from faceprep.inference.landmarks import donor_of
    from faceprep.inference.parts import edit_with_parts
    from faceprep.inference.sweep import sweep_units
    from faceprep.report.sheets.inference import draw_edit_grid, edit_paths, grid_path, write_edits
    from faceprep.report.sheets.parts import draw_parts
    from faceprep.report.sheets.sweep import draw_sweep

    asked, swept = parse_assignments(au or []), parse_units(sweep or [])
    if landmarks_from is None:
        refuse_unused("it is for --landmarks-from", "raw")
        _refuse_idle(to, grid, asked, swept, parts)
    else:
        refuse_unused("--landmarks-from requests one edit of the face", "grid", "au", "sweep")
    check_intensity(intensity)
    refuse_unwritable(out or Path())
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    if asked or swept:
        loaded.with_action_units("set single Action Units")
    if landmarks_from is not None:
        loaded.with_landmarks("request landmarks")
    if to is not None:
        to = loaded.expression_of(to)
    request = EditRequest(to, intensity, asked)
    with Progress(quiet=quiet) as progress:
        inputs = flags.read_faces(photographs or [], loaded, progress)
        if landmarks_from is not None:
            others = flags.read_faces([landmarks_from], loaded, progress, inputs)
            donor = donor_of(others.faces[0], loaded, to, raw, progress)
            request = EditRequest(intensity=intensity, donor=donor)
    flags.refuse_idle_detector(inputs, *([others] if landmarks_from else []))
    if grid:
        path = grid_path(inputs, out)
        written = draw_edit_grid(edit_grid(inputs, loaded, to), loaded, path)
    elif swept:
        path = grid_path(inputs, out, "sweep")
        written = draw_sweep(sweep_units(inputs, loaded, swept, request), loaded, path)
    elif parts:
        path = grid_path(inputs, out, "parts")
        written = draw_parts(edit_with_parts(inputs, loaded, request), loaded, path)
    else:
        paths = edit_paths(inputs, request, out)
        written = write_edits(edit_faces(inputs, loaded, request), loaded, paths)
    flags.print_written(written, json, quiet)
    return flags.exit_code(inputs)


def _refuse_idle(
    to: str | None, grid: bool, asked: Mapping[str, float], swept: Sequence[str], parts: bool
) -> None:
    """Refuse an edit that asks for nothing, and flags without effect, with a UsageError."""
    if grid:
        refuse_unused("--grid draws five intensities", "intensity")
        refuse_unused("--grid draws whole expressions", "au", "sweep", "parts")
    elif to is None and (asked or swept):
        refuse_unused("it is that of the expression --to", "intensity")
    elif to is None:
        raise UsageError(
            "no expression is given (--to), and no Action Unit (--au)",
            Again({"grid": True, "parts": False}, note="draws all expressions"),
        )
    if swept:
        refuse_unused("--sweep draws many edits", "parts")
    if swept and swept == list(asked):
        refuse_unused(f"--sweep draws every intensity of {swept[0]}", "au")


@app.command(rich_help_panel=GENERATE)
@guarded
def transfer(
    photographs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="A B",
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
    from faceprep.core.progress import Progress
    from faceprep.inference.generator import open_generator
    from faceprep.inference.labels import labels_of, needs_labels
    from faceprep.inference.transfer import (
        transfer_expressions,
        transfer_landmarks,
        transfer_units,
        transferred,
    )
    from faceprep.report.sheets.inference import transfer_path, write_transfers

    words = list(photographs or [])
    onto, sources = (words, list(from_)) if from_ else (words[:-1], words[-1:])
    if not onto or not sources:
        advice = "name two photographs, the one with the expression last"
        raise UsageError("transfer needs two photographs", advice)
    refuse_unwritable(out or Path())
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    by, labelled = transferred(loaded), needs_labels(loaded)
    if not labelled:
        what = "Action Units" if by == "action_units" else "landmarks"
        refuse_unused(f"{loaded.kind} reads {what}, no expression", "expression")
    if expression is not None:
        expression = loaded.expression_of(expression, "expression")
    with Progress(quiet=quiet) as progress:
        faces = flags.read_faces(onto, loaded, progress)
        expressions = flags.read_faces(sources, loaded, progress, faces)
        flags.refuse_idle_detector(faces, expressions)
        labels = labels_of(expressions.faces, loaded, expression, progress) if labelled else []
    path = transfer_path(faces, expressions, out)
    if by == "action_units":
        transfers = transfer_units(faces, expressions, loaded)
    elif by == "landmarks":
        transfers = transfer_landmarks(faces, expressions, labels, loaded)
    else:
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
