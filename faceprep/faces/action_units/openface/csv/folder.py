"""CSV files that users have: a folder of them or one table, found by the picture's path.

A name stands for rows: of a CSV file below the folder, or of the lines of one table that have this
name in a column. Nothing is read before it is asked for; a folder is listed once a process.
"""

import os
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from faceprep.core.files import digest
from faceprep.core.tree import IMAGE_SUFFIXES, is_image, walk
from faceprep.faces.action_units.openface.csv.file import CsvError, CsvFile, CsvRow
from faceprep.faces.action_units.openface.csv.path_match import Parts, PathMatcher

#: Columns that name the picture of a line, the first that is there; OpenFace itself writes none.
NAME_COLUMNS = (
    "face_id",
    "image",
    "filename",
    "file_name",
    "file",
    "path",
    "image_path",
    "file_path",
    "img",
    "name",
    "input",
)

#: What OpenFace writes beside each CSV file, and alone for a picture without a face.
DETAILS = "_of_details.txt"

_ENDINGS = (*IMAGE_SUFFIXES, ".gif", ".csv", ".avi", ".mp4", ".mov", ".wmv", ".mkv", ".webm")


class CsvFolder:
    """The rows below a folder, or in one file, by name.

    Attributes
    ----------
    path
        The folder or the file.
    names
        Of everything that has rows.
    matcher
        Finds the name of a picture or folder.
    faceless
        Last parts of the names of which OpenFace only left its details: it saw no face there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faceless: set[str] = set()
        self.files: dict[Parts, Path] = {}
        if path.is_dir():
            self._list()
        else:
            self.files[parts_of(path.name)] = path
        self._lines = self._table()
        self.names = list(self._lines or self.files)
        self.matcher = PathMatcher(self.names)

    @property
    def is_table(self) -> bool:
        """Whether there is one file, whose lines name their pictures."""
        return self._lines is not None

    def label(self, name: Parts) -> str:
        """What messages call a name's rows."""
        if self._lines is not None:
            return f"{self._only_file().name} ({'/'.join(name)})"
        return self.files[name].name

    def is_sequence(self, name: Parts) -> bool:
        """Whether its rows are frames of a sequence rather than faces of one picture.

        Raises
        ------
        CsvError
            When the file cannot be read.
        """
        file = self._file(name)
        if not file.is_sequence:
            return False
        frames = {row.frame for row in self.rows(name)}
        return len(frames - {None}) > 1

    def rows(self, name: Parts) -> list[CsvRow]:
        """Rows of a name, in the file's order.

        Raises
        ------
        CsvError
            When the file cannot be read.
        """
        file = self._file(name)
        return file.rows(None if self._lines is None else self._lines[name])

    def fingerprint(self) -> str:
        """Digest over names, sizes and times of change of all files."""
        found = []
        for name, path in self.files.items():
            state = path.stat()
            found.append(("/".join(name), state.st_size, state.st_mtime_ns))
        return digest([sorted(found), sorted(self.faceless)])

    def _list(self) -> None:
        def wants(name: str) -> bool:
            return name.lower().endswith((".csv", DETAILS))

        seen = set()
        for folder in walk(self.path, wants=wants):
            for name in folder.files:
                if name.lower().endswith(DETAILS):
                    seen.add(name[: -len(DETAILS)])
                else:
                    self.files[parts_of(folder.join(name))] = self.path / folder.join(name)
        self.faceless = seen - {name[-1] for name in self.files}

    def _only_file(self) -> Path:
        return next(iter(self.files.values()))

    def _file(self, name: Parts) -> CsvFile:
        return _open(self._only_file() if self._lines is not None else self.files[name])

    def _table(self) -> dict[Parts, list[int]] | None:
        """Lines by the picture that they name, where there is only one file and it names any."""
        if len(self.files) != 1:
            return None
        try:
            file = _open(self._only_file())
            columns = {name.lower(): name for name in reversed(file.columns)}
            for column in filter(columns.__contains__, NAME_COLUMNS):
                named = file.column(columns[column])
                if column == "face_id" and all(text.isdecimal() for text in named):
                    continue  # OpenFace's own: the number of a person in a video
                lines: dict[Parts, list[int]] = {}
                for k, text in enumerate(named):
                    if text:
                        lines.setdefault(parts_of(text), []).append(k)
                return lines
        except CsvError:
            pass  # whoever asks for its rows is told
        return None


class PictureTree:
    """All pictures below a dataset's root, and their folders, by the last part of their paths.

    Attributes
    ----------
    folder_names
        Every name of a folder above a picture.
    """

    def __init__(self, root: Path) -> None:
        self.folder_names: set[str] = set()
        self._pictures: dict[str, list[Parts]] = {}
        self._folders: dict[str, list[Parts]] = {}
        for folder in walk(root, wants=is_image):
            if folder.files and folder.path:
                parts = tuple(folder.path.split("/"))
                self._folders.setdefault(parts[-1], []).append(parts)
                self.folder_names.update(parts)
            for name in folder.files:
                parts = parts_of(folder.join(name))
                self._pictures.setdefault(parts[-1], []).append(parts)

    def pictures(self, stem: str) -> Sequence[Parts]:
        """Pictures called so, whatever their ending."""
        return self._pictures.get(stem, ())

    def folders(self, name: str) -> Sequence[Parts]:
        """Folders called so that hold pictures."""
        return self._folders.get(name, ())


@cache
def csv_folder(path: Path) -> CsvFolder:
    """Return a folder of CSV files, listed once a process."""
    return CsvFolder(path)


@cache
def picture_tree(root: Path) -> PictureTree:
    """Return a dataset's pictures, listed once a process."""
    return PictureTree(root)


def parts_of(path: str) -> Parts:
    """Parts of a path of any system, without the ending of a picture, a video or a CSV file."""
    parts = [part for part in re.split(r"[/\\]+", path) if part not in ("", ".")]
    if not parts:
        return ("",)
    stem, ending = os.path.splitext(parts[-1])  # noqa: PTH122 - a name, no path
    return (*parts[:-1], stem if ending.lower() in _ENDINGS else parts[-1])


@lru_cache(maxsize=16)
def _open(path: Path) -> CsvFile:
    return CsvFile(path)
