"""Result of ``augment``, or its prediction by a dry run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

_COUNTED = ["face_id", "expression", "mode", "status", "rejected_judge", "rejected_features"]


@dataclass
class AugmentResult:
    """Result of ``augment``."""

    folder: Path  # folder of the faces
    asked: int  # number of requested faces
    #: Number of shards of the requested faces, and numbers of the shards to make.
    shards: int
    todo: list[int]
    device: str  # device that computes the faces
    before: int = 0  # number of faces that existed before the run
    lacking: int = 0  # number of faces missing in ``todo``
    #: Number of existing faces to remove: those with other settings, or all with ``--overwrite``.
    replaced: int = 0
    images: int = 0  # number of existing faces
    made: int = 0  # number of faces made by this run
    #: Number of faces by expression, and by mode.
    faces: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    #: Expression → test of the filter → number of rejected candidates; empty without a filter.
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Number of faces, by expression, for which no candidate passed.
    doubtful: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0  # wall time
    disk_bytes: int = 0  # estimated size of the new faces
    failed: dict[int, str] = field(default_factory=dict)  # failed shard → reason
    jobs: list[str] = field(default_factory=list)  # Slurm jobs of a run that does not wait for them

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {**vars(self), "folder": str(self.folder)}

    def count(self, table: pa.Table, filtered: bool) -> None:
        """Add the faces of a shard and, with a filter, the rejected candidates."""
        columns = table.select(_COUNTED).to_pydict()
        self.images += len(columns["face_id"])
        for name, mode, status, judge, features in zip(
            columns["expression"], columns["mode"], columns["status"],
            columns["rejected_judge"], columns["rejected_features"], strict=True,
        ):  # fmt: skip
            self.faces[name] = self.faces.get(name, 0) + 1
            self.modes[mode] = self.modes.get(mode, 0) + 1
            if not filtered:
                continue
            kinds = self.rejected.setdefault(name, {"judge": 0, "features": 0})
            kinds["judge"] += judge
            kinds["features"] += features
            if status != "ok":
                self.doubtful[name] = self.doubtful.get(name, 0) + 1
