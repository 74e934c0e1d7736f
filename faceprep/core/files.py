"""Write files atomically, and hash files and settings."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faceprep.core.errors import FaceprepError, Remedy
from faceprep.core.processes import here


@contextlib.contextmanager
def atomic_write(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block succeeds.

    A reader sees either the old or the complete new file. If the block fails, the old file is kept
    and the temporary one removed. `faceprep.core.processes.is_abandoned` recognises the temporary
    files of killed processes.

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
        yield temporary
        if sync:
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextlib.contextmanager
def output_file(path: Path, hint: str | Remedy | None = None) -> Iterator[Path]:
    """Write a file requested by the user: `atomic_write` that creates the folder if needed.

    Raises
    ------
    FaceprepError
        The file cannot be written; `hint` is the hint of the error.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            yield temporary
    except OSError as error:
        raise FaceprepError(f"cannot write {path}: {error.strerror or error}", hint) from error


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
