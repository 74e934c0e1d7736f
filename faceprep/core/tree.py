"""Walk directory trees of users: foreign files, odd names, links and unreadable folders."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Endings of images. Files with these endings are not opened; other files are recognised by their
#: content (`faceprep.core.file_kinds`).
IMAGE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".bmp", ".dib"),
        *(".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".gif", ".avif", ".avifs"),
        *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    )
)
_IMAGE_ENDINGS = frozenset(suffix[1:] for suffix in IMAGE_SUFFIXES)
MAX_DEPTH = 32
#: Reason for which a walk leaves out a folder.
OWN_FOLDER = "folder that faceprep wrote: its crops are no photographs"
#: Reasons for which a walk leaves out entries that the user can mend.
NOT_UTF8 = ("file whose name is not UTF-8", "folder whose name is not UTF-8")
ANNEX = "git-annex link whose file is not here: fetch it with git annex get"

#: Called with the reason and the path (below the root) of each entry that a walk leaves out.
LeaveOut = Callable[[str, str], None]

_MARKER = re.compile(r"(part-\d{5,})\.json")
#: Files that together only ``train`` and ``classify`` write.
_RESULTS = (
    {"history.parquet", "training.safetensors"},
    {"accuracy.parquet", "predictions.parquet"},
)
#: Crops lie in ``images/00000`` of their stage.
_LEVELS_OF_CROPS = 2
_UNFINISHED = re.compile(r"part-\d{5,}\..*\.tmp")
_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", "icon\r"))
_SYSTEM_FOLDERS = frozenset(("__macosx", "@eadir", "$recycle.bin", "lost+found"))


@dataclass(slots=True)
class Folder:
    """Hold the entries of one folder of a walk."""

    path: str  # path below the root, with slashes; empty for the root
    #: Sorted names of the subfolders. The walk enters the names that remain in the list after the
    #: caller has seen it.
    folders: list[str]
    files: list[str]  # sorted names of the files

    def join(self, name: str) -> str:
        """Return the path of an entry, relative to the root."""
        return f"{self.path}/{name}" if self.path else name


def walk(
    root: Path,
    leave_out: LeaveOut | None = None,
    max_depth: int = MAX_DEPTH,
    wants: Callable[[str], bool] | None = None,
    start: str = "",
) -> Iterator[Folder]:
    """Yield the folders of a tree in sorted order, each one once even if several links lead to it.

    Folders that faceprep wrote, files of operating systems, names that are not UTF-8, broken links,
    and folders that cannot be read or were visited before are left out. Other links are followed,
    because users combine datasets with them.

    Parameters
    ----------
    leave_out
        Called for each entry that is left out.
    max_depth
        Number of folder levels below `start` that are entered.
    wants
        Predicate on file names. Other files are neither examined nor reported.
    start
        Folder below the root at which the walk begins; the paths remain relative to the root.
    """
    skip = leave_out or (lambda reason, path: None)
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[str, int]] = [(start, 0)]
    while stack:
        path, depth = stack.pop()
        full = os.path.join(root, path)  # noqa: PTH118 - a million times, Path is slow
        try:
            status = os.stat(full)  # noqa: PTH116
            if (status.st_dev, status.st_ino) in seen:
                skip("folder reached a second time through a link", path)
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(full) as found:
                entries = list(found)
        except OSError as error:
            skip("folder that cannot be read", f"{path or root} ({error.strerror})")
            continue
        if _is_own({entry.name for entry in entries}):
            skip(OWN_FOLDER, path or ".")
            continue
        folder = _read(path, entries, skip, wants)
        yield folder
        if depth < max_depth:
            stack.extend((folder.join(name), depth + 1) for name in reversed(folder.folders))


def own_folder(root: Path) -> Path | None:
    """Return the folder of a stage of faceprep in which a root lies."""
    for folder in (root.absolute(), *root.absolute().parents[:_LEVELS_OF_CROPS]):
        try:
            if _is_own(set(os.listdir(folder))):  # noqa: PTH208 - names are enough
                return folder
        except OSError:
            continue
    return None


def is_image(name: str) -> bool:
    """Return whether a file name ends in an image suffix, in upper or lower case."""
    stem, _, suffix = name.rpartition(".")
    return stem != "" and suffix.lower() in _IMAGE_ENDINGS


def is_system_file(name: str) -> bool:
    """Return whether a file is hidden or was written by an operating system."""
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def is_utf8(name: str) -> bool:
    """Return whether a name can be encoded as UTF-8, as manifests require."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_own(names: set[str]) -> bool:
    """Tell by its files whether faceprep wrote a folder."""
    marked = (_MARKER.fullmatch(name) for name in names if name.startswith("part-"))
    parts = any(match and f"{match[1]}.parquet" in names for match in marked)
    return parts or any(files <= names for files in _RESULTS)


def _read(
    path: str,
    entries: Iterable[os.DirEntry[str]],
    skip: LeaveOut,
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
        skip(fault, folder.join(name))
    return folder


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _folder_fault(name: str) -> str | None:
    if _UNFINISHED.fullmatch(name):
        return OWN_FOLDER
    if name.startswith(".") or name.lower() in _SYSTEM_FOLDERS:
        return "system or hidden folder"
    return None if is_utf8(name) else NOT_UTF8[1]


def _file_fault(entry: os.DirEntry[str]) -> str | None:
    if is_system_file(entry.name):
        return "system or hidden file"
    if not is_utf8(entry.name):
        return NOT_UTF8[0]
    if entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110
        target = os.readlink(entry.path)  # noqa: PTH115
        return ANNEX if "annex/objects/" in target else "link to nothing"
    if not entry.is_file():
        return "neither a file nor a folder"
    return None
