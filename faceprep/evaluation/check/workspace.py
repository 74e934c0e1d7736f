"""``faceprep check``: the accuracy table of a workspace against a committed baseline."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.cli.commands.classify import settings_for, table_command
from faceprep.config import TrainConfig
from faceprep.core.errors import FaceprepError, Hint, Remedy, UsageError
from faceprep.core.files import digest
from faceprep.evaluation.check.baseline import (
    Baseline,
    read_baseline,
    replaced_baseline,
    write_baseline,
)
from faceprep.evaluation.check.comparison import Gate, Ways, checked_table, compare, summarise
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.inputs import changed_since
from faceprep.workspace.manifest import read_provenance

if TYPE_CHECKING:
    import pandas as pd

#: Where ``classify`` leaves its table.
TABLE = Path("classify") / "accuracy.parquet"

# How much was measured, not how; rows and seeds are compared one by one.
_AMOUNTS = ("sweep", "times", "seeds", "arms", "near_duplicates")

# How often a training looks, and how it computes: these change no accuracy.
_IDLE = {f"train.{name}" for name in {*TrainConfig.model_fields} - {*TrainConfig().settings()}}

# Which fold a generator is of: these differ from fold to fold.
_FOLD = ("train.fold", "augment.fold")


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
        There is no workspace, no table or no baseline, or they were made with different settings.
    FaceprepError
        One of them is damaged, the table lacks rows of the baseline, or what it was made of is no
        longer there.
    """
    _refuse_elsewhere(root, path)
    anew = update_command(root, path)
    baseline = read_baseline(path, anew)
    settings = {name: value for name, value in baseline.settings.items() if name not in _IDLE}
    baseline = replace(baseline, settings=settings)
    ways = Ways(_rows_command(root, baseline), anew)
    table, record = read_table(root, ways.table)
    table = checked_table(table, ways.table)
    versions = dict(record.get("versions") or {})
    gate = compare(baseline, table, settings_of(root, table, record), versions, ways)
    return Checked(path, root / TABLE, baseline, gate)


def update_baseline(root: Path, path: Path, reason: str) -> Checked:
    """Write the baseline anew from the table, whatever it said.

    Raises
    ------
    UsageError
        There is no workspace, no table, or no reason, or a directory in place of the baseline.
    FaceprepError
        The table is damaged, or what it was made of is no longer there, or the baseline cannot be
        written, or something else is there in its place.
    """
    _refuse_elsewhere(root, path)
    if not reason.strip():
        raise UsageError("a new baseline needs a reason", update_command(root, path))
    table, record = read_table(root)
    versions = {str(name): str(value) for name, value in (record.get("versions") or {}).items()}
    new = Baseline(
        summarise(table, Ways(table_command(root, _settings(root, record)))),
        settings_of(root, table, record),
        " ".join(reason.split()),
        versions,
    )
    before = replaced_baseline(path)
    write_baseline(path, new)
    return Checked(path, root / TABLE, new, before=before)


def update_command(root: Path, path: Path) -> str:
    """The command that writes a baseline anew."""
    where = f"--workspace {shlex.quote(str(root))} --baseline {shlex.quote(str(path))}"
    return f"faceprep check {where} --update --reason TEXT"


def read_table(root: Path, again: str | None = None) -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Rows of a workspace's accuracy table, and what it says of itself.

    Parameters
    ----------
    again
        The command that makes it; without, the one that made the table at hand.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        It is damaged, or what it was made of is no longer there.
    """
    import pandas as pd

    path = root / TABLE
    if not path.is_file():
        raise UsageError(
            f"no accuracy table {path}", again or table_command(root, _settings(root, {}))
        )
    try:
        table, record = pd.read_parquet(path), read_provenance(path)
    except (OSError, ValueError, FaceprepError) as error:
        command = again or table_command(root, _settings(root, {}))
        raise FaceprepError(f"{path} cannot be read: {error}", command) from None
    why = changed_since(Workspace(root), record.get("made_of"))
    if why:
        command = again or table_command(root, _settings(root, record))
        raise FaceprepError(f"{path} is out of date: {why}", command)
    return table, record


def _refuse_elsewhere(root: Path, path: Path) -> None:
    """Refuse a folder that is no workspace, and has no table either."""
    from faceprep.workspace.discover import is_workspace, workspace_of

    if (root / TABLE).is_file() or is_workspace(root):
        return

    def again(workspace: Path) -> Hint:
        return Remedy("check", workspace, {"baseline": path})

    hint: Hint | None
    try:
        hint = again(workspace_of(root, again))
    except UsageError as error:
        hint = error.hint
    raise UsageError(f"there is no workspace {root}", hint)


def _rows_command(root: Path, baseline: Baseline) -> str:
    """The command that makes a table of all rows of a baseline.

    Older baselines are sorted: the arms come as in the report beside the table, if it names them.
    """
    start = "classify."
    own = {
        name.removeprefix(start): value
        for name, value in baseline.settings.items()
        if name.startswith(start)
    }
    arms = [str(word).partition("@")[0] for word in _settings(root, {}).get("arms") or ()]
    entries = sorted(baseline.entries, key=lambda entry: [*arms, entry.arm].index(entry.arm))
    amounts = settings_for((entry.arm, entry.n_synthetic) for entry in entries)
    seeds = max(entry.seeds for entry in baseline.entries)
    return table_command(root, {**own, **amounts, "seeds": seeds})


def _settings(root: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the table at hand, as it or the report beside it says."""
    found = record.get("settings")
    if not found:
        found = _record(root / TABLE.with_suffix(".json")).get("settings")
    return dict(found) if isinstance(found, Mapping) else {}


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
    settings = _flat(found)
    if (table["n_synthetic"] > 0).any():
        made_by = table[["generator", "fold"]].dropna().drop_duplicates()
        names = [
            generator_name(generator, None if fold < 0 else int(fold))
            for generator, fold in sorted(made_by.itertuples(index=False))
        ]
        settings |= _of_all([_training(root, name) for name in names])
        settings |= _of_all([_synthetic(root, name) for name in names])
    return {name: value for name, value in settings.items() if name not in _IDLE}


def _training(root: Path, name: str) -> dict[str, Any]:
    return _flat({"train": _record(root / "train" / name / "train.json").get("config") or {}})


def _synthetic(root: Path, name: str) -> dict[str, Any]:
    augment = _record(root / "augment" / name / "stage.json")
    settings = dict(augment.get("settings") or {})
    others = (augment.get("sources") or {}).get("other")
    if others:  # whose faces, wherever they lie
        settings["sources"] = digest(others)
    return _flat({"augment": settings})


def _of_all(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One value where all folds have the same, else those of each; their number is the first's.

    A fold whose record was removed says nothing.
    """
    known = [one for one in folds if one]
    settings: dict[str, Any] = {}
    for name in sorted({name for one in known for name in one}):
        values = [one.get(name) for one in known]
        same = name in _FOLD or all(value == values[0] for value in values)
        settings[name] = values[0] if same else values
    return settings


def _record(path: Path) -> dict[str, Any]:
    """What a file beside a result says; nothing where there is none, or it is damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
