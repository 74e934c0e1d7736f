"""The command group ``evaluate`` and the output that its verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.exit_codes import print_result
from faceprep.cli.root import STUDY, app
from faceprep.report.tables.console import Page

evaluate_app = typer.Typer(help="Measure results against known values.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate", rich_help_panel=STUDY)

WorkspaceArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="WORKSPACE", help="Workspace; by default the only one below manifests/."
    ),
]
UnseenSplit = Annotated[
    str, typer.Option(metavar="test|val", help="Unseen people; val to choose between variants.")
]


def print_evaluation(tables: Page, files: "dict[str, Path | None]", *, as_json: bool) -> None:
    """Print tables, then the requested files (key in the JSON → file, None if not requested)."""
    renderables, data = tables
    written = {key: str(path) for key, path in files.items() if path is not None}
    print_result([*renderables, *written.values()], {**data, **written}, as_json=as_json)
