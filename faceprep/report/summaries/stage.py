"""Summarize one stage of a workspace as plain values."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.core.files import digest
from faceprep.stages import load_stage
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.face_index import read_columns

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def summarize_stage(workspace: Workspace, stage: str) -> dict[str, Any]:
    """Return progress, settings, versions and time of the last change of a stage."""
    markers = list(_markers(workspace, stage))
    upstream = () if stage == "select" else load_stage(stage).upstream
    info = workspace.info(stage)
    expected = int(workspace.info("select").get("shards") or len(workspace.shards("select")))
    stale = [
        marker.shard
        for marker in markers
        if marker.shard >= expected or not _is_current(workspace, marker, upstream)
    ]
    damaged = damages(workspace, markers)
    done = len(markers) - len({*stale, *damaged})
    return {
        "stage": stage,
        "state": "damaged" if damaged else _state(markers, done, expected),
        "shards": expected,
        "done": done,
        "stale": stale,
        "damaged": damaged,
        **totals(markers),
        "settings": info.get("settings", {}),
        "versions": info.get("versions", {}),
        "worker_seconds": round(sum(marker.seconds for marker in markers), 1),
        **last_change([workspace.marker_path(stage, marker.shard) for marker in markers]),
    }


def damages(workspace: Workspace, markers: list[Marker]) -> dict[int, str]:
    """Return shard → what it lacks, for shards that the next run makes again."""
    found = {marker.shard: workspace.damage(marker) for marker in markers}
    return {shard: text for shard, text in found.items() if text is not None}


def totals(markers: list[Marker]) -> dict[str, Any]:
    """Return the rows, the rows by status and the settings' hashes of some shards."""
    status: Counter[str] = Counter()
    for marker in markers:
        status.update(marker.status)
    return {
        "rows": sum(marker.rows for marker in markers),
        "status": dict(sorted(status.items())),
        "config_hashes": sorted({marker.config for marker in markers}),
    }


def last_change(paths: list[Path]) -> dict[str, Any]:
    """Return the time of the newest of some files, and its age in seconds."""
    times = [path.stat().st_mtime for path in paths if path.is_file()]
    if not times:
        return {"updated": None, "age_seconds": None}
    newest = datetime.fromtimestamp(max(times), UTC).isoformat("T", "seconds")
    return {"updated": newest, "age_seconds": round(max(0.0, time.time() - max(times)))}


def summarize_shards(workspace: Workspace, stage: str) -> list[dict[str, Any]]:
    """List the finished shards of a stage."""
    keys = ("shard", "rows", "status", "seconds", "host")
    return [{key: getattr(marker, key) for key in keys} for marker in _markers(workspace, stage)]


def failures(workspace: Workspace, stage: str) -> list[dict[str, Any]]:
    """Group the failed rows of a stage by reason, most frequent first.

    Reasons that differ only in numbers count as one. Rows skipped because an earlier stage failed
    are listed by that stage only.
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
            new = {"stage": stage, "status": row["status"], "reason": row["reason"]}
            group = groups.setdefault(key, {**new, "faces": 0, "example": row["face_id"]})
            group["faces"] += 1
    return sorted(groups.values(), key=lambda group: (-group["faces"], group["status"]))


def _markers(workspace: Workspace, stage: str) -> Iterator[Marker]:
    for shard in workspace.shards(stage):
        marker = workspace.marker(stage, shard)
        if marker is not None:
            yield marker


def _is_current(workspace: Workspace, marker: Marker, upstream: tuple[str, ...]) -> bool:
    """Return whether a shard was made from the current upstream shards."""
    if not upstream:
        return True
    above = [workspace.marker(stage, marker.shard) for stage in upstream]
    if any(other is None for other in above):
        return False
    return marker.input == digest([other.output for other in above if other])


def _state(markers: list[Marker], done: int, expected: int) -> str:
    if not markers:
        return "missing"
    mixed = len({marker.config for marker in markers}) > 1
    if done == expected and not mixed:
        return "done"
    return "stale" if done < len(markers) or mixed else "unfinished"
