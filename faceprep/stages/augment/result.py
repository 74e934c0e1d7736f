"""Result of ``augment``, or its prediction by a dry run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from faceprep.core.errors import UsageError

_COUNTED = ["face_id", "expression", "mode", "status", "rejected_judge", "rejected_features"]


@dataclass
class AugmentResult:
    """Result of ``augment``.

    Attributes
    ----------
    folder
        Folder of the faces.
    images, asked
        Numbers of existing and of requested faces.
    made, before, lacking
        Number of faces made by this run, existing before it, and missing in ``todo``.
    replaced
        Number of existing faces to remove: those with other settings, or all with ``--overwrite``.
    refusal
        Error if the run would remove faces with other settings without ``--overwrite``.
    shards, todo
        Number of shards of the requested faces, and numbers of the shards to make.
    faces, modes
        Number of faces by expression, and by mode.
    rejected
        Expression → test of the filter → number of rejected candidates; empty without a filter.
    doubtful
        Number of faces, by expression, for which no candidate passed.
    seconds
        Wall time.
    disk_bytes
        Estimated size of the new faces.
    device
        Device that computes the faces.
    failed
        Failed shard → reason.
    jobs
        Slurm jobs of a run that does not wait for them.
    """

    folder: Path
    asked: int
    shards: int
    todo: list[int]
    device: str
    before: int = 0
    lacking: int = 0
    replaced: int = 0
    refusal: UsageError | None = None
    images: int = 0
    made: int = 0
    faces: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    disk_bytes: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values; ``refused`` is whether there is a refusal."""
        values = {
            "refused" if key == "refusal" else key: value for key, value in vars(self).items()
        }
        return {**values, "folder": str(self.folder), "refused": self.refusal is not None}

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
