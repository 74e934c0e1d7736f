"""``faceprep doctor``: installed tools, and how to install missing ones."""

from pathlib import Path

from faceprep.cli.exit_codes import guarded
from faceprep.cli.options import Assignments, ConfigFile, Json, Verbose, WorkspaceDir, resolve_flags
from faceprep.cli.remedies import spell
from faceprep.cli.root import app


@app.command()
@guarded
def doctor(
    config: ConfigFile = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Check which detectors, models, GPUs and engines are installed; print how to get the rest.

    faceprep doctor --set aus.openface_bin=/opt/OpenFace/build/bin
    """
    from faceprep.cli.output import print_result
    from faceprep.report.doctor.check import exit_code
    from faceprep.report.doctor.examine import examine
    from faceprep.report.doctor.table import doctor_tables

    resolved = resolve_flags(locals())
    checks = examine(Path(workspace) if workspace else None, resolved.config)
    print_result(*doctor_tables(checks, spell), as_json=json)
    return exit_code(checks)
