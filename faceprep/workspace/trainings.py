"""Progress of the trainings of a workspace, from their records."""

import json
from pathlib import Path
from typing import Any

from faceprep.core.errors import Remedy
from faceprep.workspace.artifacts import ASKED, HISTORY, INFO, generator_file

#: Number of history rows to show, and number of rows to average.
_LAST, _MEAN = 3, 100


def training_steps(folder: Path) -> tuple[int, int | None] | None:
    """Return steps done and steps planned; the latter is None before a training first stops."""
    info = read_record(folder / INFO)
    try:
        return int(info["steps"]), sum(info["plan"]["steps"].values())
    except (KeyError, TypeError, ValueError, AttributeError):
        last = history(folder)["last"]
        return (int(last[-1]["step"]), None) if last else None


def is_finished(steps: tuple[int, int | None] | None) -> bool:
    """Return whether all steps of `training_steps` are done."""
    return steps is not None and steps[1] is not None and steps[0] >= steps[1]


def note_of_unfinished(workspace: Path, file: Path) -> tuple[str, Remedy] | None:
    """Return a note on a generator whose training is not finished, and the command to finish it.

    Parameters
    ----------
    file
        File of the generator.

    Returns
    -------
    None if the training is finished, or not known: a file from elsewhere has no record here.
    """
    name = file.parent.name
    own = generator_file(workspace, name)
    if not own.is_file() or not file.is_file() or not own.samefile(file):
        return None
    asked = file.parent / ASKED
    resumed = asked.is_file() and not read_record(asked).get("restart", False)
    steps = training_steps(file.parent)
    if not resumed and (steps is None or is_finished(steps)):
        return None
    of = f" ({steps[0]:,} of {steps[1]:,} steps)" if steps and steps[1] and not resumed else ""
    text = f"note: the training of {name} is not finished{of}, so its faces are poorer"
    finish = Remedy("train", workspace, {"generator": name}, resume=True, note="finishes it")
    return text, finish


def history(folder: Path) -> dict[str, Any]:
    """Return the ``last`` rows of a history, and the ``mean`` by column over ``steps`` rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(folder / HISTORY, partitioning=None)
    except (OSError, pa.ArrowInvalid):
        return {"last": [], "mean": {}, "steps": 0}
    end = table.slice(max(table.num_rows - _MEAN, 0))
    mean = {}
    for column in end.column_names:
        if pa.types.is_floating(end.schema.field(column).type):
            values = end[column].drop_null().to_pylist()
            mean[column] = sum(values) / len(values) if values else None
    last = end.slice(max(end.num_rows - _LAST, 0)).to_pylist()
    return {"last": last, "mean": mean, "steps": end.num_rows}


def read_record(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; an empty dict if it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
