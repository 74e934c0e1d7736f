"""Record the inputs of an accuracy table, and detect changes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faceprep.core.files import digest, file_sha256
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.synthetic import stage_of

if TYPE_CHECKING:
    from faceprep.workspace import Marker, Workspace


def inputs_of(workspace: "Workspace", synthetic: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """Return the hashes of the inputs of a table, from the markers; JSON-ready.

    Parameters
    ----------
    synthetic
        Name of a generator → SHA-256 of its file, and number of faces used.
    """
    made: dict[str, Any] = {}
    for name, (checkpoint, count) in synthetic.items():
        rows, used = 0, []
        for marker in _markers(workspace, stage_of(name)):
            if rows >= count:
                break
            used.append(marker)
            rows += marker.rows
        made[name] = {
            "checkpoint": checkpoint,
            "shards": len(used),
            "input": used[0].input if used else "",
            "config": used[0].config if used else "",
        }
    return {"real": _real(workspace), "synthetic": made}


def changed_since(workspace: "Workspace", made_of: Mapping[str, Any] | None) -> str | None:
    """Return the changed input of a table; None if no change is known.

    Synthetic faces beyond those of the table are ignored. Removed inputs cannot be compared and
    count as unchanged.

    Parameters
    ----------
    made_of
        Result of `inputs_of`; None for a table without a record.
    """
    if not made_of:
        return None
    real = _real(workspace)
    if real is not None and made_of.get("real") not in (None, real):
        return "the faces were selected or aligned again after this table"
    for name, one in (made_of.get("synthetic") or {}).items():
        hashes = (one.get("input"), one.get("config"))
        markers = _markers(workspace, stage_of(name))[: one.get("shards", 0)]
        if any((marker.input, marker.config) != hashes for marker in markers):
            return f"the synthetic faces of {name} were made again after this table"
        file = generator_file(workspace.root, name)
        if file.is_file() and file_sha256(file) != one.get("checkpoint"):
            return f"the generator {name} was trained again after this table"
    return None


def _real(workspace: "Workspace") -> str | None:
    """Return the digest of the selection and the crops; None if there are none."""
    found = [
        [stage, marker.shard, marker.input, marker.config]
        for stage in ("select", "align")
        for marker in _markers(workspace, stage)
    ]
    return digest(found) if found else None


def _markers(workspace: "Workspace", stage: str) -> "list[Marker]":
    markers = (workspace.marker(stage, shard) for shard in workspace.shards(stage))
    return [marker for marker in markers if marker is not None]
