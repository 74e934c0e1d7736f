"""What a workspace holds, as plain values: the tables and ``--json`` are both made of this."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from faceprep.cli.commands.workspace import next_command
from faceprep.config import STAGES
from faceprep.core.action_units import COLUMNS_R, INTENSITY_AUS
from faceprep.core.files import digest
from faceprep.report.generated import summarize_generated
from faceprep.stages import load_stage
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.discover import dataset_root
from faceprep.workspace.face_index import UNLABELLED, read_columns, read_index

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def summarize_workspace(workspace: Workspace) -> dict[str, Any]:
    """Collect everything that ``faceprep show WORKSPACE`` says, JSON-ready."""
    stages = [summarize_stage(workspace, stage) for stage in STAGES]
    index = read_index(workspace)
    aligned = index.count("expression", "split", "status")
    cells: dict[tuple[str, str], list[int]] = {}
    for (expression, split, status), faces in aligned.items():
        cell = cells.setdefault((expression, split), [0, 0])
        cell[0] += faces
        cell[1] += faces if status == "ok" else 0
    root = dataset_root(workspace)
    return {
        "kind": "workspace",
        "workspace": str(workspace.root),
        "name": _recorded(workspace, "name") or workspace.root.resolve().name,
        "dataset_root": str(root) if root else None,
        "faces": len(index),
        "subjects": len(index.words["subject"]),
        "stages": stages,
        "generated": summarize_generated(workspace),
        "failures": [row for stage in STAGES for row in failures(workspace, stage)],
        "expressions": [
            {"expression": expression, "split": split, "selected": cell[0], "aligned": cell[1]}
            for (expression, split), cell in sorted(cells.items())
        ],
        "action_units": mean_intensities(workspace),
        "damaged": index.damaged,
        "next": next_command(workspace, stages, index.damaged),
    }


def summarize_stage(workspace: Workspace, stage: str) -> dict[str, Any]:
    """Say how far a stage is, with which settings and versions, and since when."""
    markers = list(_markers(workspace, stage))
    upstream = _upstream(stage)
    info = workspace.info(stage)
    expected = int(workspace.info("select").get("shards") or len(workspace.shards("select")))
    stale = [
        marker.shard
        for marker in markers
        if marker.shard >= expected or not _is_current(workspace, marker, upstream)
    ]
    status: dict[str, int] = {}
    for marker in markers:
        for word, rows in marker.status.items():
            status[word] = status.get(word, 0) + rows
    hashes = sorted({marker.config for marker in markers})
    done = len(markers) - len(stale)
    updated = _updated(workspace, stage, markers)
    return {
        "stage": stage,
        "state": _state(markers, done, expected, hashes),
        "shards": expected,
        "done": done,
        "stale": stale,
        "rows": sum(marker.rows for marker in markers),
        "status": dict(sorted(status.items())),
        "config_hashes": hashes,
        "settings": info.get("settings", {}),
        "versions": info.get("versions", {}),
        "worker_seconds": round(sum(marker.seconds for marker in markers), 1),
        "updated": datetime.fromtimestamp(updated, UTC).isoformat("T", "seconds")
        if updated
        else None,
        "age_seconds": round(max(0.0, time.time() - updated)) if updated else None,
    }


def summarize_shards(workspace: Workspace, stage: str) -> list[dict[str, Any]]:
    """List the finished shards of a stage."""
    return [
        {
            "shard": marker.shard,
            "rows": marker.rows,
            "status": marker.status,
            "seconds": marker.seconds,
            "host": marker.host,
        }
        for marker in _markers(workspace, stage)
    ]


def failures(workspace: Workspace, stage: str) -> list[dict[str, Any]]:
    """Group the rows of a stage that are not ``ok`` by reason, most frequent first.

    Reasons that differ in their numbers alone count as one. Rows skipped because an earlier
    stage failed are left out: they stand there already.
    """
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for marker in _markers(workspace, stage):
        if not set(marker.status) - {"ok", "skipped"}:
            continue
        table = read_columns(workspace, stage, marker.shard, ("face_id", "status", "reason"))
        if table is None:
            continue
        failed = pc.invert(pc.is_in(table["status"], pa.array(["ok", "skipped"])))
        for row in table.filter(failed).to_pylist():
            key = (row["status"], _NUMBER.sub("0", row["reason"] or ""))
            group = groups.setdefault(
                key,
                {
                    "stage": stage,
                    "status": row["status"],
                    "reason": row["reason"],
                    "faces": 0,
                    "example": row["face_id"],
                },
            )
            group["faces"] += 1
    return sorted(groups.values(), key=lambda group: (-group["faces"], group["status"]))


def mean_intensities(workspace: Workspace) -> dict[str, dict[str, float]]:
    """Mean intensity (0–5) of each AU by expression, over the faces whose AUs are ``ok``."""
    sums: dict[str, np.ndarray] = {}
    for shard in workspace.shards("aus"):
        labels = read_columns(workspace, "select", shard, ("face_id", "expression"))
        values = read_columns(workspace, "aus", shard, ("face_id", "status", *COLUMNS_R))
        if labels is None or values is None:
            continue
        values = values.filter(pc.equal(values["status"], "ok"))
        # A stale shard may hold faces that select no longer has there.
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


def _markers(workspace: Workspace, stage: str) -> Iterator[Marker]:
    for shard in workspace.shards(stage):
        marker = workspace.marker(stage, shard)
        if marker is not None:
            yield marker


def _upstream(stage: str) -> tuple[str, ...]:
    return () if stage == "select" else load_stage(stage).upstream


def _is_current(workspace: Workspace, marker: Marker, upstream: tuple[str, ...]) -> bool:
    """Whether a shard was made of what its upstream holds now, and its part is there."""
    if not workspace.part(marker.stage, marker.shard).is_file():
        return False
    if not upstream:
        return True
    above = [workspace.marker(stage, marker.shard) for stage in upstream]
    if any(other is None for other in above):
        return False
    return marker.input == digest([other.sha256 for other in above if other])


def _state(markers: list[Marker], done: int, expected: int, hashes: list[str]) -> str:
    if not markers:
        return "missing"
    if done == expected and len(hashes) == 1:
        return "done"
    return "stale" if done < len(markers) or len(hashes) > 1 else "unfinished"


def _updated(workspace: Workspace, stage: str, markers: list[Marker]) -> float | None:
    times = []
    for marker in markers:
        try:
            times.append(workspace.marker_path(stage, marker.shard).stat().st_mtime)
        except OSError:
            continue
    return max(times, default=None)


def _recorded(workspace: Workspace, key: str) -> Any:
    """Value of the configuration with which a stage last ran, the first stage that tells."""
    for stage in STAGES:
        config = workspace.info(stage).get("config") or {}
        if config.get(key) is not None:
            return config[key]
    return None
