"""Find the reader of a dataset by name, without importing the others."""

import importlib
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, Command, Hint, Shell, UsageError
from faceprep.core.file_kinds import foreign_files
from faceprep.core.files import nearest_path
from faceprep.core.tree import NOT_UTF8, own_folder
from faceprep.datasets.base import Reader
from faceprep.datasets.report import Report
from faceprep.workspace import Workspace

#: Dataset whose root may be a file.
TABLE = "table"

#: Name in the configuration → module that defines its ``READER``. One line per dataset.
READERS = {
    "oulu-casia": "faceprep.datasets.oulu_casia",
    "ck-plus": "faceprep.datasets.ck_plus.reader",
    "celeba": "faceprep.datasets.celeba.reader",
    "folder": "faceprep.datasets.folder.reader",
    TABLE: "faceprep.datasets.embedded.reader",
}


def load_reader(name: str) -> Reader:
    """Return the reader of a dataset.

    Raises
    ------
    UsageError
        If no reader has that name.
    """
    if name not in READERS:
        raise UsageError(f"unknown dataset {name!r}", f"one of: {', '.join(READERS)}")
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
    if not (name == TABLE and root.is_file()):
        _check_root(root)
    contents = reader.find(root, select, report)
    if contents is not None:
        return reader, contents
    lines = [f"{root} is not {name}; expected:", reader.layout.rstrip()]
    nearest = reader.nearest(root)
    other = looks_like(root, except_for=name)
    if nearest:
        lines.append(f"found instead: {nearest}")
    foreign = foreign_files(root, report.leave_out)
    lines += [f"{count} × {kind}" for kind, (count, _) in foreign.items()]
    unreadable = report.left_out.get("folder that cannot be read")
    if unreadable:
        lines.append(f"cannot be read: {', '.join(unreadable.examples)}")
    if other:
        hint = Again({"select.dataset": other}, note=f"it looks like {other}")
        raise UsageError("\n".join(lines), hint)
    hints: list[Command | str] = [*report.mend_names(root)]
    lines += [
        f"{report.left_out[reason].count} × {reason}"
        for reason in NOT_UTF8
        if reason in report.left_out
    ]
    hints += [command for kind, (_, first) in foreign.items() for command in kind.hint(first)]
    name_it = "name the dataset's folder with --root (select.root)"
    raise UsageError("\n".join(lines), (*hints, name_it))


def looks_like(root: Path, except_for: str) -> str | None:
    """Return the name of another dataset that is found at a root, or ``None``."""
    for name in READERS:
        if name in (except_for, "folder"):
            continue
        try:
            found = load_reader(name).find(root, SelectConfig(), Report())
        except UsageError:  # of the dataset, but not as it should be
            return name
        if found is not None:
            return name
    return None


def _check_root(root: Path) -> None:
    if not root.exists():
        near = nearest_path(root)
        parent = next((p for p in root.absolute().parents if p.exists()), Path("/"))
        hint = Again({"select.root": near}) if near else Shell(("ls", str(parent)))
        raise UsageError(f"no folder {root} (select.root)", hint)
    if not root.is_dir():
        raise UsageError(f"{root} (select.root) is a file, not a folder", _folder_of(root))
    own = own_folder(root)
    if own is not None:
        photographs = Workspace(own.parent).info("select").get("root")
        raise UsageError(
            f"{root} (select.root) is in {own}, which faceprep wrote: its crops are no photographs",
            Again({"select.root": photographs}) if photographs else Shell(("ls", str(own.parent))),
        )
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise UsageError(
            f"{root} cannot be listed: {error.strerror}", Shell(("ls", "-ld", str(root)))
        ) from None


def _folder_of(file: Path) -> Hint:
    """Return the commands that use the content of an archive, or the folder of another file."""
    folder = file.with_name(file.name.partition(".")[0])
    if zipfile.is_zipfile(file):
        unpack = Shell(("unzip", "-q", str(file), "-d", str(folder)))
    elif tarfile.is_tarfile(file):
        unpack = Shell(("tar", "-xf", str(file), "--one-top-level=" + str(folder)))
    elif load_reader(TABLE).find(file, SelectConfig(), Report()) is not None:
        return Again({"select.dataset": TABLE}, note="it holds images")
    else:
        return Again({"select.root": file.parent})
    return unpack, Again({"select.root": folder}, note="when it is unpacked")
