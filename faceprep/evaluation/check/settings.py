"""Settings of an accuracy table, including those of all stages before it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from faceprep.config import TrainConfig
from faceprep.core.files import digest
from faceprep.evaluation.check.table import read_json
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_name

# Extent of the table; rows and seeds are compared individually.
_AMOUNTS = ("sweep", "times", "seeds", "arms", "near_duplicates")

#: Settings without an effect on accuracy, such as the interval of checkpoints.
WITHOUT_EFFECT = {
    f"train.{name}" for name in {*TrainConfig.model_fields} - {*TrainConfig().settings()}
}

# Fold of a generator, which differs between folds.
_FOLD = ("train.fold", "augment.fold")


def settings_of(root: Path, table: pd.DataFrame, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted key → value of every setting of a table with this metadata record."""
    workspace = Workspace(root)
    sections: dict[str, Any] = {}
    for stage in ("select", "align"):
        info = workspace.info(stage)
        sections[stage] = dict(info.get("settings") or {})
        if stage == "select":
            sections["demo"] = (info.get("config") or {}).get("demo") or {}
    classify = dict(record.get("settings") or {})
    sections["classify"] = {name: classify[name] for name in classify if name not in _AMOUNTS}
    settings = _flat(sections)
    if (table["n_synthetic"] > 0).any():
        made_by = table[["generator", "fold"]].dropna().drop_duplicates()
        names = [
            generator_name(generator, None if fold < 0 else int(fold))
            for generator, fold in sorted(made_by.itertuples(index=False))
        ]
        settings |= _of_all_folds([_training(root, name) for name in names])
        settings |= _of_all_folds([_synthetic(root, name) for name in names])
    return {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT}


def _training(root: Path, name: str) -> dict[str, Any]:
    return _flat({"train": read_json(root / "train" / name / "train.json").get("config") or {}})


def _synthetic(root: Path, name: str) -> dict[str, Any]:
    augment = read_json(root / "augment" / name / "stage.json")
    settings = dict(augment.get("settings") or {})
    others = (augment.get("sources") or {}).get("other")
    if others:  # sources from another workspace, independent of its path
        settings["sources"] = digest(others)
    return _flat({"augment": settings})


def _of_all_folds(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one value per setting if all folds agree, else the values of all.

    The fold number is that of the first. Folds without a record are skipped.
    """
    known = [fold for fold in folds if fold]
    settings: dict[str, Any] = {}
    for name in sorted({name for fold in known for name in fold}):
        values = [fold.get(name) for fold in known]
        same = name in _FOLD or all(value == values[0] for value in values)
        settings[name] = values[0] if same else values
    return settings


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted key."""
    flat: dict[str, Any] = {}
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
