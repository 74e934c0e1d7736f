"""Files of a demo dataset: they appear whole or not at all, and nothing else is left behind."""

import contextlib
import itertools
import os
import shutil
from pathlib import Path

from faceprep.core.processes import here

TRUTH_FOLDER = "faceprep_demo"
"""Beside the imitated layout: the truth, the settings, and work in progress. Readers ignore it."""

_counter = itertools.count()
_TRIES = 5  # another process that has finished the dataset may clear our folder away


def scratch(root: Path) -> Path:
    """Folder on the same disk in which files are written before they are moved into place."""
    return root / TRUTH_FOLDER / "tmp"


def write_file(root: Path, path: str, data: bytes) -> None:
    """Write ``data`` to ``root/path``, replacing what is there in one step.

    A file that holds these bytes keeps its time, of which a later stage may have taken note.
    """
    target = root / path
    with contextlib.suppress(OSError):
        if target.read_bytes() == data:
            return
    aside = scratch(root) / f"{here()}-{os.getpid()}-{next(_counter)}"
    for attempt in range(_TRIES):
        try:
            aside.write_bytes(data)
            aside.replace(target)
            return
        except FileNotFoundError:
            if attempt == _TRIES - 1:
                raise
            for folder in (aside.parent, target.parent):
                folder.mkdir(parents=True, exist_ok=True)


def clear(root: Path, *names: str) -> None:
    """Remove folders of work in progress."""
    for name in names:
        shutil.rmtree(root / TRUTH_FOLDER / name, ignore_errors=True)
