"""The folder of a run: where parts, markers and images lie, and how a shard becomes done.

    <workspace>/<stage>/part-00000.parquet   rows
                        part-00000.json      marker, written last
                        images/00000/*.png   what the stage drew
                        stage.json           settings, versions, counts
                        part-00000.<host>-<pid>.tmp/   work in hand; no reader looks inside
                        part-00000.failed.json         why it could not be made; gone once it is
                        from-00400/   the same for shards 400 to 799, and so on

A shard is done when its marker names the input and the settings at hand and its part and images
are there unchanged. Nothing else is remembered: no database, no lock.
"""

import contextlib
import errno
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from faceprep.core.errors import FaceprepError, ManifestError
from faceprep.core.files import file_sha256, write_json
from faceprep.core.processes import PENDING, here, is_abandoned
from faceprep.workspace import manifest

_PART = re.compile(r"part-(\d{5,})\.json")
_FAILED = re.compile(r"part-(\d{5,})\.failed\.json")
_POLL_SECONDS = 0.2
_ANY_TMP = re.compile(r".+\.tmp")
_MORE = re.compile(r"from-\d{5,}")
#: With parts, markers and work in hand a folder stays below 1000 entries: kind to shared disks.
SHARDS_PER_FOLDER = 400
_MOVES = 5  # tries to put images where another process puts the same ones


@dataclass(frozen=True)
class Marker:
    """What a finished shard says about itself.

    Attributes
    ----------
    stage, shard
        Whose it is.
    input, config
        Hashes of what went in and of the settings; equal hashes mean equal output.
    rows, status
        Number of rows, and of rows by status.
    sha256
        Of the part file.
    files, bytes
        Number of images, and what they take together.
    seconds, host
        How long it took, and where. The only fields that differ between equal runs.
    """

    stage: str
    shard: int
    input: str
    config: str
    rows: int
    status: dict[str, int]
    sha256: str
    files: int
    bytes: int
    seconds: float = 0.0
    host: str = field(default_factory=socket.gethostname)


