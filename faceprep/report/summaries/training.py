"""Summarize the training of a generator."""

from pathlib import Path
from typing import Any

from faceprep.report.summaries.files import last_change, read_record
from faceprep.workspace import Workspace, artifacts
from faceprep.workspace.artifacts import HISTORY, INFO

#: Number of history rows to show, and number of rows to average.
_LAST, _MEAN = 3, 100


def summarize_training(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return progress, plan, settings and findings of a generator's training."""
    folder = artifacts.generator_folder(workspace.root, name)
    info, steps = read_record(folder / INFO), training_steps(folder)
    plan = info.get("plan", {})
    finished = steps is not None and steps[1] is not None and steps[0] >= steps[1]
    return {
        "stage": f"{artifacts.TRAIN}/{name}",
        "state": "done" if finished else "unfinished",
        "steps": steps,
        "preset": plan.get("preset"),
        "size": plan.get("size"),
        "people": plan.get("people"),
        "faces": plan.get("faces", {}),
        "seconds": info.get("seconds"),
        "images_per_second": info.get("images_per_second"),
        "findings": info.get("findings", {}),
        "settings": info.get("config", {}),
        "versions": info.get("versions", {}),
        "files": [str(path) for path in sorted(folder.iterdir()) if path.is_file()],
        **last_change([folder / INFO, folder / HISTORY]),
    }


def training_steps(folder: Path) -> tuple[int, int | None] | None:
    """Return steps done and steps planned; the latter is None before a training first stops."""
    info = read_record(folder / INFO)
    try:
        return int(info["steps"]), sum(info["plan"]["steps"].values())
    except (KeyError, TypeError, ValueError, AttributeError):
        last = history(folder)["last"]
        return (int(last[-1]["step"]), None) if last else None


def history(folder: Path) -> dict[str, Any]:
    """Return the last steps of a training, and the means of its last hundred.

    Returns
    -------
    ``last``, rows by column, and ``mean`` by column over ``steps`` rows; empty without a history.
    """
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
            values = [value for value in end[column].to_pylist() if value is not None]
            mean[column] = sum(values) / len(values) if values else None
    last = end.slice(max(end.num_rows - _LAST, 0)).to_pylist()
    return {"last": last, "mean": mean, "steps": end.num_rows}
