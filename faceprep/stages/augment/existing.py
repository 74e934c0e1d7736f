"""Existing synthetic faces, made with the settings of a run or with other settings.

Faces made with other settings are replaced with ``--overwrite`` only. A run that may replace them
records its request (`faceprep.workspace.synthetic.note_asked`), so that the same command continues
after it was killed.
"""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from faceprep.core.errors import Again, FaceprepError
from faceprep.execution.consent import Replaced, changes_between
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.synthetic import STAGE, asked, provenance_of


class ExistingFaces:
    """Finished shards of a stage, for a run with the given input and config hash.

    The files of a shard are verified at most once. The markers are read when a run begins, and
    again by `refresh` when it ends.
    """

    def __init__(self, workspace: Workspace, stage: str, hashes: tuple[str, str]) -> None:
        self._workspace, self._stage, self._hashes = workspace, stage, hashes
        self._rows: dict[int, int] = {}
        self._markers = self._read_markers()

    def rows(self, shard: int) -> int:
        """Return the number of rows of a shard with these settings, if it is intact; else 0."""
        if shard not in self._rows:
            marker = self._markers.get(shard)
            done = marker is not None and self._workspace.is_done(self._stage, shard, *self._hashes)
            self._rows[shard] = marker.rows if marker is not None and done else 0
        return self._rows[shard]

    def refresh(self, made: Iterable[int] = ()) -> None:
        """Reread the markers; the shards just `made` count as intact."""
        self._markers = self._read_markers()
        for shard in made:
            marker = self._markers.get(shard)
            self._rows[shard] = marker.rows if marker is not None and self._own(marker) else 0

    def own(self) -> dict[int, int]:
        """Return shard → rows of the shards with these settings, from the markers."""
        return {shard: m.rows for shard, m in self._markers.items() if self._own(m)}

    def others(self) -> dict[int, int]:
        """Return shard → rows of the shards with other settings, from the markers."""
        return {shard: m.rows for shard, m in self._markers.items() if not self._own(m)}

    def requested(self) -> bool:
        """Return whether the last recorded request has these hashes."""
        note = asked(self._workspace, self._stage)
        return note is not None and (note["input"], note["config"]) == self._hashes

    def made_with(self, config_hash: str) -> bool:
        """Return whether the first shard has the same input and another config hash."""
        marker = self._markers.get(0)
        return marker is not None and (marker.input, marker.config) == (
            self._hashes[0],
            config_hash,
        )

    def remove_beyond(self, shards: int) -> None:
        """Remove the shards from number `shards` on, from the first one with other settings."""
        for shard in self._workspace.shards(self._stage):
            if shard >= shards and not self.rows(shard):
                self._workspace.remove_shards(self._stage, shard)
                break

    def replaced(self, settings: Mapping[str, Any], checkpoint: str) -> Replaced:
        """Return the faces made with other settings, and how they were made."""
        others = self.others()
        before = provenance_of(self._workspace, self._stage, next(iter(others), None))
        there = before.get("settings", {})
        now = {key: value for key, value in settings.items() if key in there}
        changes = changes_between({key: there[key] for key in now}, now, f"{STAGE}.")
        reasons = []
        if before.get("checkpoint", checkpoint) != checkpoint:
            reasons.append("the generator is another one than that of the faces")
        elif not changes:
            reasons.append("the source faces are others than those of the faces")
        return Replaced(self._stage, f"{sum(others.values()):,} faces", changes, reasons)

    def refuse_mixture(self, shards: Set[int]) -> None:
        """Raise `FaceprepError` if one of the shards was made with other settings meanwhile."""
        others = sorted(self.others().keys() & shards)
        if others:
            raise FaceprepError(
                f"{self._workspace.folder(self._stage)}: shard {others[0]} is of other settings now"
                f" ({len(others)} of {len(shards)} shards are): another augment is at work there",
                Again({"overwrite": True}, note="when it has ended"),
            )

    def _read_markers(self) -> dict[int, Marker]:
        shards = self._workspace.shards(self._stage)
        markers = {shard: self._workspace.marker(self._stage, shard) for shard in shards}
        return {shard: marker for shard, marker in markers.items() if marker is not None}

    def _own(self, marker: Marker) -> bool:
        return (marker.input, marker.config) == self._hashes
