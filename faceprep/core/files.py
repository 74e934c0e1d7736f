"""Write files atomically, recognise the leftovers of killed processes, and hash files and settings.

The owner of a temporary file is part of its name: ``part-00000.<host>-<pid>.tmp`` is the folder of
an unfinished shard, ``<file>.<pid>@<host>.tmp`` a file being written, with ``<host>`` by `here`.
There are no locks: a name whose process has ended has no effect.
"""

import contextlib
import difflib
import errno
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from faceprep.core.disk import existing_folder, free_space, size_text
from faceprep.core.errors import FaceprepError, Hint


@contextlib.contextmanager
def atomic_write(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block succeeds.

    A reader sees either the old or the complete new file. If the block fails, the old file is kept
    and the temporary one removed. `is_abandoned` recognises the temporary files of killed
    processes. The file has the permissions of the umask, whichever library writes it.

    Parameters
    ----------
    path
        File to write or replace; its folder must exist.
    sync
        Flush the content to the disk before renaming, so that the file survives a power failure.
    """
    # The host is part of the name because several hosts may write to a shared disk. The leading dot
    # distinguishes the name from that of an unfinished shard.
    temporary = path.with_name(f".{path.name}.{os.getpid()}@{here()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        if temporary.stat().st_mode != mode:  # replaced by a file of mkstemp, which is private
            temporary.chmod(mode)
        if sync:
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


@contextlib.contextmanager
def output_file(path: Path, hint: Hint | None = None, size: int | None = None) -> Iterator[Path]:
    """Write a file requested by the user: `atomic_write` that creates the folder if needed.

    Parameters
    ----------
    hint
        Hint of the error.
    size
        Number of bytes of the file, if known, for the message.

    Raises
    ------
    FaceprepError
        The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            yield temporary
    except OSError as error:
        raise FaceprepError(write_failure(error, path, size), hint) from error


def write_failure(error: Exception, path: Path, needed: int | None = None) -> str:
    """Return one line about a file that could not be written; `needed` bytes, if known."""
    if not is_disk_full(error):
        return f"cannot write {path}: {getattr(error, 'strerror', None) or error}"
    if getattr(error, "errno", None) == errno.EDQUOT:
        return f"no space left for {path}: the disk quota is used up"
    disk = existing_folder(path)
    while not disk.is_mount():
        disk = disk.parent
    wanted = "" if needed is None else f"{size_text(needed)} needed, "
    return f"no space left on {disk} for {path}: {wanted}{size_text(free_space(path))} free"


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error of a write means that the disk, or the user's quota, is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # The library safetensors passes the error of the system on as text.
    return f"os error {errno.ENOSPC})" in str(error) or f"os error {errno.EDQUOT})" in str(error)


def reserve(stream: IO[bytes], size: int) -> None:
    """Reserve the blocks of a new file, so that a full disk is an OSError before the work."""
    if size and hasattr(os, "posix_fallocate"):  # not on macOS
        os.posix_fallocate(stream.fileno(), 0, size)


def nearest_path(path: Path) -> Path | None:
    """Return the existing path with the most similar name, if only one name is misspelled."""
    missing = next((p for p in (path, *path.parents) if p.parent.is_dir()), None)
    if missing is None:
        return None
    try:
        names = [entry.name for entry in os.scandir(missing.parent)]
    except OSError:
        return None
    for name in difflib.get_close_matches(missing.name, names, 3):
        found = missing.with_name(name) / path.relative_to(missing)
        if found.exists():
            return found
    return None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write sorted and indented JSON atomically; values that JSON lacks are written as text."""
    text = json.dumps(value, indent=1, sort_keys=True, default=str)
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON-ready value, shortened to 16 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


#: Folder of an unfinished shard.
PENDING = re.compile(r"part-(?P<shard>\d{5,})\.(?P<host>.+)-(?P<pid>\d+)\.tmp")
_FILE = re.compile(r".+\.(?P<pid>\d+)(@(?P<host>.+))?\.tmp")
_STALE_SECONDS = 24 * 3600
_CLOCK_DIFFERENCE = 300  # seconds, largest between this machine and its file server
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_INITIAL_NAMESPACE = 0xEFFFFFFC  # PID_NS_INIT_INO of linux/nsfs.h


def here() -> str:
    """Return the name of the host, with the PID namespace of a container that has its own.

    Process numbers of another PID namespace have no meaning here, although the host's name is the
    same; its files are treated like those of another host.
    """
    host = socket.gethostname()
    try:
        namespace = _PID_NAMESPACE.stat().st_ino
    except OSError:  # not Linux
        return host
    return host if namespace == _INITIAL_NAMESPACE else f"{host}~{namespace}"


def is_abandoned(entry: os.DirEntry[str]) -> bool:
    """Return whether the owner of a ``.tmp`` is gone; of another host, whether the file is old."""
    owner = PENDING.fullmatch(entry.name) or _FILE.fullmatch(entry.name)
    if owner is None:
        return False
    if owner["host"] in (None, here()):
        return not _is_alive(int(owner["pid"]), entry)
    with contextlib.suppress(OSError):
        return time.time() - entry.stat().st_mtime > _STALE_SECONDS
    return False


def _is_alive(process: int, entry: os.DirEntry[str]) -> bool:
    """Return whether the process that made a ``.tmp`` runs, not a later one of its number."""
    import psutil  # a training runs without psutil

    try:
        began = psutil.Process(process).create_time()
        return bool(began <= entry.stat().st_mtime + _CLOCK_DIFFERENCE)
    except (psutil.NoSuchProcess, OSError):
        return False
