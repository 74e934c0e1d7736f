"""Write the files of a demo dataset atomically.

Temporary files are in a folder of their own, because readers would count those beside the images.
"""

import contextlib
import itertools
import os
import shutil
from pathlib import Path

from faceprep.core.files import here

TRUTH_FOLDER = "faceprep_demo"
"""Folder of the truth, the settings and temporary files; readers ignore it."""

_counter = itertools.count()
_TRIES = 5  # another process that finishes the dataset removes the folder


def scratch(root: Path) -> Path:
    """Return the folder for temporary files, which is on the same disk."""
    return root / TRUTH_FOLDER / "tmp"


def write_file(root: Path, path: str, data: bytes) -> None:
    """Write ``data`` to ``root/path`` atomically.

    A file with these bytes is not changed: later stages may have recorded its modification time.
    """
    target = root / path
    with contextlib.suppress(OSError):
        if target.read_bytes() == data:
            return
    temporary = scratch(root) / f"{here()}-{os.getpid()}-{next(_counter)}"
    for attempt in range(_TRIES):
        try:
            temporary.write_bytes(data)
            temporary.replace(target)
            return
        except FileNotFoundError:
            if attempt == _TRIES - 1:
                raise
            for folder in (temporary.parent, target.parent):
                folder.mkdir(parents=True, exist_ok=True)


def clear(root: Path, *names: str) -> None:
    """Remove temporary folders."""
    for name in names:
        shutil.rmtree(root / TRUTH_FOLDER / name, ignore_errors=True)
