"""``faceprep doctor``: what is installed."""

from pathlib import Path

from faceprep.cli import options
from faceprep.cli.exit_codes import guarded, print_result
from faceprep.cli.remedies import spell
from faceprep.cli.root import OPERATE, app


@app.command(rich_help_panel=OPERATE)
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
