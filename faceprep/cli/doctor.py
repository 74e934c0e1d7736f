"""``faceprep doctor`` and ``config show``: what is installed, and which settings apply."""

from pathlib import Path

import typer

from faceprep.cli import options
from faceprep.cli.exit_codes import DONE, guarded, print_result
from faceprep.cli.remedies import spell
from faceprep.cli.root import app


@app.command()
@guarded
def doctor(
    config: options.ConfigFile = None,
    workspace: options.WorkspaceDir = None,
    set_: options.Assignments = None,
    json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    """Check which detectors, models, GPUs and engines are installed; print how to get the rest.

    faceprep doctor --set aus.openface_bin=/opt/OpenFace/build/bin
    """
    from faceprep.report.doctor.check import exit_code
    from faceprep.report.doctor.examine import doctor_tables, examine

    resolved = options.resolve_flags(locals())
    checks = examine(Path(workspace) if workspace else None, resolved.config)
    print_result(*doctor_tables(checks, spell), as_json=json)
    return exit_code(checks)


config_app = typer.Typer(help="Print the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")


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
    from faceprep.report.tables.run import config_table

    print_result(*config_table(options.resolve_flags(locals())), as_json=json)
    return DONE
