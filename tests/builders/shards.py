"""Small shards of the stage ``heatmaps``."""

from faceprep.workspace import Marker, Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard


def commit(workspace: Workspace, value: str = "a", images: int = 2, shard: int = 0) -> Marker:
    row = {"face_id": value, "status": "ok", "channels": 1, "sigma": 2.0}
    with pending_shard(workspace, "heatmaps", shard) as pending:
        for number in range(images):
            (pending.images / f"{value}{number}.png").write_bytes(b"png")
        return pending.commit(
            table_from_rows("heatmaps", [row]),
            input_hash="input",
            config_hash=value,
            provenance={},
            seconds=1.5,
        )
