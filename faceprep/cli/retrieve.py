"""The verb ``retrieve``."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli import generator_flags as flags
from faceprep.cli.effect import refuse_unused
from faceprep.cli.exit_codes import DONE, guarded, print_result, say_next
from faceprep.cli.options import Device, Json, Quiet, Verbose, choices, seed_of
from faceprep.cli.root import GENERATE, app
from faceprep.core.disk import refuse_unwritable
from faceprep.core.vocabulary import SPLITS


@app.command(rich_help_panel=GENERATE)
@guarded
def retrieve(
    photographs: flags.Faces = None,
    by: Annotated[
        str, typer.Option(metavar="code|label|pixel|all", help="What is compared.")
    ] = "code",
    top: Annotated[
        int, typer.Option(min=1, max=20, help="Number of faces, each of another person.")
    ] = 5,
    expression: Annotated[
        str | None,
        typer.Option(
            metavar="EXPRESSION", help=f"What the photographs show, if known: {flags.NAMES}."
        ),
    ] = None,
    gallery: Annotated[
        str, typer.Option(metavar=choices(SPLITS), help="Split to search.")
    ] = "test",
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Search with all test faces; print top-1 accuracies.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw the faces into this PNG.")
    ] = None,
    workspace: flags.WorkspaceFlag = None,
    generator: flags.GeneratorFile = None,
    detector: flags.Detector = None,
    device: Device = None,
    seed: Annotated[int | None, seed_of("the choice of faces from a large gallery")] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Find faces of other people with the same expression.

    faceprep retrieve me.jpg --by all -o found.png
    """
    from faceprep.core.errors import Again, UsageError
    from faceprep.core.progress import Progress
    from faceprep.inference import retrieve as retrieval
    from faceprep.inference.generator import open_generator
    from faceprep.report.evaluation.codes_table import hit_tables, retrieval_tables
    from faceprep.report.sheets.inference import draw_hits, sheet_path

    ways = retrieval.ways_of(by)
    if out is not None:
        refuse_unwritable(out)
        sheet_path(out, "retrieved.png")
    if evaluate:
        why = "--evaluate searches in every way, and prints a table"
        refuse_unused(why, "by", "top", "expression", "out", "detector")
    elif ways == ("pixel",):
        refuse_unused("--by pixel does not compare expressions", "expression")
    if evaluate and photographs:
        hint = Again({"evaluate": False})
        raise UsageError("--evaluate searches with all test faces and takes no photographs", hint)
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    if evaluate:
        report = retrieval.evaluate_retrieve(loaded, gallery, seed or 0)
        print_result(*retrieval_tables(report), as_json=json)
        return DONE
    with Progress(quiet=quiet) as progress:
        queries = flags.read_faces(photographs or [], loaded, progress)
        flags.refuse_idle_detector(queries)
        found = retrieval.retrieve(
            queries, loaded, ways, gallery, expression, top, progress, seed or 0
        )
    renderables, data = hit_tables(found)
    if out is not None:
        path = draw_hits(found, loaded, out)
        renderables, data = [*renderables, str(path)], {**data, "sheet": str(path)}
    print_result(renderables, data, as_json=json)
    if out is None:
        say_next(Again({"-o": "found.png"}, note="shows them"), quiet=json or quiet)
    return flags.exit_code(queries)
