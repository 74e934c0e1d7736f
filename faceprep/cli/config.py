"""``faceprep config``: the settings that apply, and what they mean."""

from typing import Annotated, Any

import typer

from faceprep.cli import options
from faceprep.cli.completion import complete_key
from faceprep.cli.exit_codes import DONE, guarded, print_result
from faceprep.cli.remedies.words import SETTINGS
from faceprep.cli.root import OPERATE, app

config_app = typer.Typer(help="Print the settings, and explain them.", no_args_is_help=True)
app.add_typer(config_app, name="config", rich_help_panel=OPERATE)


_flags = options.stage_flags(
    only=("config", "dataset", "root", "workspace", "set_", "json", "verbose"), own_first=True
)


@config_app.command("show")
@guarded
@_flags
def config_show(**flags: Any) -> int:
    """Print every key with its value and the source of the value."""
    from faceprep.report.tables.settings import config_table

    print_result(*config_table(options.resolve_flags(flags)), as_json=flags["json"])
    return DONE


@config_app.command("explain")
@guarded
@_flags
def config_explain(
    key: Annotated[
        str,
        typer.Argument(help="Key or section, e.g. align.detector.", autocompletion=complete_key),
    ],
    **flags: Any,
) -> int:
    """Explain a key, or every key of a section: meaning, choices, default, value and source.

    faceprep config explain align.detector
    """
    from faceprep.report.tables.settings import explanation

    typed_as = {setting: f"--{name}" for name, setting in SETTINGS.items()}
    resolved = options.resolve_flags(flags)
    print_result(*explanation(key, resolved, typed_as), as_json=flags["json"])
    return DONE
