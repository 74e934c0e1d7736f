"""``faceprep check``: compare the accuracy table with a committed baseline."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli.exit_codes import DONE, GATE_FAILED, complain, guarded, print_result, say_next
from faceprep.cli.options import ConfigFile, Json, Quiet, Verbose, WorkspaceDir, resolve_flags
from faceprep.cli.root import STUDY, app
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Again, Shell, UsageError


@app.command(rich_help_panel=STUDY)
@guarded
def check(
    baseline: Annotated[
        Path, typer.Option(metavar="FILE", help="Committed baseline, a JSON file.")
    ],
    workspace: WorkspaceDir = None,
    config: ConfigFile = None,
    update: Annotated[
        bool, typer.Option("--update", help="Replace the baseline with the current table.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Reason of the change, written into the file."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Compare the accuracy table of classify with a committed baseline; exit code 4 if it dropped.

    faceprep check --baseline manifests/baselines/gate.json
    """
    from faceprep.evaluation.check.baseline import update_remedy
    from faceprep.evaluation.check.workspace import check_workspace, update_baseline
    from faceprep.report.evaluation.check_table import check_tables

    root = resolve_flags(locals()).config.workspace
    replace = update_remedy(baseline, root)
    if reason is not None and not update:
        raise UsageError("--reason goes with --update", Again({"update": True}))
    if update:
        refuse_unwritable(baseline)
    checked = (
        update_baseline(root, baseline, reason or "") if update else check_workspace(root, baseline)
    )
    print_result(*check_tables(checked), as_json=json)
    if checked.gate is None:
        say_next(Shell(("git", "diff", str(baseline))), quiet=json or quiet)
        return DONE
    if checked.gate.passed:
        return DONE
    count = len(checked.gate.regressions)
    complain(
        f"{count} of {len(checked.gate.rows)} numbers fell below the baseline {baseline}",
        replace,
    )
    return GATE_FAILED
