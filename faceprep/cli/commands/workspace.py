"""The command to type next, with the settings that a workspace was made with."""

from typing import Any

from faceprep.cli.remedies import flags, join
from faceprep.config import STAGES, Config
from faceprep.core.errors import Remedy
from faceprep.workspace import Workspace
from faceprep.workspace.discover import dataset_root


def spell(remedy: Remedy) -> str:
    """Spell the command that continues a workspace, with further overrides after its settings."""
    assert remedy.workspace is not None
    line = command(Workspace(remedy.workspace), remedy.verb)
    return " ".join([line, join(flags(remedy.overrides))]).rstrip()


def command(workspace: Workspace, verb: str) -> str:
    """Write the command line that continues a workspace as it was begun.

    Settings that differ from the defaults are repeated, because without them the same command
    would redo what is there.
    """
    words = ["faceprep", verb]
    recorded = _recorded(workspace)
    dataset = (recorded.get("select") or {}).get("dataset")
    demo = recorded.get("demo")
    if not demo:
        root = dataset_root(workspace)
        words += ["--dataset", str(dataset or "…"), "--root", str(root or "…")]
    words += ["--workspace", str(workspace.root)]
    table = workspace.info("select").get("table")
    if table:
        words += ["--set", f"select.table={table}"]
    usual = Config(demo={} if demo else None, select={"dataset": dataset}).settings()
    for section in ("demo", *STAGES):
        for key, value in (recorded.get(section) or {}).items():
            if key in (usual[section] or {}) and value != usual[section][key]:
                words += ["--set", f"{section}.{key}={value}"]
    if recorded.get("shard_size") not in (None, usual["shard_size"]):
        words += ["--set", f"shard_size={recorded['shard_size']}"]
    return join(words)


def _recorded(workspace: Workspace) -> dict[str, Any]:
    """Return the settings each stage ran with; the rest is select's, as every run visits it."""
    recorded: dict[str, Any] = {}
    infos = {stage: workspace.info(stage) for stage in STAGES}
    for info in reversed(infos.values()):
        recorded |= info.get("config") or {}
    for stage, info in infos.items():
        if info.get("settings"):
            recorded[stage] = {**(recorded.get(stage) or {}), **info["settings"]}
    return recorded
