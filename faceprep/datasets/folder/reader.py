"""Read any folder of photographs: labelled by its folders, by a table, or not at all."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceprep.config import SelectConfig
from faceprep.core.tree import Folder, is_image, walk
from faceprep.datasets.base import FrameRow, Reader
from faceprep.datasets.folder.labels import (
    folder_expression,
    folder_words,
    note_folders,
    place_of,
)
from faceprep.datasets.folder.parts import PARTS
from faceprep.datasets.folder.table import LABEL_TABLES, find_table, table_frames
from faceprep.datasets.ids import unique_ids
from faceprep.datasets.report import People, Report
from faceprep.datasets.splits import folds_by_draw, note_random_split, random_split

_OTHER_DATASETS = (
    ("oulu-casia", re.compile(r"/(vl|ni)[^/]*/(strong|weak|dark)/", re.IGNORECASE)),
    ("ck-plus", re.compile(r"/s\d{3}_\d{3}_\d{8}\.", re.IGNORECASE)),
    ("celeba", re.compile(r"/img_(align_)?celeba", re.IGNORECASE)),
)


@dataclass(frozen=True)
class FolderContents:
    """Hold a folder with images and the table that labels them, if there is one."""

    root: Path
    table: Path | None


class FolderReader(Reader):
    """Read a folder of photographs."""

    name = "folder"
    layout = """\
  ROOT/
    happiness/*.jpg  anger/*.png  …     expressions as folders, at any depth
  or
    *.jpg                               without expressions
  or
    labels.csv (or .parquet)            image, expression[, subject, sequence, frame, split, fold]
    images/*.jpg                        (--set select.table=FILE names another table)
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> FolderContents | None:
        """Find a table or at least one image below the root."""
        table = find_table(root, select, report)
        if table is None and not any(map(_has_image, walk(root))):
            return None
        return FolderContents(root, table)

    def frames(
        self, contents: FolderContents, select: SelectConfig, report: Report
    ) -> Iterator[FrameRow]:
        """Yield every image: by subject, sequence and frame with a table, by path without one."""
        if contents.table is not None:
            yield from table_frames(contents.root, contents.table, select, report)
            return
        paths, expressions = _images(contents.root, select, report)
        _note_other_dataset(contents.root, paths, report)
        ids = unique_ids(self.name, paths)
        report.people = People(None, len(paths))
        subjects = [identifier.removeprefix("folder/") for identifier in ids]
        splits = _splits(paths, subjects, select, report)
        folds = folds_by_draw(subjects, select.folds, select.seed)
        for k, path in enumerate(paths):
            yield FrameRow(
                face_id=ids[k],
                dataset=self.name,
                subject=subjects[k],
                sequence=None,
                frame=None,
                path=path,
                expression=expressions[k],
                role="still",
                split=splits[k],
                fold=folds[subjects[k]],
            )

    def nearest(self, root: Path) -> str | None:
        """Count the file endings found."""
        endings: Counter[str] = Counter()
        for folder in itertools.islice(walk(root), 1000):
            endings.update(Path(name).suffix.lower() or "no ending" for name in folder.files)
        if not endings:
            return "no file at all"
        named = ", ".join(f"{count} × {ending}" for ending, count in endings.most_common(4))
        return f"no image, but {named}"


def _has_image(folder: Folder) -> bool:
    return any(map(is_image, folder.files))


def _images(root: Path, select: SelectConfig, report: Report) -> tuple[list[str], list[str | None]]:
    """Return the sorted paths of the images and the expressions that their folders name."""
    found: dict[str, list[str]] = {}
    for folder in walk(root, report.leave_out):
        folder.folders = [name for name in folder.folders if not _is_workspace(root, folder, name)]
        images = list(filter(is_image, folder.files))
        for name in itertools.filterfalse(is_image, folder.files):
            report.leave_out("file whose ending is not an image's", folder.join(name))
            if name.lower() in LABEL_TABLES and folder.path:
                text = "table below the root, not used: point --root at its folder to use it"
                report.note(text, folder.join(name))
        usable = [name for name in images if not _looks_like_drive(folder.join(name))]
        for name in set(images) - set(usable):
            report.leave_out("file whose path begins like a drive (x:)", folder.join(name))
        if usable:
            found[folder.path] = [folder.join(name) for name in usable]
    counts = {path: len(names) for path, names in found.items()}
    words = folder_words(counts, select, place_of(root))
    note_folders(words, counts, select, report)
    by_folder = {path: folder_expression(path, words) for path in found}
    labelled = sorted((name, by_folder[path]) for path, names in found.items() for name in names)
    return [name for name, _ in labelled], [expression for _, expression in labelled]


def _is_workspace(root: Path, folder: Folder, name: str) -> bool:
    """Return whether a folder is a workspace, whose crops are not photographs."""
    select = root / folder.join(name) / "select"
    return (select / "stage.json").is_file() or (select / "part-00000.json").is_file()


def _looks_like_drive(path: str) -> bool:
    return path[1:2] == ":"


def _splits(
    paths: Sequence[str], subjects: Sequence[str], select: SelectConfig, report: Report
) -> list[str]:
    """Return the part of each image: by its folder if folders name parts, else at random."""
    given = [None] * len(paths) if select.split != "official" else list(map(_split_folder, paths))
    if any(given):
        report.note("the split is that of the folders; whether people are shared is not known")
        for path, part in zip(paths, given, strict=True):
            if part is None:
                report.note("outside the folders of the split: drawn at random", path)
    else:
        note_random_split(report, select, "there is no split of its own")
    return [
        part or random_split(subject, select) for part, subject in zip(given, subjects, strict=True)
    ]


def _split_folder(path: str) -> str | None:
    return next(
        (PARTS[part] for part in path.lower().split("/")[:-1] if part in PARTS),
        None,
    )


def _note_other_dataset(root: Path, paths: Sequence[str], report: Report) -> None:
    first = f"/{root.resolve().name}/{paths[0]}" if paths else ""
    for name, pattern in _OTHER_DATASETS:
        if pattern.search(first):
            report.note(f"this looks like {name}: --dataset {name} would read its labels", paths[0])


READER = FolderReader()
