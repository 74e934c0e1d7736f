"""Summarize a workspace as plain values, with its next command.

The tables and ``--json`` show the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc

from faceprep.config import STAGES
from faceprep.core.errors import Remedy
from faceprep.core.vocabulary import COLUMNS_R, INTENSITY_AUS
from faceprep.report.summaries.results import summarize_results
from faceprep.report.summaries.stage import failures, summarize_stage
from faceprep.workspace import Workspace
from faceprep.workspace.discover import dataset_root
from faceprep.workspace.face_index import UNLABELLED, read_columns, read_index


def summarize_workspace(workspace: Workspace) -> dict[str, Any]:
    """Return everything that ``faceprep show WORKSPACE`` prints.

    The values are JSON-ready, except the command of the next step, which is a `Remedy`.
    """
    stages = [summarize_stage(workspace, stage) for stage in STAGES]
    index = read_index(workspace)
    aligned = index.count("expression", "split", "status")
    cells: dict[tuple[str, str], list[int]] = {}
    for (expression, split, status), faces in aligned.items():
        cell = cells.setdefault((expression, split), [0, 0])
        cell[0] += faces
        cell[1] += faces if status == "ok" else 0
    root = dataset_root(workspace)
    generated = summarize_results(workspace)
    return {
        "kind": "workspace",
        "workspace": str(workspace.root),
        "name": _recorded(workspace, "name") or workspace.root.resolve().name,
        "dataset_root": str(root) if root else None,
        "faces": len(index),
        "subjects": len(index.words["subject"]),
        "stages": stages,
        "generated": generated,
        "failures": [row for stage in STAGES for row in failures(workspace, stage)],
        "expressions": [
            {"expression": expression, "split": split, "selected": cell[0], "aligned": cell[1]}
            for (expression, split), cell in sorted(cells.items())
        ],
        "action_units": mean_intensities(workspace),
        "damaged": _damaged([*stages, *generated], index.damaged),
        "next": next_step(workspace, [*stages, *generated], index.damaged),
    }


def mean_intensities(workspace: Workspace) -> dict[str, dict[str, float]]:
    """Return the mean intensity (0-5) of each AU by expression, over faces whose AUs are ``ok``."""
    sums: dict[str, np.ndarray] = {}
    for shard in workspace.shards("aus"):
        labels = read_columns(workspace, "select", shard, ("face_id", "expression"))
        values = read_columns(workspace, "aus", shard, ("face_id", "status", *COLUMNS_R))
        if labels is None or values is None:
            continue
        values = values.filter(pc.equal(values["status"], "ok"))
        # A stale shard may hold faces that are no longer selected.
        values = values.filter(pc.is_in(values["face_id"], labels["face_id"].combine_chunks()))
        at = pc.index_in(values["face_id"], labels["face_id"])
        names = np.array(labels["expression"].take(at).fill_null(UNLABELLED).to_pylist(), object)
        numbers = np.stack([np.asarray(values[name], np.float64) for name in COLUMNS_R], axis=1)
        for name in set(names.tolist()):
            here = numbers[names == name]
            total = np.append(np.nansum(here, axis=0), len(here))
            sums[name] = sums.get(name, np.zeros(len(COLUMNS_R) + 1)) + total
    return {
        name: {
            au: round(float(value / total[-1]), 3)
            for au, value in zip(INTENSITY_AUS, total[:-1], strict=True)
        }
        for name, total in sorted(sums.items())
    }


def _recorded(workspace: Workspace, key: str) -> Any:
    """Return a value of the recorded configuration, from the first stage that has it."""
    for stage in STAGES:
        config = workspace.info(stage).get("config") or {}
        if config.get(key) is not None:
            return config[key]
    return None


def _damaged(results: Sequence[Mapping[str, Any]], unreadable: Sequence[str]) -> list[str]:
    """Return what is damaged, each part once: shards unlike their markers, and unreadable parts."""
    shards = [text for one in results for text in one.get("damaged", {}).values()]
    known = {text.split()[0].rstrip(":") for text in shards}
    return [*shards, *(text for text in unreadable if text.split()[0] not in known)]


_WHY = {
    "missing": "{stage} has not run yet",
    "unfinished": "{left} of {shards} shards of {stage} are missing",
    "damaged": "{left} of {shards} shards of {stage} are damaged",
    "stale": "{left} of {shards} shards of {stage} were made from other input or other settings",
}


def next_step(
    workspace: Workspace, stages: Sequence[Mapping[str, Any]], damaged: Sequence[str]
) -> dict[str, Any] | None:
    """Return the next command if something is missing, stale or damaged, else None.

    `stages` are ordered results of `summarize_stage`, then of `summarize_synthetic` and others;
    `damaged` parts are ``stage/part-00000.parquet reason``. ``why`` is a sentence, ``command`` a
    `Remedy`.
    """
    broken = [stage for stage in stages if stage.get("damaged")]
    if damaged and not broken:
        unreadable = damaged[0].partition("/")[0]
        return {"why": damaged[0], "command": Remedy(unreadable, workspace.root, resume=True)}
    undone = [s for s in stages if s["stage"] in STAGES and s["state"] != "done"]
    for stage in broken or undone:
        left = len(stage["damaged"]) or max(stage["shards"] - stage["done"], len(stage["stale"]))
        why = _WHY[stage["state"]].format(
            stage=stage["stage"], left=left or "some", shards=stage["shards"]
        )
        return {"why": why, "command": workspace.redo(stage["stage"])}
    return None
