"""Sizes of files, free space, and folders that cannot be written."""

import shutil
import tempfile
from pathlib import Path

from faceprep.core.errors import FaceprepError, Hint

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


def size_text(size: float) -> str:
    """Format a number of bytes with its unit: ``27 kB``, ``2.7 GB``."""
    unit = 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit and size < 99.95 else f"{size:.0f} {_UNITS[unit]}"


def free_space(path: Path) -> int:
    """Return the number of free bytes on the disk of a path, which need not exist yet."""
    return shutil.disk_usage(existing_folder(path)).free


def space_text(needed: float, path: Path) -> str:
    """Return an estimated size beside the free space: ``about 2.7 GB of 41.2 GB free``."""
    return f"about {size_text(needed)} of {size_text(free_space(path))} free"


def shortage(needed: float, path: Path) -> str | None:
    """Return a warning if an estimated size exceeds the free space, else None."""
    free = free_space(path)
    if needed <= free:
        return None
    return f"this needs about {size_text(needed)}, and {path} has {size_text(free)} free"


def existing_folder(path: Path) -> Path:
    """Return the nearest folder that exists: the path itself, or one above it."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.is_dir())


def refuse_unwritable(path: Path, hint: Hint | None = None) -> None:
    """Check that a file or a folder can be made at a path, or something in the folder there.

    Raises
    ------
    FaceprepError
        It cannot: the disk is read-only, the right to write is missing, or a file is in the way.
    """
    folder = existing_folder(path)
    blocking = next((one for one in path.absolute().parents if one.is_file()), None)
    if blocking is not None:
        raise FaceprepError(f"cannot write {path}: {blocking} is a file, not a folder", hint)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FaceprepError(f"cannot write {path}: {error.strerror or error}", hint) from error
