"""The command ``faceprep``, to which the other modules of this folder add their verbs."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from faceprep import __version__
from faceprep.core.errors import TYPED

#: Groups of verbs in the help.
PREPARE, GENERATE, STUDY = "Prepare a dataset", "Generate faces", "Study"
LOOK, OPERATE = "Look at results", "Operate"


class _Commands(TyperGroup):
    """The verbs; what was typed is kept for hints until the command has ended."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        typed = TYPED.set(tuple(args))
        ctx.call_on_close(lambda: TYPED.reset(typed))
        try:
            return super().parse_args(ctx, args)
        except BaseException:
            ctx.close()
            raise


app = typer.Typer(
    name="faceprep",
    cls=_Commands,
    no_args_is_help=True,
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
