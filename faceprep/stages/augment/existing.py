"""The faces that are there when ``augment`` begins: which are of its settings, which are not.

Faces of other settings are replaced by ``--overwrite`` only. A run that has been allowed to leaves
word (`faceprep.workspace.synthetic.note_asked`), so that the same command goes on after a kill.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from faceprep.cli.commands.augment import command_for
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.synthetic import asked, provenance_of


class Present:
    """Finished shards of a stage, seen from a run with these hashes."""

    def __init__(self, workspace: Workspace, stage: str, hashes: tuple[str, str]) -> None:
        self.workspace, self.stage, self.hashes = workspace, stage, hashes
        self._intact: dict[int, int] = {}

    def rows(self, shard: int) -> int:
        """Rows of a shard that is finished, intact and of these settings; looked at once."""
        if shard not in self._intact:
            done = self.workspace.is_done(self.stage, shard, *self.hashes)
            marker = self.workspace.marker(self.stage, shard) if done else None
            self._intact[shard] = marker.rows if marker else 0
        return self._intact[shard]

    def look_again(self, shards: Sequence[int]) -> None:
        """Forget what shards were found to be, for they have been made since."""
        for shard in shards:
            self._intact.pop(shard, None)

    def own(self) -> dict[int, int]:
        """Shard → rows of those of these settings, as their markers say."""
        return {m.shard: m.rows for m in self._markers() if self._ours(m)}

    def others(self) -> dict[int, int]:
        """Shard → rows of those of other settings, as their markers say."""
        return {m.shard: m.rows for m in self._markers() if not self._ours(m)}

    def agreed(self) -> bool:
        """Whether a run with these hashes was the last that began here."""
        note = asked(self.workspace, self.stage)
        return note is not None and (note["input"], note["config"]) == self.hashes

    def remove_beyond(self, shards: int) -> None:
        """Remove shards beyond so many, from the first on that is of other settings."""
        for shard in self.workspace.shards(self.stage):
            if shard >= shards and not self.rows(shard):
                self.workspace.remove_shards(self.stage, shard)
                break

    def difference(self, settings: Mapping[str, Any], checkpoint: str) -> str:
        """Of what the other faces are: ``other settings (augment.mode new → edit)``."""
        before = provenance_of(self.workspace, self.stage, next(iter(self.others()), None))
        there: Mapping[str, Any] = before.get("settings", {})
        changed = [
            f"augment.{key} {there[key]} → {settings[key]}"
            for key in sorted(settings)
            if key in there and there[key] != settings[key]
        ]
        if before.get("checkpoint", checkpoint) != checkpoint:
            return ", ".join(["another generator", *changed])
        return f"other settings ({', '.join(changed)})" if changed else "other sources"

    def refusal(self, difference: str, count: int) -> UsageError:
        """Return the error for a run that would replace faces nobody has given up."""
        folder, there = self.workspace.folder(self.stage), sum(self.others().values())
        hint = "--overwrite replaces them"
        generator = self.stage.partition("/")[2]
        if difference.startswith("other settings"):
            again = command_for(self.workspace.root, generator, count)
            hint += f"; the settings that are there: {again}"
        return UsageError(f"{folder} holds {there} faces of {difference}", hint)

    def refuse_mixture(self, shards: Set[int]) -> None:
        """Raise `FaceprepError` where one of the shards is of other settings after all."""
        others = sorted(self.others().keys() & shards)
        if others:
            raise FaceprepError(
                f"{self.workspace.folder(self.stage)}: shard {others[0]} is of other settings now"
                f" ({len(others)} of {len(shards)} shards are): another augment is at work there",
                "when it has ended: the same command with --overwrite",
            )

    def _markers(self) -> Iterator[Marker]:
        for shard in self.workspace.shards(self.stage):
            marker = self.workspace.marker(self.stage, shard)
            if marker is not None:
                yield marker

    def _ours(self, marker: Marker) -> bool:
        return (marker.input, marker.config) == self.hashes
