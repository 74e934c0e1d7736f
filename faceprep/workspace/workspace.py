"""The folder of a run: paths of its shards, their markers and records.

    <workspace>/<stage>/part-00000.parquet   rows
                        part-00000.json      marker, written last
                        images/00000/*.png   images of the stage
                        stage.json           settings, versions, counts
                        part-00000.<host>-<pid>.tmp/   unfinished work, ignored by readers
                        part-00000.failed.json         why the shard failed; removed on success
                        from-00400/   the same for shards 400 to 799, and so on

A shard is done if its marker has the hashes of the current input and settings, and its part and
images are unchanged. There is no other state, such as a database or a lock.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import FaceprepError, ManifestError, Remedy
from faceprep.core.files import file_sha256, write_failure, write_json

if TYPE_CHECKING:
    import pyarrow as pa

_PART = re.compile(r"part-(\d{5,})\.json")
_FAILED = re.compile(r"part-(\d{5,})\.failed\.json")
_MORE = re.compile(r"from-\d{5,}")
#: Shards per folder, so that it has fewer than 1000 entries, for shared disks.
SHARDS_PER_FOLDER = 400


@dataclass(frozen=True)
class Marker:
    """Record of a finished shard."""

    #: Stage and number of the shard.
    stage: str
    shard: int
    #: Hashes of the input and of the settings; equal hashes mean equal output.
    input: str
    config: str
    #: Number of rows, and of rows by status.
    rows: int
    status: dict[str, int]
    sha256: str  # hash of the part file
    #: Number of images and their total size.
    files: int
    bytes: int
    #: Duration and machine, the only fields that differ between equal runs.
    seconds: float = 0.0
    host: str = field(default_factory=socket.gethostname)
    content: str = ""  # hash of what later stages depend on, if that is less than the part

    @property
    def output(self) -> str:
        """Hash by which later stages recognize their input."""
        return self.content or self.sha256


def measure(folder: Path) -> tuple[int, int]:
    """Return the number and the total size of the files in a folder."""
    try:
        sizes = [entry.stat().st_size for entry in os.scandir(folder)]
    except FileNotFoundError:
        return 0, 0
    return len(sizes), sum(sizes)


@dataclass(frozen=True)
class Workspace:
    """Paths and shards below one folder."""

    root: Path  # folder of the run

    def folder(self, stage: str) -> Path:
        """Return the folder of a stage."""
        return self.root / stage

    def make_folder(self, stage: str) -> None:
        """Create the folder of a stage if it does not exist.

        Raises
        ------
        FaceprepError
            It cannot be created.
        """
        folder = self.folder(stage)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FaceprepError(
                write_failure(error, folder),
                "choose another folder with --workspace",
            ) from error

    def home(self, stage: str, shard: int) -> Path:
        """Return the folder of a shard: that of its stage or, from shard 400 on, one below it."""
        first = shard - shard % SHARDS_PER_FOLDER
        return self.folder(stage) / f"from-{first:05d}" if first else self.folder(stage)

    def part(self, stage: str, shard: int) -> Path:
        """Return the Parquet file of a shard."""
        return self.home(stage, shard) / f"part-{shard:05d}.parquet"

    def marker_path(self, stage: str, shard: int) -> Path:
        """Return the file of the marker of a shard."""
        return self.home(stage, shard) / f"part-{shard:05d}.json"

    def images(self, stage: str, shard: int) -> Path:
        """Return the image folder of a shard."""
        return self.home(stage, shard) / "images" / f"{shard:05d}"

    def images_prefix(self, stage: str, shard: int) -> str:
        """Return the image folder of a shard relative to the stage's folder, as in manifests."""
        return self.images(stage, shard).relative_to(self.folder(stage)).as_posix()

    def shards(self, stage: str) -> list[int]:
        """Return the numbers of the shards with a marker, ascending."""
        return sorted(int(match[1]) for match, _ in self.entries(stage, _PART))

    def marker(self, stage: str, shard: int) -> Marker | None:
        """Return the marker of a shard; None if it is missing or damaged."""
        try:
            return Marker(**json.loads(self.marker_path(stage, shard).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def is_done(self, stage: str, shard: int, input_hash: str, config_hash: str) -> bool:
        """Return whether a shard is finished for this input and these settings, and intact."""
        marker = self.marker(stage, shard)
        if marker is None or (marker.input, marker.config) != (input_hash, config_hash):
            return False
        return self.damage(marker) is None

    def damage(self, marker: Marker) -> str | None:
        """Return what a finished shard lacks of its marker, as text; None if it is intact."""
        part = self.part(marker.stage, marker.shard)
        name = part.relative_to(self.root).as_posix()
        try:
            if file_sha256(part) != marker.sha256:
                return f"{name} is not what was written"
        except OSError as error:
            return f"{name}: {error.strerror}"
        images = self.images(marker.stage, marker.shard)
        found = measure(images)
        if found == (marker.files, marker.bytes):
            return None
        if found[0] == marker.files:
            return f"{images.relative_to(self.root).as_posix()}: an image is not what was written"
        return (
            f"{images.relative_to(self.root).as_posix()}: {found[0]:,} images of {marker.files:,}"
        )

    def stamps(self, stage: str) -> dict[int, int]:
        """Return shard → modification time of its marker, nanoseconds."""
        found = {}
        for match, entry in self.entries(stage, _PART):
            with contextlib.suppress(OSError):
                found[int(match[1])] = entry.stat().st_mtime_ns
        return found

    def note_failure(self, stage: str, shard: int, error: str, log: Sequence[str] = ()) -> None:
        """Record why a shard failed, for `failures`."""
        note = {"shard": shard, "error": error, "log": list(log), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # the command reports a full disk
            self.home(stage, shard).mkdir(exist_ok=True)
            write_json(self._failed(stage, shard), {**note, "time": time.time()})

    def forget_failure(self, stage: str, shard: int) -> None:
        """Remove the record of a failure."""
        self._failed(stage, shard).unlink(missing_ok=True)

    def failures(self, stage: str) -> dict[int, dict[str, Any]]:
        """Return the record of the last failure by shard."""
        found = {}
        for match, entry in self.entries(stage, _FAILED):
            with contextlib.suppress(OSError, ValueError):
                found[int(match[1])] = dict(json.loads(Path(entry.path).read_text()))
        return dict(sorted(found.items()))

    def _failed(self, stage: str, shard: int) -> Path:
        return self.home(stage, shard) / f"part-{shard:05d}.failed.json"

    def read(self, stage: str, shard: int) -> "pa.Table":
        """Read and validate the rows of a finished shard.

        Raises
        ------
        ManifestError
            The part or its marker is missing, or the part violates the schema.
        """
        from faceprep.workspace.manifest import read_part  # needs pyarrow

        path = self.part(stage, shard)
        marker = self.marker(stage, shard)
        if marker is None or not path.is_file():
            raise ManifestError(f"{path} is not finished", self.redo(stage))
        return read_part(path, stage)

    def redo(self, stage: str) -> Remedy:
        """Return the command that makes a stage again where it does not match its markers."""
        verb, _, generator = stage.partition("/")
        if not generator:
            return Remedy(verb, self.root, resume=True)
        faces = max(1, sum(self.counts(stage).values()))
        return Remedy(verb, self.root, {"generator": generator, "n": faces}, resume=True)

    def tables(self, stage: str) -> "Iterator[pa.Table]":
        """Yield the rows of every finished shard, in order."""
        for shard in self.shards(stage):
            yield self.read(stage, shard)

    def info(self, stage: str) -> dict[str, Any]:
        """Read ``stage.json``; empty if the stage has not run."""
        try:
            return dict(json.loads((self.folder(stage) / "stage.json").read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def counts(
        self, stage: str, of_interest: Callable[[int], bool] = lambda shard: True
    ) -> dict[str, int]:
        """Count rows by status over the markers of all shards, or of those `of_interest`."""
        total: dict[str, int] = {}
        for shard in filter(of_interest, self.shards(stage)):
            marker = self.marker(stage, shard)
            for status, rows in (marker.status if marker else {}).items():
                total[status] = total.get(status, 0) + rows
        return dict(sorted(total.items()))

    def write_info(self, stage: str, info: dict[str, Any]) -> None:
        """Write ``stage.json``, with counts from the current markers."""
        self.folder(stage).mkdir(parents=True, exist_ok=True)
        write_json(self.folder(stage) / "stage.json", {**info, "counts": self.counts(stage)})

    def remove_shards(self, stage: str, first: int) -> int:
        """Remove every shard from number ``first`` on; return their number."""
        surplus = [shard for shard in self.shards(stage) if shard >= first]
        for shard in surplus:
            # The marker is removed first: without it, the rest of the shard is ignored.
            self.marker_path(stage, shard).unlink(missing_ok=True)
            self.part(stage, shard).unlink(missing_ok=True)
            self.forget_failure(stage, shard)
            shutil.rmtree(self.images(stage, shard), ignore_errors=True)
        return len(surplus)

    def entries(
        self, stage: str, pattern: re.Pattern[str]
    ) -> Iterator[tuple[re.Match[str], os.DirEntry[str]]]:
        """Yield the entries of a stage's folders whose names match."""
        folder = self.folder(stage)
        yield from matching_entries(folder, pattern)
        for _, more in matching_entries(folder, _MORE):
            yield from matching_entries(Path(more.path), pattern)


def matching_entries(
    folder: Path, pattern: re.Pattern[str]
) -> Iterator[tuple[re.Match[str], os.DirEntry[str]]]:
    """Yield the entries of a folder whose names match; none if the folder is missing."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if match := pattern.fullmatch(entry.name):
                yield match, entry
