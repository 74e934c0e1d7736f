"""Files of a demo dataset: they appear whole or not at all, and nothing else is left behind."""

import itertools
import os
import shutil
from pathlib import Path

TRUTH_FOLDER = "faceprep_demo"
"""Beside the imitated layout: the truth, the settings, and work in progress. Readers ignore it."""

_counter = itertools.count()


def scratch(root: Path) -> Path:
    """Folder on the same disk in which files are written before they are moved into place."""
    return root / TRUTH_FOLDER / "tmp"


def write_file(root: Path, path: str, data: bytes) -> None:
    """Write ``data`` to ``root/path``, replacing what is there in one step."""
    target = root / path
    aside = scratch(root) / f"{os.getpid()}-{next(_counter)}"
    for attempt in (0, 1):
        try:
            aside.write_bytes(data)
            break
        except FileNotFoundError:
            if attempt:
                raise
            aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        aside.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(target)


def clear(root: Path, *names: str) -> None:
    """Remove folders of work in progress."""
    for name in names:
        shutil.rmtree(root / TRUTH_FOLDER / name, ignore_errors=True)
