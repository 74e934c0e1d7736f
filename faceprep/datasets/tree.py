"""Walking the trees that users have: foreign files, odd names, links, folders nobody may read."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faceprep.datasets.base import Report

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
)
MAX_DEPTH = 32

_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", "icon\r"))
_SYSTEM_FOLDERS = frozenset(("__macosx", "@eadir", "$recycle.bin", "lost+found"))


@dataclass(slots=True)
class Folder:
    """One folder of a walk.

    Attributes
    ----------
    path
        Below the root, with slashes; empty for the root.
    folders
        Names of its folders, sorted; the walk enters those that are still here afterwards.
    files
        Names of its files, sorted.
    """

    path: str
    folders: list[str]
    files: list[str]

    def join(self, name: str) -> str:
        """Path of an entry below the root."""
        return f"{self.path}/{name}" if self.path else name


def walk(
    root: Path,
    report: Report,
    max_depth: int = MAX_DEPTH,
    wants: Callable[[str], bool] | None = None,
    start: str = "",
) -> Iterator[Folder]:
    """Go through a tree in sorted order, each folder once, however links lead to it.

    Left out, and reported: what an operating system leaves behind, names that are not UTF-8, links
    to nothing, folders that cannot be read or were reached before. Other links are followed: users
    keep datasets together with them.

    Parameters
    ----------
    root
        The dataset's folder.
    report
        Told what is left out.
    max_depth
        Folders deeper than this below the start are not entered.
    wants
        Whether a file's name is of interest; others are not looked at any closer, nor reported.
    start
        Folder below the root to begin at; paths stay those below the root.
    """
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[str, int]] = [(start, 0)]
    while stack:
        path, depth = stack.pop()
        full = os.path.join(root, path)  # noqa: PTH118 - a million times, Path is slow
        try:
            status = os.stat(full)  # noqa: PTH116
            if (status.st_dev, status.st_ino) in seen:
                report.leave_out("folder reached a second time through a link", path)
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(full) as entries:
                folder = _read(path, entries, report, wants)
        except OSError as error:
            report.leave_out("folder that cannot be read", f"{path or root} ({error.strerror})")
            continue
        yield folder
        if depth < max_depth:
            stack.extend((folder.join(name), depth + 1) for name in reversed(folder.folders))


def is_image(name: str) -> bool:
    """Whether a file's ending, in any case, is that of an image."""
    stem, dot, suffix = name.rpartition(".")
    return dot + suffix.lower() in IMAGE_SUFFIXES and stem != ""


def is_system_file(name: str) -> bool:
    """Whether an operating system or an editor put a file there; hidden files count as such."""
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def is_utf8(name: str) -> bool:
    """Whether a name can be written into a manifest."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(
    path: str,
    entries: Iterable[os.DirEntry[str]],
    report: Report,
    wants: Callable[[str], bool] | None,
) -> Folder:
    folder, faults = Folder(path, [], []), []
    for entry in entries:
        is_folder = _is_folder(entry)
        if not is_folder and wants is not None and not wants(entry.name):
            continue
        fault = _folder_fault(entry.name) if is_folder else _file_fault(entry)
        if fault:
            faults.append((entry.name, fault))
        else:
            (folder.folders if is_folder else folder.files).append(entry.name)
    folder.folders.sort()
    folder.files.sort()
    for name, fault in sorted(faults):
        report.leave_out(fault, folder.join(name))
    return folder


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _folder_fault(name: str) -> str | None:
    if name.startswith(".") or name.lower() in _SYSTEM_FOLDERS:
        return "system or hidden folder"
    return None if is_utf8(name) else "folder whose name is not UTF-8"


def _file_fault(entry: os.DirEntry[str]) -> str | None:
    if is_system_file(entry.name):
        return "system or hidden file"
    if not is_utf8(entry.name):
        return "file whose name is not UTF-8"
    if entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110
        return "link to nothing"
    if not entry.is_file():
        return "neither a file nor a folder"
    return None
