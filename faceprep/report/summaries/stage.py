"""Summarize one stage of a workspace as plain values."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
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


def _markers(workspace: Workspace, stage: str) -> Iterator[Marker]:
    for shard in workspace.shards(stage):
        marker = workspace.marker(stage, shard)
        if marker is not None:
            yield marker


def _upstream(stage: str) -> tuple[str, ...]:
    return () if stage == "select" else load_stage(stage).upstream


def _is_current(workspace: Workspace, marker: Marker, upstream: tuple[str, ...]) -> bool:
    """Return whether a shard exists and was made from the current upstream shards."""
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
