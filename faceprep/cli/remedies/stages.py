"""Command that continues the stages of a workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.words import flags, join
from faceprep.config import STAGES, Config
from faceprep.config.sources import flatten
from faceprep.workspace import Workspace
from faceprep.workspace.discover import dataset_root


def stage_command(verb: str, workspace: Path, overrides: Mapping[str, Any]) -> str:
    """Return the command that runs a stage with the settings recorded in the workspace.

    Settings that differ from the defaults are repeated; without them, the command would redo
    finished shards.
    """
    place = Workspace(workspace)
    words = ["faceprep", verb]
    recorded = _recorded(place)
    dataset = (recorded.get("select") or {}).get("dataset")
    demo = recorded.get("demo")
    if not demo:
        root = dataset_root(place)
        words += ["--dataset", str(dataset or "…"), "--root", str(root or "…")]
    words += ["--workspace", str(workspace)]
    table = place.info("select").get("table")
    if table:
        words += ["--set", f"select.table={table}"]
    usual = Config(demo={} if demo else None, select={"dataset": dataset}).settings()
    for section in ("demo", *STAGES):
        for key, value in (recorded.get(section) or {}).items():
            if key in (usual[section] or {}) and value != usual[section][key]:
                for name, single in flatten({f"{section}.{key}": value}).items():
                    words += ["--set", f"{name}={single}"]
    if recorded.get("shard_size") not in (None, usual["shard_size"]):
        words += ["--set", f"shard_size={recorded['shard_size']}"]
    return join(words + flags(overrides))


def _recorded(workspace: Workspace) -> dict[str, Any]:
    """Return the settings of each stage's last run; other values are those of the last select."""
    recorded: dict[str, Any] = {}
    infos = {stage: workspace.info(stage) for stage in STAGES}
    for info in reversed(infos.values()):
        recorded |= info.get("config") or {}
    for stage, info in infos.items():
        if info.get("settings"):
            recorded[stage] = {**(recorded.get(stage) or {}), **info["settings"]}
    return recorded
