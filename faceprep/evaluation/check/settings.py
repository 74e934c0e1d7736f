"""Every setting that an accuracy table was made with, from the selection of frames on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from faceprep.config import TrainConfig
from faceprep.core.files import digest
from faceprep.evaluation.check.table import read_json
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_name

# How much was measured; rows and seeds are compared one by one.
_AMOUNTS = ("sweep", "times", "seeds", "arms", "near_duplicates")

#: Settings without an effect on accuracy, such as the interval of checkpoints.
WITHOUT_EFFECT = {
    f"train.{name}" for name in {*TrainConfig.model_fields} - {*TrainConfig().settings()}
}

# The fold of a generator: differs from fold to fold.
_FOLD = ("train.fold", "augment.fold")


def settings_of(root: Path, table: pd.DataFrame, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted key → value of every setting that a table was made with.

    Parameters
    ----------
    root
        Workspace.
    table, record
        Rows and metadata of the table.
    """
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
    if others:  # the edited faces of another workspace, whatever its path
        settings["sources"] = digest(others)
    return _flat({"augment": settings})


def _of_all_folds(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one value where all folds have the same, else the values of all.

    The number of the fold is that of the first. A fold without a record is skipped.
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
