"""``faceprep show`` and ``status``: contents and progress of a workspace."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.effect import refuse_unused
from faceprep.cli.exit_codes import DONE, guarded, print_result, say_next
from faceprep.cli.options import Json, Quiet, Verbose, WorkspaceDir, seed_of
from faceprep.cli.remedies import spell
from faceprep.cli.root import LOOK, app
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Again, UsageError


@app.command(rich_help_panel=LOOK)
@guarded
def show(
    path: Annotated[
        Path | None, typer.Argument(help="Workspace, folder of it, or manifest.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Draw a contact sheet into this PNG.")
    ] = None,
    per_expression: Annotated[
        int, typer.Option("--per-expression", min=1, help="Faces per expression on the sheet.")
    ] = 9,
    seed: Annotated[int, seed_of("the choice of faces")] = 0,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Print the stages of a workspace with counts by status, or the columns of one manifest.

    faceprep show manifests/demo --sheet sheet.png
    """
    from faceprep.report.show.page import results_at
    from faceprep.report.show.page import show as describe
    from faceprep.workspace.discover import workspace_of

    if sheet is None:
        refuse_unused("they are for --sheet", "per_expression", "seed")
    else:
        refuse_unwritable(sheet)
    renderables, data = describe(path, spell)
    if sheet is not None:
        made = results_at(path) if path is not None else None
        if made is not None:
            from faceprep.report.sheets.synthetic import sheet_of

            drawn = sheet_of(*made, sheet, per_expression, seed)
        else:
            from faceprep.report.sheets.contact_sheet import contact_sheet

            place = workspace_of(path)
            drawn = contact_sheet(place, sheet, per_expression=per_expression, seed=seed)
        renderables, data = [*renderables, str(drawn)], {**data, "sheet": drawn.as_dict()}
    print_result(renderables, data, as_json=json)
    if sheet is None and data["kind"] == "workspace" and not data["next"]:
        say_next(Again({"sheet": "sheet.png"}), quiet=json or quiet)
    return DONE


@app.command(rich_help_panel=LOOK)
@guarded
def status(
    folder: Annotated[
        str | None, typer.Argument(metavar="[WORKSPACE]", help="The same as --workspace.")
    ] = None,
    workspace: WorkspaceDir = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Print which shards are done, running, queued and failed, with the end of the log of failures.

    faceprep status manifests/ck-plus
    """
    from faceprep.report.status.status import status as look
    from faceprep.workspace.discover import workspace_of

    if folder and workspace and folder != workspace:
        raise UsageError(f"two workspaces: {folder} and {workspace}", Again({"workspace": None}))
    given = folder or workspace
    flag = "folder" if folder else "workspace"
    place = workspace_of(Path(given) if given else None, flag)
    print_result(*look(place), as_json=json)
    return DONE
