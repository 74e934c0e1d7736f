"""``faceprep status``: which shards are done, running, queued and failed."""

from pathlib import Path

from faceprep.cli.exit_codes import DONE, guarded
from faceprep.cli.options import Json, Verbose, WorkspaceDir
from faceprep.cli.root import app
from faceprep.core.errors import Remedy


@app.command()
@guarded
def status(
    workspace: WorkspaceDir = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Print which shards are done, running, queued and failed, with the end of the log of failures.

    faceprep status --workspace manifests/ck-plus
    """
    from faceprep.cli.output import print_result
    from faceprep.report.status.status import status as look
    from faceprep.workspace.discover import workspace_of

    given = Path(workspace) if workspace else None
    place = workspace_of(given, lambda root: Remedy("status", root))
    print_result(*look(place), as_json=json)
    return DONE
