"""The command to type next, with the settings that a workspace was made with."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from faceprep.config import (
    STAGES,
    AlignConfig,
    AusConfig,
    Config,
    DemoConfig,
    HeatmapsConfig,
    SelectConfig,
)
from faceprep.report.faces import dataset_root
from faceprep.workspace import Workspace

_SECTIONS: dict[str, type[BaseModel]] = {
    "demo": DemoConfig,
    "select": SelectConfig,
    "align": AlignConfig,
    "heatmaps": HeatmapsConfig,
    "aus": AusConfig,
}
_WHY = {
    "missing": "{stage} has not run yet",
    "unfinished": "{stage} has {left} of {shards} shards left",
    "stale": "{stage} was made from other input or with other settings ({left} of {shards} shards)",
}


def next_command(
    workspace: Workspace, stages: Sequence[Mapping[str, Any]], damaged: Sequence[str]
) -> dict[str, str] | None:
    """Say what to type when something is missing, stale or damaged; ``None`` when nothing is.

    Parameters
    ----------
    stages
        As `faceprep.report.summary.summarize_stage` gives them, in their order.
    damaged
        Parts that cannot be read, ``stage/part-00000.parquet reason``.
    """
    if damaged:
        broken = damaged[0].partition("/")[0]
        return {"why": damaged[0], "command": command(workspace, broken)}
    for stage in stages:
        if stage["state"] == "done":
            continue
        left = max(stage["shards"] - stage["done"], len(stage["stale"]))
        why = _WHY[stage["state"]].format(
            stage=stage["stage"], left=left or "some", shards=stage["shards"]
        )
        return {"why": why, "command": command(workspace, stage["stage"])}
    return None


def command(workspace: Workspace, verb: str) -> str:
    """Write the command line that continues a workspace as it was begun.

    Settings that differ from the defaults are repeated, because without them the same command
    would redo what is there.
    """
    words = ["faceprep", verb]
    recorded = _recorded(workspace)
    select = recorded.get("select", {})
    if not recorded.get("demo"):
        root = dataset_root(workspace)
        words += ["--dataset", str(select.get("dataset") or "…"), "--root", str(root or "…")]
    words += ["--workspace", str(workspace.root)]
    for section, model in _SECTIONS.items():
        for key, value in (recorded.get(section) or {}).items():
            field = model.model_fields.get(key)
            if field is not None and key != "dataset" and value != field.default:
                words += ["--set", f"{section}.{key}={value}"]
    usual = 1000 if select.get("dataset") == "celeba" else Config.model_fields["shard_size"].default
    if recorded.get("shard_size") not in (None, usual):
        words += ["--set", f"shard_size={recorded['shard_size']}"]
    return " ".join(word if word == "…" else shlex.quote(word) for word in words)


def _recorded(workspace: Workspace) -> dict[str, Any]:
    """Configuration of the last stage that ran, with the settings each stage really ran with."""
    recorded: dict[str, Any] = {}
    infos = {stage: workspace.info(stage) for stage in STAGES}
    for info in infos.values():
        recorded |= info.get("config") or {}
    for stage, info in infos.items():
        if info.get("settings"):
            recorded[stage] = {**(recorded.get(stage) or {}), **info["settings"]}
    return recorded
