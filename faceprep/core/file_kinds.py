"""Tell what a file is by its first bytes, and how its images are made readable."""

import itertools
import os
import re
import struct
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from faceprep.core.errors import Shell
from faceprep.core.tree import LeaveOut, walk

HEAD_BYTES = 4096

#: Files of one ending that are examined. Where none of them is an image, the others are not opened.
EXAMINED = 200

_FOLDERS = 1000  # read for a message

# Tags of a TIFF (TIFF 6.0; DNG specification): a thumbnail before the image, as in camera files.
_SUBFILE_TYPE, _COMPRESSION, _SUB_IFDS, _DNG_VERSION = 254, 259, 330, 50706
_REDUCED, _CAMERA_COMPRESSIONS = 1, (32767, 34713, 34892, 65535)


@dataclass(frozen=True, slots=True)
class FileKind:
    """Describe a kind of files.

    Attributes
    ----------
    what
        Name with its article: ``a video``.
    advice
        What to do with the file, in words.
    commands
        Words of the commands that do it, with ``{file}``, ``{folder}`` and ``{parent}``.
    image
        Whether it is an image that `faceprep.core.images` decodes.
    """

    what: str
    advice: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    image: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}" if self.advice else self.what

    def hint(self, path: str) -> tuple[Shell, ...]:
        """Return the commands for a file."""
        parent = os.path.dirname(path) or "."  # noqa: PTH120 - a million times
        folder = re.sub(r"(\.tar)?\.[^./]+$", "", path)
        return tuple(
            Shell(tuple(word.format(file=path, folder=folder, parent=parent) for word in words))
            for words in self.commands
        )


UNKNOWN = FileKind("of an unknown format")
TEXT = FileKind("text")
EMPTY = FileKind("empty")


def kind_of(data: bytes, name: str = "") -> FileKind:
    """Return the kind of a file, given its bytes (the first ones are enough) and its name."""
    head = data[:HEAD_BYTES]
    if not head:
        return EMPTY
    for pattern, endings, kind in _kinds():
        if pattern.match(head) and (endings is None or endings.search(name)):
            return _camera_file() if kind.image and _is_camera_file(data) else kind
    return TEXT if _is_text(head) else UNKNOWN


def kind_of_file(path: str) -> FileKind:
    """Return the kind of a file; `UNKNOWN` if it cannot be read."""
    try:
        # O_NONBLOCK: opening a pipe without a writer returns instead of waiting.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return UNKNOWN
    try:
        return kind_of(os.read(descriptor, HEAD_BYTES), path)
    except OSError:
        return UNKNOWN
    finally:
        os.close(descriptor)


class KindsByEnding:
    """Tell the kinds of many files; few of those with a common ending are opened."""

    def __init__(self) -> None:
        self._examined: Counter[str] = Counter()
        self._kinds: dict[str, FileKind] = {}

    def __call__(self, path: str) -> FileKind:
        """Return the kind of a file."""
        ending = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a million times
        if self._examined[ending] >= EXAMINED and not self._kinds[ending].image:
            return self._kinds[ending]
        kind = kind_of_file(path)
        self._examined[ending] += 1
        if not (ending in self._kinds and self._kinds[ending].image):
            self._kinds[ending] = kind
        return kind


def foreign_files(root: Path, leave_out: LeaveOut | None = None) -> dict[FileKind, tuple[int, str]]:
    """Return kind → number and first path of the files that must be made readable first."""
    kinds, found = KindsByEnding(), dict[FileKind, tuple[int, str]]()
    for folder in itertools.islice(walk(root, leave_out), _FOLDERS):
        for name in folder.files:
            path = f"{root}/{folder.join(name)}"
            kind = kinds(path)
            if kind.advice:
                count, first = found.get(kind, (0, path))
                found[kind] = (count + 1, first)
    return found


@cache
def _kinds() -> list[tuple[re.Pattern[bytes], re.Pattern[str] | None, FileKind]]:
    text = (files("faceprep.core") / "file_kinds.toml").read_text(encoding="utf-8")
    return [_compiled(**entry) for entry in tomllib.loads(text)["kind"]]


def _compiled(pattern: str, endings: str | None = None, **fields: Any) -> Any:
    commands = tuple(map(tuple, fields.pop("commands", ())))
    return (
        re.compile(pattern.encode("latin-1"), re.DOTALL),
        None if endings is None else re.compile(endings, re.IGNORECASE),
        FileKind(commands=commands, **fields),
    )


def _camera_file() -> FileKind:
    return _kinds()[0][2]


def _is_camera_file(data: bytes) -> bool:
    """Return whether a TIFF is a RAW camera file, whose first image is a thumbnail."""
    tags = _tiff_tags(data)
    return (
        _DNG_VERSION in tags
        or tags.get(_COMPRESSION) in _CAMERA_COMPRESSIONS
        or (_SUB_IFDS in tags and tags.get(_SUBFILE_TYPE) == _REDUCED)
    )


def _tiff_tags(data: bytes) -> Mapping[int, int]:
    """Return tag → value (or offset) of the first directory of a TIFF, if it is in the data."""
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return {}
    order = "<" if data[:2] == b"II" else ">"
    tags = {}
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", data, place)
            tags[tag] = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, place + 8)[
                0
            ]
    except struct.error:
        pass
    return tags


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return not re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]", head)
