"""The verbs that only look: ``show``, ``status``, ``doctor`` and ``config show``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.exit_codes import DONE, guarded, say_next
from faceprep.cli.options import (
    Assignments,
    ConfigFile,
    DatasetName,
    Json,
    Root,
    Verbose,
    WorkspaceDir,
    resolve_flags,
)
from faceprep.cli.root import app
from faceprep.core.errors import Remedy

config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")


@app.command()
@guarded
def show(
    path: Annotated[
        Path | None, typer.Argument(help="Workspace, folder of it, or manifest.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Draw a contact sheet into this PNG.")
    ] = None,
    per_expression: Annotated[
        int, typer.Option("--per-expression", min=1, help="Faces of each on the sheet.")
    ] = 9,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, other faces.")] = 0,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Print the stages of a workspace with counts by status, or the rows of one manifest.

    faceprep show manifests/demo --sheet sheet.png
    """
    from faceprep.report.show import generated_at
    from faceprep.report.show import show as describe
    from faceprep.report.tables import print_result
    from faceprep.workspace.discover import workspace_of

    renderables, data = describe(path)
    if sheet is not None:
        made = generated_at(path) if path is not None else None
        if made is not None:
            from faceprep.report.synthetic_sheet import sheet_of

            drawn = sheet_of(*made, sheet, per_expression, seed)
        else:
            from faceprep.report.sheet import contact_sheet

            place = workspace_of(path)
            drawn = contact_sheet(place, sheet, per_expression=per_expression, seed=seed)
        renderables, data = [*renderables, str(drawn)], {**data, "sheet": drawn.as_dict()}
    print_result(renderables, data, as_json=json)
    if sheet is None and data["kind"] == "workspace" and not data["next"]:
        at = shlex.quote(data["workspace"])
        say_next(f"faceprep show {at} --sheet sheet.png", quiet=json)
    return DONE


@app.command()
@guarded
def status(
    workspace: WorkspaceDir = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Say which shards are done, running, queued and failed, with the last lines of failures.

    faceprep status --workspace manifests/ck-plus
    """
    from faceprep.report.status import status as look
    from faceprep.report.tables import print_result
    from faceprep.workspace.discover import workspace_of

    place = workspace_of(
        Path(workspace) if workspace else None, lambda root: Remedy("status", root)
    )
    print_result(*look(place), as_json=json)
    return DONE


@app.command()
@guarded
def doctor(
    config: ConfigFile = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Say which detectors, models, GPU and engines are there, and what to type for the rest.

    faceprep doctor --set aus.openface_bin=/opt/OpenFace/build/bin
    """
    from faceprep.report.doctor import doctor as look
    from faceprep.report.doctor import doctor_tables, exit_code
    from faceprep.report.tables import print_result

    resolved = resolve_flags(locals())
    checks = look(Path(workspace) if workspace else None, resolved.config)
    print_result(*doctor_tables(checks), as_json=json)
    return exit_code(checks)


@config_app.command("show")
@guarded
def config_show(
    config: ConfigFile = None,
    dataset: DatasetName = None,
    root: Root = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Print every key with its value and where the value came from."""
    from faceprep.report.tables import config_table, print_result

    print_result(*config_table(resolve_flags(locals())), as_json=json)
    return DONE
