"""The command ``faceprep``, to which the other modules of this folder add their verbs."""

from typing import Annotated

import typer

from faceprep import __version__

app = typer.Typer(
    name="faceprep",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"faceprep {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Prepare facial-expression datasets: aligned faces, Action Units, synthetic faces."""
