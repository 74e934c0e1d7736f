"""Find the reader of a dataset by name, without importing the others."""

import importlib
import os
import shlex
from pathlib import Path
from typing import Any

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.base import Reader
from faceprep.datasets.report import Report

#: Name in the configuration → module that defines its ``READER``. One line per dataset.
READERS = {
    "oulu-casia": "faceprep.datasets.oulu_casia",
    "ck-plus": "faceprep.datasets.ck_plus.reader",
    "celeba": "faceprep.datasets.celeba.reader",
    "folder": "faceprep.datasets.folder.reader",
}


def load_reader(name: str) -> Reader:
    """Return the reader of a dataset.

    Raises
    ------
    UsageError
        If no reader has that name.
    """
    if name not in READERS:
        raise UsageError(f"unknown dataset {name!r}", f"--dataset {'|'.join(READERS)}")
    reader: Reader = importlib.import_module(READERS[name]).READER
    return reader


def open_dataset(name: str, root: Path, select: SelectConfig, report: Report) -> tuple[Reader, Any]:
    """Find a dataset.

    Returns
    -------
    The reader and the result of its ``find``.

    Raises
    ------
    UsageError
        If the root is missing, cannot be listed, or does not hold the dataset. The error shows the
        expected layout and what was found instead.
    """
    reader = load_reader(name)
    _check_root(root)
    contents = reader.find(root, select, report)
    if contents is not None:
        return reader, contents
    lines = [f"{root} is not {name}; expected:", reader.layout.rstrip()]
    nearest = reader.nearest(root)
    other = looks_like(root, except_for=name)
    if nearest:
        lines.append(f"found instead: {nearest}")
    unreadable = report.left_out.get("folder that cannot be read")
    if unreadable:
        lines.append(f"cannot be read: {', '.join(unreadable.examples)}")
    if other:
        raise UsageError("\n".join(lines), f"it looks like {other}: try --dataset {other}")
    raise UsageError("\n".join(lines), "--root DIR (select.root) names the dataset's folder")


def looks_like(root: Path, except_for: str) -> str | None:
    """Return the name of another dataset that is found at a root, or ``None``."""
    for name in READERS:
        if name in (except_for, "folder"):
            continue
        if load_reader(name).find(root, SelectConfig(), Report()) is not None:
            return name
    return None


def _check_root(root: Path) -> None:
    if not root.exists():
        parent = next((p for p in root.absolute().parents if p.exists()), Path("/"))
        raise UsageError(f"no folder {root} (select.root)", f"ls {shlex.quote(str(parent))}")
    if not root.is_dir():
        raise UsageError(
            f"{root} (select.root) is a file, not a folder",
            f"--root {shlex.quote(str(root.parent))}",
        )
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise UsageError(
            f"{root} cannot be listed: {error.strerror}", f"ls -ld {shlex.quote(str(root))}"
        ) from None
