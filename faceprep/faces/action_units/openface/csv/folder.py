"""Look up rows by the path of an image, in a folder of CSV files or in one table.

A name identifies the rows of a CSV file below the folder, or the lines of one table with this name
in a column. Files are read when needed; a folder is listed once per process.
"""

import os
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from faceprep.core.files import digest
from faceprep.core.tree import IMAGE_SUFFIXES, is_image, walk
from faceprep.faces.action_units.openface.csv.file import CsvError, CsvFile
from faceprep.faces.action_units.openface.csv.path_match import Parts, PathMatcher
from faceprep.faces.action_units.openface.csv.row import CsvRow

#: Columns that name the image of a line; the first existing one counts. OpenFace writes none.
NAME_COLUMNS = (
    "face_id", "image", "filename", "file_name", "file", "path", "image_path", "file_path", "img",
    "name", "input",
)  # fmt: skip

#: Suffix of the file that OpenFace writes with each CSV file, and alone for an image without a
#: face.
DETAILS = "_of_details.txt"

#: Files that are read to explain a missing row.
_FEW_FILES = 50

_ENDINGS = (*IMAGE_SUFFIXES, ".csv", ".avi", ".mp4", ".mov", ".wmv", ".mkv", ".webm")


class CsvFolder:
    """Provide the rows below a folder, or in one file, by name.

    Attributes
    ----------
    names
        Names that have rows.
    matcher
        Matcher of names with images or folders.
    faceless
        Last parts of names with only a details file: OpenFace found no face.
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
        """Whether there is one file whose lines name their images."""
        return self._lines is not None

    def label(self, name: Parts) -> str:
        """Return the label of the rows of a name, for messages."""
        if self._lines is not None:
            return f"{self._only_file().name} ({'/'.join(name)})"
        return self.files[name].name

    def is_sequence(self, name: Parts) -> bool:
        """Return whether the rows are frames of a sequence rather than faces of one image.

        Raises `CsvError` if the file cannot be read, as `rows` does.
        """
        file = self._file(name)
        if not file.is_sequence:
            return False
        frames = {row.frame for row in self.rows(name)}
        return len(frames - {None}) > 1

    def rows(self, name: Parts) -> list[CsvRow]:
        """Return the rows of a name, in the order of the file."""
        file = self._file(name)
        return file.rows(None if self._lines is None else self._lines[name])

    @cache  # noqa: B019 - a folder lives as long as the process
    def nameless(self) -> tuple[str, int] | None:
        """Return label and rows of the first file if the files hold frames and name no images."""
        names = self.names[:_FEW_FILES]
        try:
            if self._lines is None and names and all(map(self.is_sequence, names)):
                return self.label(names[0]), len(self.rows(names[0]))
        except CsvError:
            pass
        return None

    def fingerprint(self) -> str:
        """Return the digest of names, sizes and modification times of all files."""
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
        """Return lines by image name if there is only one file and it names images."""
        if len(self.files) != 1:
            return None
        try:
            file = _open(self._only_file())
            columns = {name.lower(): name for name in reversed(file.columns)}
            for column in filter(columns.__contains__, NAME_COLUMNS):
                named = file.column(columns[column])
                if column == "face_id" and all(text.isdecimal() for text in named):
                    continue  # column of OpenFace: number of a person in a video
                lines: dict[Parts, list[int]] = {}
                for k, text in enumerate(named):
                    if text:
                        lines.setdefault(parts_of(text), []).append(k)
                return lines
        except CsvError:
            pass  # raised again when rows are read
        return None


class PictureTree:
    """List the images below the root of a dataset, and their folders, by last path part."""

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
        """Return the images with this name and any suffix."""
        return self._pictures.get(stem, ())

    def folders(self, name: str) -> Sequence[Parts]:
        """Return the folders with this name that contain images."""
        return self._folders.get(name, ())


@cache
def csv_folder(path: Path) -> CsvFolder:
    """Return a folder of CSV files, listed once per process."""
    return CsvFolder(path)


@cache
def picture_tree(root: Path) -> PictureTree:
    """Return the images of a dataset, listed once per process."""
    return PictureTree(root)


def parts_of(path: str) -> Parts:
    """Split a path of any system; remove the suffix of an image, a video or a CSV file."""
    parts = [part for part in re.split(r"[/\\]+", path) if part not in ("", ".")]
    if not parts:
        return ("",)
    stem, ending = os.path.splitext(parts[-1])  # noqa: PTH122 - a name, not a path
    return (*parts[:-1], stem if ending.lower() in _ENDINGS else parts[-1])


@lru_cache(maxsize=16)
def _open(path: Path) -> CsvFile:
    return CsvFile(path)
