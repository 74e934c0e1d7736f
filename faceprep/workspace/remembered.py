"""Read and write the settings that a workspace remembers (`faceprep.config.record`)."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from faceprep.config import STAGES, Config
from faceprep.config.record import FILE, Record, parse_record, write_record
from faceprep.config.sources import BUILT_IN, flatten, nest, read_settings
from faceprep.workspace.workspace import Workspace

#: Sections with a folder of results of their own, and keys that belong to the selection.
_SECTIONS = (*STAGES, "train", "augment", "classify")
_DATASET = ("name", "shard_size", "demo")


def remembered(root: Path) -> Record | None:
    """Return the settings of a workspace; None if the folder has no results.

    A workspace of an earlier version has no ``settings.toml``. Its settings are those in the
    ``stage.json`` of its stages that are not the defaults.

    Raises
    ------
    UsageError
        ``settings.toml`` cannot be read.
    """
    path = root / FILE
    if path.is_file():
        return parse_record(root, *read_settings(path))
    return _from_stages(Workspace(root))


def remember(config: Config, sections: Collection[str]) -> None:
    """Record the settings that were given for some sections, before their results are made.

    Those of other sections with results stay as they are. A configuration that no command resolved,
    as that of a job on its node, is not recorded.

    Raises
    ------
    FaceprepError
        The workspace cannot be written.
    """
    if config.given is None:
        return
    root, before = config.workspace, remembered(config.workspace) or Record()
    written = {*sections, *(name for name in _SECTIONS if not (root / name).exists())}
    if "select" in written:
        written |= {*_DATASET}
    write_record(root, before.merged(config.given, written))


def usual(root: Path) -> Config:
    """Return the configuration that holds in a workspace where nothing is given."""
    record = remembered(root)
    values = {} if record is None else {k: v for k, v in record.values.items() if v is not None}
    return Config.model_validate(nest(values))


def _from_stages(workspace: Workspace) -> Record | None:
    infos = {stage: workspace.info(stage) for stage in STAGES}
    configs = {stage: info["config"] for stage, info in infos.items() if info.get("config")}
    if not configs:  # a selection is recorded before crops exist, so it was lost
        return Record() if workspace.shards("align") else None
    recorded: dict[str, Any] = {}
    for config in reversed(configs.values()):
        recorded |= config
    for stage, config in configs.items():
        recorded[stage] = config.get(stage) or {}
    values: dict[str, Any] = {"name": recorded.get("name", "custom")}
    demo = recorded.get("demo") if _draws_its_dataset(workspace, infos["select"]) else None
    dataset = recorded.get("select", {}).get("dataset")
    if demo is not None:
        values = flatten(BUILT_IN)
    elif dataset is not None:
        values["select.dataset"] = dataset
    usual = Config(demo={} if demo is not None else None, select={"dataset": dataset}).settings()
    for section in ("demo", *STAGES) if demo is not None else STAGES:
        for key, value in (recorded.get(section) or {}).items():
            if key in (usual[section] or {}) and value != usual[section][key]:
                values |= flatten({f"{section}.{key}": value})
    if recorded.get("shard_size") not in (None, usual["shard_size"]):
        values["shard_size"] = recorded["shard_size"]
    places = {} if demo is not None else _places(infos["select"])
    for info in infos.values():
        places |= info.get("locations") or {}
    return Record({**values, **places}, frozenset(places))


def _draws_its_dataset(workspace: Workspace, info: dict[str, Any]) -> bool:
    """Return whether the dataset is in the workspace, which may have been moved."""
    root, own = info.get("root"), workspace.root / "dataset"
    return (
        root is None or Path(root) == own.absolute() or (not Path(root).exists() and own.is_dir())
    )


def _places(info: dict[str, Any]) -> dict[str, Any]:
    root = info.get("source") or info.get("root")
    found = {"select.root": root, "select.table": info.get("table")}
    return {key: value for key, value in found.items() if value is not None}
