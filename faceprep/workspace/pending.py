"""Make a shard in a temporary folder, and move it into place when it is complete.

Also find shards in progress, and leftovers of killed processes.
"""

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from faceprep.core.files import PENDING, here, is_abandoned, write_json
from faceprep.workspace import manifest
from faceprep.workspace.workspace import Marker, Workspace, matching_entries, measure

_MOVES = 5  # attempts to move images while another process does the same


@contextlib.contextmanager
def pending_shard(workspace: Workspace, stage: str, shard: int) -> Iterator["PendingShard"]:
    """Open a temporary folder for a shard, which is removed afterwards in any case."""
    name = f"part-{shard:05d}.{here()}-{os.getpid()}.tmp"
    folder = workspace.home(stage, shard) / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    try:
        yield PendingShard(workspace, stage, shard, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class PendingShard:
    """A shard in progress: files in a temporary folder, which `commit` moves into place."""

    workspace: Workspace
    stage: str
    shard: int
    folder: Path

    @property
    def images(self) -> Path:
        """Folder of its images."""
        return self.folder / "images"

    def commit(
        self,
        table: pa.Table,
        *,
        input_hash: str,
        config_hash: str,
        provenance: dict[str, Any],
        seconds: float,
        content: str = "",
    ) -> Marker:
        """Validate the rows and move part, images and marker into place, the marker last.

        Raises
        ------
        ManifestError
            The rows violate the schema; the old shard is unchanged.
        """
        workspace, stage, shard = self.workspace, self.stage, self.shard
        part = self.folder / "part.parquet"
        hashes = {"input": input_hash, "config_hash": config_hash}
        # The input hash in `provenance`, which may be a hash of content, takes precedence.
        sha256 = manifest.write_part(part, table, stage, {**hashes, **provenance})
        files, size = measure(self.images)
        status = ["ok"] * table.num_rows
        if "status" in table.column_names:
            status = table.column("status").to_pylist()
        counts = {word: status.count(word) for word in sorted(set(status))}
        marker = Marker(
            stage=stage,
            shard=shard,
            input=input_hash,
            config=config_hash,
            rows=table.num_rows,
            status=counts,
            sha256=sha256,
            files=files,
            bytes=size,
            seconds=seconds,
            content=content,
        )
        workspace.marker_path(stage, shard).unlink(missing_ok=True)
        self._move_images(files)
        part.replace(workspace.part(stage, shard))
        write_json(workspace.marker_path(stage, shard), asdict(marker))
        workspace.forget_failure(stage, shard)
        return marker

    def keep_image(self, name: str) -> None:
        """Keep an image of the old shard."""
        old, new = self.workspace.images(self.stage, self.shard) / name, self.images / name
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)

    def _move_images(self, files: int) -> None:
        """Replace the images; a process of another host may do so at the same time."""
        place = self.workspace.images(self.stage, self.shard)
        if files:
            place.parent.mkdir(exist_ok=True)
        for attempt in range(_MOVES):
            with contextlib.suppress(FileNotFoundError):
                place.rename(self.folder / f"replaced-{attempt}")
            if not files:
                return
            try:
                self.images.rename(place)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or attempt == _MOVES - 1:
                    raise


_POLL_SECONDS = 0.2
_TEMPORARY = re.compile(r".+\.tmp")


def remove_abandoned(workspace: Workspace, stage: str) -> None:
    """Remove the temporary files and folders of killed processes."""
    for _, entry in list(workspace.entries(stage, _TEMPORARY)):
        if is_abandoned(entry):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def wait_for_others(workspace: Workspace, stage: str, shard: int) -> bool:
    """Wait until no other process of this host is working on the shard.

    Returns
    -------
    Whether there was one, so that the shard may be done now.
    """
    waited = False
    while any(_others_work(workspace, stage, shard)):
        waited = True
        time.sleep(_POLL_SECONDS)
    return waited


def _others_work(workspace: Workspace, stage: str, shard: int) -> Iterator[bool]:
    place, me = here(), str(os.getpid())
    for match, entry in matching_entries(workspace.home(stage, shard), PENDING):
        if int(match["shard"]) == shard and match["host"] == place and match["pid"] != me:
            yield not is_abandoned(entry)


def shards_in_hand(workspace: Workspace, stage: str, *, by_age: bool = True) -> set[int]:
    """Return the shards in progress.

    Parameters
    ----------
    by_age
        Include shards of other hosts, whose state is estimated by age.
    """
    found = workspace.entries(stage, PENDING)
    known = ((match, entry) for match, entry in found if by_age or match["host"] == here())
    return {int(match["shard"]) for match, entry in known if not is_abandoned(entry)}


def rows_in_hand(workspace: Workspace, stage: str, shards: set[int]) -> int:
    """Count the rows done so far in uncommitted shards."""
    total = 0
    for match, entry in workspace.entries(stage, PENDING):
        if int(match["shard"]) in shards:
            with contextlib.suppress(OSError, ValueError):
                total += int(Path(entry.path, "progress").read_text())
    return total
