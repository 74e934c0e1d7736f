"""What ``augment`` did, or would do."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_COUNTED = ["face_id", "expression", "mode", "status", "rejected_judge", "rejected_features"]


@dataclass
class Augmented:
    """What ``augment`` did, or would do.

    Attributes
    ----------
    folder
        Of the faces.
    images, asked
        How many there are, and were asked for.
    made, before, lacking
        How many were made just now, were there before, and are to be made in ``todo``.
    replaced
        How many were there of other settings, or of these with ``--overwrite``: they go.
    refused
        Whether they may not, for nobody has said ``--overwrite``.
    shards, todo
        Shards of the faces asked for, and those (to be) made.
    faces
        By expression.
    modes
        By mode.
    rejected
        Candidates that did not pass the filter, by what they did not pass, by expression; empty
        without a filter.
    doubtful
        Faces for which no candidate passed, by expression.
    seconds
        Wall time.
    disk_bytes
        Estimate of what is to be made.
    device
        Where they are computed.
    failed
        Shard → why it could not be made.
    jobs
        Numbers of the Slurm jobs that make them, where those are not waited for.
    """

    folder: Path
    asked: int
    shards: int
    todo: list[int]
    device: str
    before: int = 0
    lacking: int = 0
    replaced: int = 0
    refused: bool = False
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

    def count(self, table: "pa.Table", filtered: bool) -> None:
        """Add the faces of a shard, and what a filter rejected for them where there was one."""
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
