"""Summarize the synthetic faces of a generator."""

from collections.abc import Iterator
from typing import Any

from faceprep.core.errors import ManifestError
from faceprep.core.files import file_sha256
from faceprep.report.summaries.files import last_change
from faceprep.workspace import Marker, Workspace, artifacts, synthetic


def summarize_synthetic(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return progress, counts and settings of a generator's faces, in the format of a stage.

    ``stale`` counts shards made with other settings than the last run's, and all shards if the
    generator has been retrained since.
    """
    stage = synthetic.stage_of(name)
    markers, info = list(_markers(workspace, stage)), workspace.info(stage)
    asked = synthetic.asked(workspace, stage)
    now = (asked["input"], asked["config"]) if asked else _hashes(markers[:1])
    file = artifacts.generator_file(workspace.root, name)
    known = info.get("checkpoint")
    other = bool(markers and known and file.is_file() and file_sha256(file) != known)
    stale = [m.shard for m in markers if other or (m.input, m.config) != now]
    expected = max(asked["shards"] if asked else 0, len(markers), info.get("shards", 0))
    done = len(markers) - len(stale)
    status: dict[str, int] = {}
    for marker in markers:
        for word, rows in marker.status.items():
            status[word] = status.get(word, 0) + rows
    return {
        "stage": stage,
        "state": "done" if done == expected else "stale" if stale else "unfinished",
        "why": "the generator was trained again since" if other else None,
        "shards": expected,
        "done": done,
        "stale": stale,
        "asked": asked["faces"] if asked else None,
        "rows": sum(marker.rows for marker in markers),
        "status": dict(sorted(status.items())),
        "config_hashes": sorted({marker.config for marker in markers}),
        "generator": name,
        "mode": info.get("settings", {}).get("mode"),
        "faces": info.get("faces", {}),
        "modes": info.get("modes", {}),
        "rejected": info.get("rejected", {}),
        "doubtful": info.get("doubtful", {}),
        "source_people": len(info.get("subjects", [])),
        "settings": info.get("settings", {}),
        "versions": info.get("versions", {}),
        "worker_seconds": round(sum(marker.seconds for marker in markers), 1),
        **last_change([workspace.marker_path(stage, marker.shard) for marker in markers]),
    }


def synthetic_rows(workspace: Workspace, name: str, count: int = 5) -> list[dict[str, Any]]:
    """Return the first rows of a generator's faces; none if they cannot be read."""
    columns = ("index", "expression", "mode", "intensity", "source_face_id", "status", "crop")
    try:
        table = workspace.read(synthetic.stage_of(name), 0)
    except ManifestError:
        return []
    rows: list[dict[str, Any]] = table.select(columns).slice(0, count).to_pylist()
    return rows


def _markers(workspace: Workspace, stage: str) -> Iterator[Marker]:
    for shard in workspace.shards(stage):
        marker = workspace.marker(stage, shard)
        if marker is not None and workspace.part(stage, shard).is_file():
            yield marker


def _hashes(markers: list[Marker]) -> tuple[str, str]:
    return (markers[0].input, markers[0].config) if markers else ("", "")
