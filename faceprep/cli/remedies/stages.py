"""Command that continues the stages of a workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.words import flags, join
from faceprep.workspace.remembered import remembered


def stage_command(verb: str, workspace: Path, overrides: Mapping[str, Any]) -> str:
    """Return the command that runs a stage with the settings that the workspace remembers.

    In another workspace it repeats these settings. Without a record of the dataset, it is advice in
    words.
    """
    record = remembered(workspace)
    values = {} if record is None else record.values
    root = values.get("select.root")
    if "demo" in {key.partition(".")[0] for key in values} and root is None:
        root = workspace
    if root is None or not Path(root).exists():
        why = f"{root} is not there" if root else f"{workspace} does not record it"
        return f"name the dataset with --dataset, and its folder with --root, for {verb}: {why}"
    place = overrides.get("workspace", workspace)
    held = record.overrides() if record is not None and place != workspace else {}
    return join(["faceprep", verb, *flags({**held, "workspace": workspace, **overrides}, verb)])
