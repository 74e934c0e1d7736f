"""Write the files of a demo dataset atomically, and read its true values.

Temporary files are in a folder of their own, because readers would count those beside the images.
"""

import contextlib
import itertools
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.core.files import here

if TYPE_CHECKING:
    import pyarrow as pa


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
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def clear(root: Path, *names: str) -> None:
    """Remove temporary folders."""
    for name in names:
        shutil.rmtree(root / TRUTH_FOLDER / name, ignore_errors=True)


TRUTH = "truth.parquet"

_LEVELS_ABOVE = 2


def find_truth(root: Path) -> Path | None:
    """Return the demo dataset that ``root`` is or, as an image folder, belongs to, or ``None``."""
    folder = root.resolve()
    for candidate in (folder, *list(folder.parents)[:_LEVELS_ABOVE]):
        if (candidate / TRUTH_FOLDER / TRUTH).is_file():
            return candidate
    return None


def read_truth(dataset: Path) -> "pa.Table":
    """Read one row per image: ``path`` below ``dataset``, ``AU01_r`` …, ``landmarks68`` and more.

    Intensities are those of the stronger half of the face, 0-5.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(dataset / TRUTH_FOLDER / TRUTH) as file:
        return file.read()
