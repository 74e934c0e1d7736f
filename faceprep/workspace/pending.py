"""Make a shard in a temporary folder, and move it into place when it is complete."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from faceprep.core.files import write_json
from faceprep.core.processes import here
from faceprep.workspace import manifest
from faceprep.workspace.marker import Marker, measure
from faceprep.workspace.workspace import Workspace

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
