"""Aus manifests with given estimates."""

from collections.abc import Callable

from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R, INTENSITY_AUS, PRESENCE_AUS
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

#: People in the demo dataset of these tests.
SUBJECTS = 6

#: ``AU01`` … → 0-5.
Intensities = dict[str, float]


def estimate(
    workspace: Workspace, estimator: Callable[[dict], Intensities | None], backend: str = "made"
) -> Workspace:
    """Write the aus manifest of a workspace; a face without an estimate has failed."""
    for shard in workspace.shards("select"):
        rows = [
            aus_row(row["face_id"], estimator(row), backend)
            for row in workspace.read("select", shard).to_pylist()
        ]
        with pending_shard(workspace, "aus", shard) as pending:
            pending.commit(
                table_from_rows("aus", rows),
                input_hash="input",
                config_hash="config",
                provenance={},
                seconds=0.0,
            )
    workspace.write_info("aus", {"stage": "aus", "shards": len(workspace.shards("select"))})
    return workspace


def aus_row(face_id: str, values: Intensities | None, backend: str) -> dict:
    row = {"face_id": face_id, "backend": backend}
    if values is None:
        return {**row, "status": "au_failed", "reason": "no estimate"}
    return {
        **row,
        "status": "ok",
        **{name: values[au] for name, au in zip(COLUMNS_R, INTENSITY_AUS, strict=True)},
        **{name: values[au] >= 0.5 for name, au in zip(COLUMNS_C, PRESENCE_AUS, strict=True)},
    }
