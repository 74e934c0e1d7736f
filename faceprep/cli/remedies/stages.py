"""Command that continues the stages of a workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.words import flags, join
from faceprep.config import STAGES, Config
from faceprep.config.sources import flatten
from faceprep.workspace import Workspace
from faceprep.workspace.discover import dataset_source


def stage_command(verb: str, workspace: Path, overrides: Mapping[str, Any]) -> str:
    """Return the command that runs a stage with the settings recorded in the workspace.

    Settings that differ from the defaults are repeated as they were given; without them, the
    command would redo finished shards. Without a record of the dataset, it is advice in words.
    """
    place = Workspace(workspace)
    recorded = _recorded(place)
    dataset = (recorded.get("select") or {}).get("dataset")
    drawn = place.info("select").get("root") in (None, str((workspace / "dataset").absolute()))
    demo = recorded.get("demo") if drawn else None
    given: dict[str, Any] = {"workspace": workspace}
    if not demo:
        root = dataset_source(place)
        if not dataset or root is None:
            return _lost(verb, place)
        given = {"select.dataset": dataset, "select.root": root, **given}
        given["select.table"] = place.info("select").get("table")
    usual = Config(demo={} if demo else None, select={"dataset": dataset}).settings()
    for section in ("demo", *STAGES) if demo else STAGES:
        for key, value in (recorded.get(section) or {}).items():
            if key in (usual[section] or {}) and value != usual[section][key]:
                flat = flatten({f"{section}.{key}": value})
                given |= {name: "none" if one is None else one for name, one in flat.items()}
        given |= place.info(section).get("locations") or {}
    if recorded.get("shard_size") != usual["shard_size"]:
        given["shard_size"] = recorded.get("shard_size")
    return join(["faceprep", verb, *flags({**given, **overrides}, verb)])


def _recorded(workspace: Workspace) -> dict[str, Any]:
    """Return the settings of each stage's last run; other values are those of the last select.

    ``config`` in ``stage.json`` is what the user gave; ``settings`` beside it is what it came to.
    """
    recorded: dict[str, Any] = {}
    infos = {stage: workspace.info(stage) for stage in STAGES}
    for info in reversed(infos.values()):
        recorded |= info.get("config") or {}
    for stage, info in infos.items():
        if stage in (info.get("config") or {}):
            recorded[stage] = info["config"][stage]
    return recorded


def _lost(verb: str, place: Workspace) -> str:
    """Return advice for a workspace whose dataset is not recorded, or is no longer there."""
    root = place.info("select").get("root")
    why = f"{root} is not there" if root else f"{place.root} does not record it"
    return f"name the dataset with --dataset, and its folder with --root, for {verb}: {why}"
