"""Read any folder of photographs: labelled by its folders, by a table, or not at all."""

import dataclasses
import itertools
import operator
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceprep.config import STAGES, SelectConfig
from faceprep.core.errors import Again
from faceprep.core.file_kinds import KindsByEnding
from faceprep.core.tree import OWN_FOLDER, Folder, walk
from faceprep.datasets.base import FrameRow, Reader
from faceprep.datasets.folder.images import has_image, images_among, note_disguised
from faceprep.datasets.folder.labels import folder_words, note_folders, place_of
from faceprep.datasets.folder.names import Names, read_names
from faceprep.datasets.folder.parts import folder_part
from faceprep.datasets.folder.table import find_table, note_tables, table_frames
from faceprep.datasets.ids import unique_ids
from faceprep.datasets.report import Report
from faceprep.datasets.sequences import roles
from faceprep.datasets.splits import (
    folds_by_draw,
    note_given_split,
    note_random_split,
    random_split,
    random_splits,
    refuse_shared,
)

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
    anna/happiness/*.jpg  …             people as folders above or below them
  or
    KA.AN1.39.tiff  s01_happy_2.jpg  …  people and expressions in the names (select.pattern)
  or
    *.jpg                               without expressions
  or
    labels.csv (or .parquet)            image, expression[, subject, sequence, frame, split, fold]
    images/*.jpg                        (--set select.table=FILE names another table)
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> FolderContents | None:
        """Find a table or at least one image below the root."""
        table = find_table(root, select, report)
        if table is None and not has_image(root):
            return None
        return FolderContents(root, table)

    def frames(
        self, contents: FolderContents, select: SelectConfig, report: Report
    ) -> Iterator[FrameRow]:
        """Yield every image: by subject, sequence and frame with a table, by path without one."""
        if contents.table is not None:
            yield from table_frames(contents.root, contents.table, select, report)
            return
        paths = _images(contents.root, report)
        _note_other_dataset(contents.root, paths, report)
        ids = unique_ids(self.name, paths)
        counts = Counter(path.rpartition("/")[0] for path in paths)
        place = place_of(contents.root)
        words = folder_words(counts, select, place)
        names = read_names(paths, words.expressions, select, report, place)
        for path in itertools.compress(paths, map(operator.not_, names.fits)):
            report.leave_out("file that is not named like the others", path)
        if not names.labelled:
            people = set(names.subjects)
            others = {word: n for word, n in words.counts.items() if word not in people}
            note_folders(dataclasses.replace(words, counts=others), counts, select, report)
        subjects = [
            subject or identifier.removeprefix("folder/")
            for subject, identifier in zip(names.subjects, ids, strict=True)
        ]
        splits = _splits(paths, subjects, names, select, report)
        folds = folds_by_draw(subjects, select.folds, select.seed)
        for k, role in _in_sequences(subjects, names, select):
            neutral = role == "neutral" or (role == "peak" and names.expressions[k] == "neutral")
            yield FrameRow(
                face_id=ids[k],
                dataset=self.name,
                subject=subjects[k],
                sequence=names.sequences[k],
                frame=names.frames[k],
                path=paths[k],
                expression="neutral" if neutral else names.expressions[k],
                role="neutral" if neutral else role,
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


def _images(root: Path, report: Report) -> list[str]:
    """Return the sorted paths of the images."""
    found: list[str] = []
    kinds = KindsByEnding()
    for folder in walk(root, report.leave_out):
        for name in _own_folders(root, folder):
            folder.folders.remove(name)
            report.leave_out(OWN_FOLDER, folder.join(name))
        images = images_among(root, folder, kinds, report)
        if folder.path:
            note_tables(root, folder.path, set(folder.files).difference(images), report)
        if folder.path and not _looks_like_drive(folder.path):  # most files, fast
            found += [f"{folder.path}/{name}" for name in images]
            continue
        for path in map(folder.join, images):
            if _looks_like_drive(path):
                report.leave_out("file whose path begins like a drive (x:)", path)
            else:
                found.append(path)
    note_disguised(root, found, report)
    return sorted(found)


def _in_sequences(
    subjects: Sequence[str], names: Names, select: SelectConfig
) -> Iterator[tuple[int, str]]:
    """Yield the index and the role of each file, frames of a sequence in succession.

    They are stills, unless ``select.neutral_frames`` tells that sequences begin with that many
    neutral frames and end with the peak.
    """
    sequences: dict[tuple[str, str], list[int]] = {}
    for k, sequence in enumerate(names.sequences):
        if sequence is not None and names.fits[k]:
            sequences.setdefault((subjects[k], sequence), []).append(k)
    for k, sequence in enumerate(names.sequences):
        if not names.fits[k]:
            continue
        if sequence is None:
            yield k, "still"
            continue
        members = sequences.pop((subjects[k], sequence), [])
        members.sort(key=lambda member: names.frames[member] or 0)
        if select.neutral_frames is None:
            yield from ((member, "still") for member in members)
        elif members:
            first, last = roles(len(members), select.neutral_frames, select.peak_frames)
            yield from ((member, "neutral") for member in members[:first])
            yield from ((member, "peak") for member in members[len(members) - last :])


def _own_folders(root: Path, folder: Folder) -> list[str]:
    """Return the workspaces in a folder, or the stages if it is a workspace itself."""
    stages = (*STAGES, "augment", "classify") if _is_workspace(root / folder.path) else ()
    return [
        name for name in folder.folders if name in stages or _is_workspace(root / folder.join(name))
    ]


def _is_workspace(folder: Path) -> bool:
    return any((folder / "select" / name).is_file() for name in ("stage.json", "part-00000.json"))


def _looks_like_drive(path: str) -> bool:
    return path[1:2] == ":"


def _splits(
    paths: Sequence[str],
    subjects: Sequence[str],
    names: Names,
    select: SelectConfig,
    report: Report,
) -> list[str]:
    """Return the part of each image: by its folder if folders name parts, else at random.

    Raises
    ------
    UsageError
        If the folders put a person into several parts.
    """
    given: list[str | None] = [None] * len(paths)
    if select.split == "official":
        within = [path.rpartition("/")[0] for path in paths]
        by_folder = {folder: _split_folder(folder) for folder in set(within)}
        given = [by_folder[folder] for folder in within]
    if not any(given):
        note_random_split(report, select, "there is no split of its own")
        drawn = random_splits(subjects, select)
        return [drawn[subject] for subject in subjects]
    report.note("the split is that of the folders")
    note_given_split(report, select)
    parts: dict[str, str] = {}
    shared = set()
    for path, subject, part in zip(paths, subjects, given, strict=True):
        if part is None:
            report.note("outside the folders of the split: drawn at random", path)
        elif parts.setdefault(subject, part) != part:
            shared.add(subject)
    refuse_shared(
        sorted(shared),
        f"the split of the folders (people are read from {report.people.source}; "
        "select.naming=none takes every picture alone)",
        Again({"select.split": "random"}, note="divides whole people"),
    )
    return [
        part or parts.get(subject) or random_split(subject, select)
        for subject, part in zip(subjects, given, strict=True)
    ]


def _split_folder(folder: str) -> str | None:
    return next(filter(None, map(folder_part, folder.split("/"))), None)


def _note_other_dataset(root: Path, paths: Sequence[str], report: Report) -> None:
    first = f"/{root.resolve().name}/{paths[0]}" if paths else ""
    for name, pattern in _OTHER_DATASETS:
        if pattern.search(first):
            report.note(f"this looks like {name}: --dataset {name} would read its labels", paths[0])


READER = FolderReader()
