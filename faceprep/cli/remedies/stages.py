"""Command that continues the stages of a workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.words import flags, join
from faceprep.config import STAGES
from faceprep.workspace.remembered import remembered

#: Verb → the stages whose settings it reads too, if not only those of the crops.
_UPSTREAM = {"select": (), "run": STAGES}


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
    read = {"demo", "shard_size", "select", verb, *_UPSTREAM.get(verb, ("align",))}
    keys = [key for key in values if key.partition(".")[0] in read]
    held = record.overrides(keys) if record is not None and place != workspace else {}
    return join(["faceprep", verb, *flags({**held, "workspace": workspace, **overrides}, verb)])