@dataclass(frozen=True)
class Workspace:
    """Paths and shards below one folder."""

    root: Path

    def folder(self, stage: str) -> Path:
        """Folder of a stage."""
        return self.root / stage

    def make_folder(self, stage: str) -> None:
        """Make the folder of a stage, unless it is there.

        Raises
        ------
        FaceprepError
            When it cannot be made.
        """
        folder = self.folder(stage)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FaceprepError(
                f"cannot make {folder}: {error.strerror}",
                "choose another place with --workspace DIR",
            ) from error

    def home(self, stage: str, shard: int) -> Path:
        """Folder of a shard: its stage's, or from the 400th on one below it."""
        first = shard - shard % SHARDS_PER_FOLDER
        return self.folder(stage) / f"from-{first:05d}" if first else self.folder(stage)

    def part(self, stage: str, shard: int) -> Path:
        """Parquet file of a shard."""
        return self.home(stage, shard) / f"part-{shard:05d}.parquet"

    def marker_path(self, stage: str, shard: int) -> Path:
        """Marker of a shard."""
        return self.home(stage, shard) / f"part-{shard:05d}.json"

    def images(self, stage: str, shard: int) -> Path:
        """Image folder of a shard."""
        return self.home(stage, shard) / "images" / f"{shard:05d}"

    def images_prefix(self, stage: str, shard: int) -> str:
        """Image folder of a shard relative to its stage's, as it stands in manifests."""
        return self.images(stage, shard).relative_to(self.folder(stage)).as_posix()

    def shards(self, stage: str) -> list[int]:
        """Numbers of the shards that have a marker, ascending."""
        return sorted(int(match[1]) for match, _ in self._entries(stage, _PART))

    def marker(self, stage: str, shard: int) -> Marker | None:
        """Marker of a shard; ``None`` when missing or not readable as one."""
        try:
            return Marker(**json.loads(self.marker_path(stage, shard).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def is_done(self, stage: str, shard: int, input_hash: str, config_hash: str) -> bool:
        """Whether a shard is finished, for this input and these settings, and still intact."""
        marker = self.marker(stage, shard)
        if marker is None or (marker.input, marker.config) != (input_hash, config_hash):
            return False
        try:
            intact = file_sha256(self.part(stage, shard)) == marker.sha256
        except OSError:
            return False
        return intact and _measure(self.images(stage, shard)) == (marker.files, marker.bytes)

    def stamps(self, stage: str) -> dict[int, int]:
        """Shard → when its marker was written (ns); one look at the folder."""
        found = {}
        for match, entry in self._entries(stage, _PART):
            with contextlib.suppress(OSError):
                found[int(match[1])] = entry.stat().st_mtime_ns
        return found

    def note_failure(self, stage: str, shard: int, error: str, log: Sequence[str] = ()) -> None:
        """Leave word of why a shard could not be made, for `failures`."""
        note = {"shard": shard, "error": error, "log": list(log), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # on a full disk the command itself says so
            self.home(stage, shard).mkdir(exist_ok=True)
            write_json(self._failed(stage, shard), {**note, "time": time.time()})

    def forget_failure(self, stage: str, shard: int) -> None:
        """Take that word back."""
        self._failed(stage, shard).unlink(missing_ok=True)

    def failures(self, stage: str) -> dict[int, dict[str, Any]]:
        """Shard → why it could not be made when it was last tried."""
        found = {}
        for match, entry in self._entries(stage, _FAILED):
            with contextlib.suppress(OSError, ValueError):
                found[int(match[1])] = dict(json.loads(Path(entry.path).read_text()))
        return dict(sorted(found.items()))

    def _failed(self, stage: str, shard: int) -> Path:
        return self.home(stage, shard) / f"part-{shard:05d}.failed.json"

    def read(self, stage: str, shard: int) -> pa.Table:
        """Rows of a finished shard, validated.

        Raises
        ------
        ManifestError
            When the part is missing, is not the one its marker names, or breaks the schema.
        """
        path = self.part(stage, shard)
        marker = self.marker(stage, shard)
        if marker is None or not path.is_file():
            raise ManifestError(f"{path} is not finished", f"faceprep {manifest.verb_of(stage)}")
        return manifest.read_part(path, stage)

    def tables(self, stage: str) -> Iterator[pa.Table]:
        """Rows of every finished shard, in order, one shard at a time."""
        for shard in self.shards(stage):
            yield self.read(stage, shard)

    def info(self, stage: str) -> dict[str, Any]:
        """``stage.json``; empty when the stage never ran."""
        try:
            return dict(json.loads((self.folder(stage) / "stage.json").read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def counts(
        self, stage: str, of_interest: Callable[[int], bool] = lambda shard: True
    ) -> dict[str, int]:
        """Rows by status, summed over the markers of all shards, or of some."""
        total: dict[str, int] = {}
        for shard in filter(of_interest, self.shards(stage)):
            marker = self.marker(stage, shard)
            for status, rows in (marker.status if marker else {}).items():
                total[status] = total.get(status, 0) + rows
        return dict(sorted(total.items()))

    def write_info(self, stage: str, info: dict[str, Any]) -> None:
        """Write ``stage.json`` with the counts of the markers at hand."""
        self.folder(stage).mkdir(parents=True, exist_ok=True)
        write_json(self.folder(stage) / "stage.json", {**info, "counts": self.counts(stage)})

    @contextlib.contextmanager
    def pending(self, stage: str, shard: int) -> Iterator["PendingShard"]:
        """Open a folder to work in; it is gone afterwards, committed or not."""
        name = f"part-{shard:05d}.{here()}-{os.getpid()}.tmp"
        folder = self.home(stage, shard) / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "images").mkdir(parents=True)
        try:
            yield PendingShard(self, stage, shard, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove_shards(self, stage: str, first: int) -> int:
        """Remove every shard from number ``first`` on; return how many there were."""
        surplus = [shard for shard in self.shards(stage) if shard >= first]
        for shard in surplus:
            # The marker goes first: without it, what is left of the shard counts for nothing.
            self.marker_path(stage, shard).unlink(missing_ok=True)
            self.part(stage, shard).unlink(missing_ok=True)
            self.forget_failure(stage, shard)
            shutil.rmtree(self.images(stage, shard), ignore_errors=True)
        return len(surplus)

    def sweep(self, stage: str) -> None:
        """Remove what killed processes left behind."""
        for _, entry in list(self._entries(stage, _ANY_TMP)):
            if is_abandoned(entry):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    Path(entry.path).unlink(missing_ok=True)

    def wait_for_others(self, stage: str, shard: int) -> bool:
        """Wait until no other living process of this host has the shard in hand.

        Returns
        -------
        Whether there was one: then the shard may be done now.
        """
        waited = False
        while any(self._others_work(stage, shard)):
            waited = True
            time.sleep(_POLL_SECONDS)
        return waited

    def _others_work(self, stage: str, shard: int) -> Iterator[bool]:
        place, me = here(), str(os.getpid())
        for match, entry in _matching(self.home(stage, shard), PENDING):
            if int(match["shard"]) == shard and match["host"] == place and match["pid"] != me:
                yield not is_abandoned(entry)

    def in_hand(self, stage: str, *, by_age: bool = True) -> set[int]:
        """Shards that some process works on now; of another host's only the age can be told."""
        found = self._entries(stage, PENDING)
        told = ((match, entry) for match, entry in found if by_age or match["host"] == here())
        return {int(match["shard"]) for match, entry in told if not is_abandoned(entry)}

    def rows_in_hand(self, stage: str, shards: set[int]) -> int:
        """Rows that workers have done so far in shards not yet committed."""
        total = 0
        for match, entry in self._entries(stage, PENDING):
            if int(match["shard"]) in shards:
                with contextlib.suppress(OSError, ValueError):
                    total += int(Path(entry.path, "progress").read_text())
        return total

    def _entries(
        self, stage: str, pattern: re.Pattern[str]
    ) -> Iterator[tuple[re.Match[str], os.DirEntry[str]]]:
        """Entries of a stage's folders whose names match."""
        folder = self.folder(stage)
        yield from _matching(folder, pattern)
        for _, more in _matching(folder, _MORE):
            yield from _matching(Path(more.path), pattern)


@dataclass(frozen=True)
class PendingShard:
    """A shard being made in its own folder, until `commit` moves it into place."""

    workspace: Workspace
    stage: str
    shard: int
    folder: Path

    @property
    def images(self) -> Path:
        """Where its images are written."""
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
            When the rows break the schema; the shard stays as it was.
        """
        workspace, stage, shard = self.workspace, self.stage, self.shard
        part = self.folder / "part.parquet"
        hashes = {"input": input_hash, "config_hash": config_hash}
        # Provenance may name the input by content where the hash here also knows times of files.
        sha256 = manifest.write_part(part, table, stage, {**hashes, **provenance})
        files, size = _measure(self.images)
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
        """Take over an image that the shard already has."""
        old, new = self.workspace.images(self.stage, self.shard) / name, self.images / name
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)

    def _move_images(self, files: int) -> None:
        """Exchange the images; a process of another host may be at the same (see `_MOVES`)."""
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


def _measure(folder: Path) -> tuple[int, int]:
    """Number and total size of the files in a folder."""
    try:
        sizes = [entry.stat().st_size for entry in os.scandir(folder)]
    except FileNotFoundError:
        return 0, 0
    return len(sizes), sum(sizes)


def _matching(
    folder: Path, pattern: re.Pattern[str]
) -> Iterator[tuple[re.Match[str], os.DirEntry[str]]]:
    """Entries of a folder whose names match; none where there is no folder."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if match := pattern.fullmatch(entry.name):
                yield match, entry
