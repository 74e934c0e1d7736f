"""``faceprep check``: the accuracy table of a workspace against a committed baseline."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.errors import FaceprepError, UsageError
from faceprep.evaluation.baseline import Baseline, read_baseline, write_baseline
from faceprep.evaluation.regression import Gate, compare, summarise
from faceprep.manifest import read_provenance
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

#: Where ``classify`` leaves its table.
TABLE = Path("classify") / "accuracy.parquet"

# How much was measured, not how; rows and seeds are compared one by one.
_AMOUNTS = ("sweep", "times", "seeds", "arms", "near_duplicates")


@dataclass(frozen=True)
class Checked:
    """What ``check`` did.

    Attributes
    ----------
    path, table
        Of the baseline and of the table.
    baseline
        As it is now.
    gate
        The comparison; None where the baseline was written.
    before
        The baseline that was written over.
    """

    path: Path
    table: Path
    baseline: Baseline
    gate: Gate | None = None
    before: Baseline | None = None


def check_workspace(root: Path, path: Path) -> Checked:
    """Compare.

    Raises
    ------
    UsageError
        There is no table or no baseline, or they were made with different settings.
    FaceprepError
        One of them is damaged, or the table lacks rows of the baseline.
    """
    baseline = read_baseline(path)
    table, record = read_table(root)
    versions = dict(record.get("versions") or {})
    gate = compare(baseline, table, settings_of(root, table, record), versions)
    return Checked(path, root / TABLE, baseline, gate)


def update_baseline(root: Path, path: Path, reason: str) -> Checked:
    """Write the baseline anew from the table, whatever it said.

    Raises
    ------
    UsageError
        There is no table, or no reason.
    FaceprepError
        The table is damaged, or the baseline cannot be written.
    """
    if not reason.strip():
        raise UsageError("a new baseline needs a reason", '--update --reason "why it changed"')
    table, record = read_table(root)
    versions = {str(name): str(value) for name, value in (record.get("versions") or {}).items()}
    new = Baseline(
        summarise(table), settings_of(root, table, record), " ".join(reason.split()), versions
    )
    try:
        before = read_baseline(path)
    except FaceprepError:
        before = None
    write_baseline(path, new)
    return Checked(path, root / TABLE, new, before=before)


def read_table(root: Path) -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Rows of a workspace's accuracy table, and what it says of itself.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        It is damaged.
    """
    import pandas as pd

    path = root / TABLE
    if not path.is_file():
        raise UsageError(f"no accuracy table {path}", f"faceprep classify --workspace {root}")
    try:
        return pd.read_parquet(path), read_provenance(path)
    except (OSError, ValueError, FaceprepError) as error:
        raise FaceprepError(
            f"{path} cannot be read: {error}", f"faceprep classify --workspace {root} --overwrite"
        ) from None


def settings_of(root: Path, table: "pd.DataFrame", record: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key → value of everything that a table was made with, from the first frame on."""
    workspace = Workspace(root)
    found: dict[str, Any] = {}
    for stage in ("select", "align"):
        info = workspace.info(stage)
        found[stage] = dict(info.get("settings") or {})
        if stage == "select":
            found["demo"] = (info.get("config") or {}).get("demo") or {}
    classify = dict(record.get("settings") or {})
    found["classify"] = {name: classify[name] for name in classify if name not in _AMOUNTS}
    if (table["n_synthetic"] > 0).any():
        for generator in sorted(set(table["generator"].dropna())):
            found["train"] = _record(root / "train", generator, "train.json").get("config") or {}
            augment = _record(root / "augment", generator, "stage.json")
            found["augment"] = augment.get("settings") or {}
    return _flat(found)


def _record(folder: Path, generator: str, name: str) -> dict[str, Any]:
    """What a generator's folder says; with folds, that of the first."""
    for path in [folder / generator, *sorted(folder.glob(f"{generator}-fold*"))]:
        try:
            return dict(json.loads((path / name).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    return {}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
