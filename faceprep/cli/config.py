"""``faceprep config show``: every key with its value and its source."""

import typer

from faceprep.cli.exit_codes import DONE, guarded
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

config_app = typer.Typer(help="Print the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")


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
    """Print every key with its value and the source of the value."""
    from faceprep.cli.output import print_result
    from faceprep.report.tables.configuration import config_table

    print_result(*config_table(resolve_flags(locals())), as_json=json)
    return DONE
