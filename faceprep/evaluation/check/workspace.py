"""Check the accuracy table of a workspace against a committed baseline, or replace the baseline."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceprep.core.errors import Again, Hint, Remedy, UsageError
from faceprep.evaluation.check.baseline import (
    Baseline,
    read_baseline,
    replaced_baseline,
    update_remedy,
    write_baseline,
)
from faceprep.evaluation.check.comparison import Gate, compare
from faceprep.evaluation.check.settings import WITHOUT_EFFECT, settings_of
from faceprep.evaluation.check.table import (
    TABLE,
    checked_table,
    read_table,
    remake,
    summarise,
    table_settings,
)
from faceprep.workspace.discover import is_workspace, workspace_of


@dataclass(frozen=True)
class Checked:
    """Result of ``faceprep check``."""

    #: Files of the baseline and of the table.
    path: Path
    table: Path
    baseline: Baseline
    gate: Gate | None = None  # result of the comparison; None if the baseline was written
    before: Baseline | None = None  # replaced baseline


def check_workspace(root: Path, path: Path) -> Checked:
    """Compare the table of a workspace with a baseline.

    Raises
    ------
    UsageError
        There is no workspace, no table or no baseline, or they were made with different settings.
    FaceprepError
        One of them is damaged, the table lacks rows of the baseline, or its inputs have changed.
    """
    _refuse_no_workspace(root, path)
    update = update_remedy(path, root)
    baseline = read_baseline(path, update)
    settings = {
        name: value for name, value in baseline.settings.items() if name not in WITHOUT_EFFECT
    }
    baseline = replace(baseline, settings=settings)
    make = _remedy_for_rows(root, baseline)
    table, record = read_table(root, make)
    table = checked_table(table, make)
    versions = dict(record.get("versions") or {})
    settings = settings_of(root, table, record)
    gate = compare(baseline, table, settings, versions, make, update)
    return Checked(path, root / TABLE, baseline, gate)


def update_baseline(root: Path, path: Path, reason: str) -> Checked:
    """Write a baseline from the table, replacing the existing one.

    Raises
    ------
    UsageError
        There is no workspace, table or reason, or the path is a directory.
    FaceprepError
        The table is damaged, its inputs have changed, the baseline cannot be written, or the path
        is a file of another kind.
    """
    _refuse_no_workspace(root, path)
    if not reason.strip():
        raise UsageError("a new baseline needs a reason", update_remedy(path, root))
    table, record = read_table(root)
    versions = {str(name): str(value) for name, value in (record.get("versions") or {}).items()}
    new = Baseline(
        summarise(table, remake(root, record)),
        settings_of(root, table, record),
        " ".join(reason.split()),
        versions,
    )
    before = replaced_baseline(path)
    write_baseline(path, new)
    return Checked(path, root / TABLE, new, before=before)


def rows_settings(rows: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """Return the settings of ``classify`` for rows (arm, number of synthetic faces)."""
    by_arm: dict[str, set[int]] = {}
    for arm, count in rows:
        by_arm.setdefault(arm, set()).add(count)
    sweep = sorted({0}.union(*by_arm.values()))
    alone = {arm for arm, counts in by_arm.items() if counts == {0} and len(sweep) > 1}
    arms = [f"{arm}@0" if arm in alone else arm for arm in by_arm if arm]
    return {"sweep": sweep, "times": [], **({"arms": arms} if arms else {})}


def _refuse_no_workspace(root: Path, path: Path) -> None:
    """Refuse a folder that is neither a workspace nor has a table."""
    if (root / TABLE).is_file() or is_workspace(root):
        return

    try:
        hint: Hint | None = Again({"workspace": workspace_of(root)})
    except UsageError as error:
        hint = error.hint
    raise UsageError(f"there is no workspace {root}", hint)


def _remedy_for_rows(root: Path, baseline: Baseline) -> Remedy:
    """Return the command that makes a table of all rows of a baseline.

    Older baselines are sorted: their arms are reordered as in the JSON report.
    """
    start = "classify."
    own = {
        name.removeprefix(start): value
        for name, value in baseline.settings.items()
        if name.startswith(start)
    }
    arms = [str(word).partition("@")[0] for word in table_settings(root).get("arms") or ()]
    entries = sorted(baseline.entries, key=lambda entry: [*arms, entry.arm].index(entry.arm))
    amounts = rows_settings((entry.arm, entry.n_synthetic) for entry in entries)
    seeds = max(entry.seeds for entry in baseline.entries)
    return Remedy("classify", root, {**own, **amounts, "seeds": seeds}, resume=True)
