"""Compare a planned accuracy table with the finished one."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.config import Config
from faceprep.core.errors import Again, ManifestError
from faceprep.execution.consent import Replaced, changes_between
from faceprep.stages.classify.result import ClassifyResult
from faceprep.stages.classify.runs import STAGE
from faceprep.workspace.manifest import read_provenance

TABLE = "accuracy.parquet"
_KEY = ("generator", "arm", "n_synthetic", "seed", "fold")

#: Settings that choose the trainings of the table; others change every training.
_CHOOSE = {"generator", "sweep", "times", "arms", "seeds", "seed", "folds", "near_duplicates"}


def replaced_table(config: Config, result: ClassifyResult) -> Replaced | None:
    """Return the trainings of the finished table that a new one lacks or makes otherwise.

    Returns
    -------
    None if the new table contains the finished one, or there is none.
    """
    path = result.folder / TABLE
    try:
        rows = pq.read_table(path, columns=list(_KEY)).to_pylist()
        settings: dict[str, Any] = dict(read_provenance(path).get("settings") or {})
    except (OSError, ManifestError, pa.ArrowInvalid):
        return None  # without a readable table nothing is lost
    new = {
        (result.generator, run.row.arm, run.row.synthetic, run.seed, _fold(run.fold))
        for run in result.runs
    }
    gone = sum(tuple(row[name] for name in _KEY) not in new for row in rows)
    now = config.classify.settings()
    known = {key: value for key, value in settings.items() if key in now}
    changes = changes_between(known, {key: now[key] for key in known}, f"{STAGE}.")
    others = [one for one in changes if one.key.removeprefix(f"{STAGE}.") not in _CHOOSE]
    if not gone and not others:
        return None
    amount = f"{gone if not others else len(rows):,} of {len(rows):,} trainings of the table"
    reasons = [] if changes else ["the table was made with other faces or folds"]
    return Replaced(STAGE, amount, changes, reasons)


def with_finished_rows(config: Config, replaced: Replaced) -> Again | None:
    """Return the command of the table that has the new rows and those of the finished one.

    None if more differs than the numbers of synthetic faces, the arms and the seeds.
    """
    asked, values = config.classify, dict[str, Any]()
    for change in replaced.changes:
        key, old = change.key.removeprefix(f"{STAGE}."), change.old
        if key in ("sweep", "times"):
            values[change.key] = sorted({*old, *getattr(asked, key)})
        elif key == "arms":
            values[change.key] = list(dict.fromkeys([*old, *asked.arms]))
        elif key == "seeds":
            values[change.key] = max(old, asked.seeds)
        else:
            return None
    one_kind = not {f"{STAGE}.sweep", f"{STAGE}.times"} <= values.keys()
    if not values or not one_kind:
        return None
    return Again(values, note="keeps these rows and adds the new ones")


def measured_numbers(config: Config) -> set[int]:
    """Return the numbers of synthetic faces of a generator that the finished table has."""
    path = config.workspace / STAGE / TABLE
    try:
        table = pq.read_table(path, columns=["generator", "n_synthetic"]).to_pylist()
    except (OSError, pa.ArrowInvalid):
        return set()
    kind = config.train.generator
    return {row["n_synthetic"] for row in table if row["generator"] == kind}


def _fold(fold: int | None) -> int:
    return -1 if fold is None else fold
