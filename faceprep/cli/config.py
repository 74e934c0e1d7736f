"""``faceprep config``: the settings that apply, and what they mean."""

from typing import Annotated

import typer

from faceprep.cli import options
from faceprep.cli.completion import complete_key
from faceprep.cli.exit_codes import DONE, guarded, print_result
from faceprep.cli.remedies.words import SETTINGS
from faceprep.cli.root import OPERATE, app

config_app = typer.Typer(help="Print the settings, and explain them.", no_args_is_help=True)
app.add_typer(config_app, name="config", rich_help_panel=OPERATE)


@config_app.command("show")
@guarded
def config_show(
    config: options.ConfigFile = None,
    dataset: options.DatasetName = None,
    root: options.Root = None,
    workspace: options.WorkspaceDir = None,
    set_: options.Assignments = None,
    json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Print every key with its value and the source of the value."""
    from faceprep.report.tables.settings import config_table

    print_result(*config_table(options.resolve_flags(locals())), as_json=json)
    return DONE


@config_app.command("explain")
@guarded
def config_explain(
    key: Annotated[
        str,
        typer.Argument(help="Key or section, e.g. align.detector.", autocompletion=complete_key),
    ],
    config: options.ConfigFile = None,
    dataset: options.DatasetName = None,
    root: options.Root = None,
    workspace: options.WorkspaceDir = None,
    set_: options.Assignments = None,
    json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Explain a key, or every key of a section: meaning, choices, default, value and source.

    faceprep config explain align.detector
    """
    from faceprep.report.tables.settings import explanation

    flags = {setting: f"--{name}" for name, setting in SETTINGS.items()}
    resolved = options.resolve_flags(locals())
    print_result(*explanation(key, resolved, flags), as_json=json)
    return DONE
