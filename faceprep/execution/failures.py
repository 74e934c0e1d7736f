"""Reasons of failed faces, and the stop of a stage that fails on every face."""

import re
from collections import Counter
from collections.abc import Iterable

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError
from faceprep.execution.stage import Stage
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.face_index import read_columns

#: Statuses of a face on which the stage itself did not fail.
_FINE = ("ok", "skipped")

#: Number of failed faces, without any that succeeded, at which a stage is stopped.
_ENOUGH = 50

#: Number of faces that are named for each reason.
_NAMED = 3

_VARIABLE = re.compile(r"\d+|'[^']*'|[^\s:]*/[^\s:]*")


def failed_faces(status: dict[str, int]) -> int:
    """Return the number of faces on which a stage failed, given its counts by status."""
    return sum(count for word, count in status.items() if word not in _FINE)


def reasons(workspace: Workspace, stage: str, shards: Iterable[int] | None = None) -> list[str]:
    """Return the reasons of failed faces with counts and some faces, the most frequent first.

    Reasons that differ in numbers and paths only are counted together, and one is given as example.

    Parameters
    ----------
    shards
        Shards to read; by default all of the stage.
    """
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    faces: dict[tuple[str, str], list[str]] = {}
    for shard in workspace.shards(stage) if shards is None else shards:
        marker = workspace.marker(stage, shard)
        if marker is None or not failed_faces(marker.status):
            continue
        rows = read_columns(workspace, stage, shard, ["face_id", "status", "reason"])
        for row in rows.to_pylist() if rows is not None else ():
            if row["status"] not in _FINE:
                reason = row["reason"] or ""
                key = (row["status"], _VARIABLE.sub("", reason))
                counts[key] += 1
                examples.setdefault(key, reason)
                if counts[key] <= _NAMED:
                    faces.setdefault(key, []).append(row["face_id"])
    return [
        f"{count:,} {key[0]}: {examples[key]}"
        f" ({', '.join(faces[key])}{', …' if count > _NAMED else ''})"
        for key, count in counts.most_common()
    ]


class FirstFaces:
    """Stop a stage that has failed on all of its first faces, unless earlier shards are finished.

    Every shard that ended keeps its rows with their reasons.
    """

    def __init__(self, stage: Stage, config: Config, done_before: int, jobs: int) -> None:
        self._stage, self._config, self._left = stage, config, jobs
        # Slurm has all jobs in its queue, where they go on.
        self._watching = done_before == 0 and config.engine != "slurm"
        self._failed, self._shards = 0, list[int]()

    def add(self, shard: int, marker: Marker) -> None:
        """Count a finished shard.

        Raises
        ------
        FaceprepError
            Enough faces have failed, none has succeeded, and shards are left.
        """
        self._left -= 1
        self._watching = self._watching and not marker.status.get("ok")
        self._failed += failed_faces(marker.status)
        self._shards.append(shard)
        if not self._watching or not self._left or self._failed < _ENOUGH:
            return
        name = self._stage.name
        why = reasons(Workspace(self._config.workspace), name, self._shards)
        again = Again({"overwrite": False, "retry_failed": False}, note="goes on with the others")
        remedy = self._stage.remedy(self._config, marker.status)
        raise FaceprepError(
            f"{name} failed on all of the first {self._failed} faces, and was stopped:\n  "
            + "\n  ".join(why[:3]),
            again if remedy is None else (remedy, again),
        )
