"""Read CelebA: 202 599 photographs of 10 177 people, 40 attributes, no expression labels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.core.tree import is_image, is_system_file, walk
from faceprep.core.vocabulary import SPLITS
from faceprep.datasets.base import FrameRow, Reader
from faceprep.datasets.celeba.columns import AnnotationColumns
from faceprep.datasets.celeba.hq import foreign, is_hq, original_numbers, refuse_foreign
from faceprep.datasets.celeba.lists import AnnotationList, kind_of, read_list
from faceprep.datasets.celeba.split import SURPLUS, UNLISTED, split_codes
from faceprep.datasets.ids import face_id
from faceprep.datasets.report import People, Report
from faceprep.datasets.splits import NO_FOLD

_MAX_DEPTH = 5
_BATCH = 1000
_IMAGE = re.compile(r"(\d{1,9})\.[a-z]+", re.IGNORECASE)
_FOLDER = re.compile(r"(img_align_celeba|img_celeba)(_png)?", re.IGNORECASE)
_LISTS = re.compile(r"anno|annotations?|eval", re.IGNORECASE)
_LEVELS_ABOVE = 2
_HQ = "hq"
#: Lists in pixels of the photographs or of the aligned images.
_OF_PIXELS = ("box", "landmarks", "landmarks_align")
_REASONS = {
    UNLISTED: "image without a split in the official partition",
    SURPLUS: "image beyond the 180 000 and 20 000 of 180k-20k",
}


@dataclass(frozen=True)
class CelebAContents:
    """Locate the images and the annotation files.

    Attributes
    ----------
    root
        Root folder.
    folder
        Image folder, relative to the root; empty if it is the root.
    aligned
        Whether these are the aligned crops (178×218) rather than the photographs.
    lists
        Kind of annotation (see `lists.kind_of`) → file.
    others
        Other image folders, which are left out.
    hq
        Whether the folder has the name of CelebA-HQ.
    mapping
        List of the numbers in CelebA-HQ and in CelebA.
    """

    root: Path
    folder: str
    aligned: bool
    lists: dict[str, Path]
    others: tuple[str, ...]
    hq: bool = False
    mapping: Path | None = None


class CelebA(Reader):
    """Read CelebA."""

    name = "celeba"
    layout = """\
  ROOT/
    Img/
      img_align_celeba/000001.jpg …     (or img_celeba/, the photographs as they were)
    Anno/  Eval/                        (the lists may lie anywhere; each as .txt or .csv)
      list_eval_partition.txt           train, validation, test
      identity_CelebA.txt               who it is; keeps people on one side of the split
      list_attr_celeba.txt  list_landmarks_align_celeba.txt  list_landmarks_celeba.txt
      list_bbox_celeba.txt              (all optional)
      CelebA-HQ-to-CelebA-mapping.txt   needed for the images of CelebA-HQ (CelebA-HQ-img/0.jpg …)
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> CelebAContents | None:
        """Find the image folder, preferably the aligned one, and the annotation files around it."""
        folders: list[str] = []
        hq: list[str] = []
        lists: dict[str, Path] = {}
        above = root.resolve().name
        for folder in walk(root, report.leave_out, _MAX_DEPTH, wants=_is_of_interest):
            name = folder.path.rpartition("/")[2] or above
            if _FOLDER.fullmatch(name) and any(_IMAGE.fullmatch(file) for file in folder.files):
                folders.append(folder.path)
            elif is_hq(folder.path or above) and any(map(_IMAGE.fullmatch, folder.files)):
                hq.append(folder.path)
            for file in folder.files:
                kind = None if is_image(file) else kind_of(file)
                if kind:
                    lists.setdefault(kind, root / folder.join(file))
        if not folders and not hq:
            return None
        mapping = lists.pop("mapping", None)
        if not lists:
            _look_above(root.resolve(), lists)
        if not folders:
            return CelebAContents(root, hq[0], True, lists, tuple(hq[1:]), True, mapping)
        folders.sort(key=lambda path: (not _is_aligned(path or above), path.count("/"), path))
        first = folders[0]
        others, aligned = tuple(folders[1:]), _is_aligned(first or above)
        return CelebAContents(root, first, aligned, lists, others, mapping=mapping)

    def frames(
        self, contents: CelebAContents, select: SelectConfig, report: Report
    ) -> Iterator[FrameRow]:
        """Yield every image that belongs to a part of the split, by number."""
        for other in contents.others:
            reason = "second image folder (to use it, point --root at it)"
            report.leave_out(reason, other or ".")
        numbers, names = _images(contents, report)
        place = contents.root / contents.folder
        hq = contents.hq
        if not hq:
            try:
                refuse_foreign(place, contents.aligned, names)
            except UsageError:
                if contents.mapping is None:
                    raise
                hq = True
        files, numbers = (
            numbers,
            (original_numbers(numbers, contents.mapping, place) if hq else numbers),
        )
        lists = {
            kind: read_list(path, kind, report)
            for kind, path in contents.lists.items()
            if not (hq and kind in _OF_PIXELS)
        }
        subjects = _subjects(numbers, lists.get("identity"), report)
        codes = split_codes(numbers, subjects, lists.get("partition"), select, report)
        for index in np.flatnonzero(codes < 0).tolist():
            report.leave_out(_REASONS[codes[index]], names[index])
        columns = AnnotationColumns(contents.aligned, lists, report)
        for start in range(0, len(numbers), _BATCH):
            for index, extra in enumerate(
                columns.of_images(numbers[start : start + _BATCH]), start
            ):
                if codes[index] < 0:
                    continue
                yield FrameRow(
                    face_id=face_id(
                        self.name,
                        *((_HQ, f"{files[index]:05d}") if hq else (f"{files[index]:06d}",)),
                    ),
                    dataset=self.name,
                    subject=_subject(subjects[index], numbers[index]),
                    sequence=None,
                    frame=None,
                    path=f"{contents.folder}/{names[index]}" if contents.folder else names[index],
                    expression=None,
                    role="still",
                    split=SPLITS[codes[index]],
                    fold=NO_FOLD,
                    **extra,
                )
        columns.note_missing()

    def nearest(self, root: Path) -> str | None:
        """Report an archive, annotations without images, or numbered images in another folder."""
        signs: dict[int, str] = {}
        for folder in walk(root, max_depth=_MAX_DEPTH):
            for name in folder.files:
                path = folder.join(name)
                if _FOLDER.match(name) and name.lower().endswith((".zip", ".7z", ".001")):
                    signs.setdefault(0, f"{path}, which is not unpacked")
                elif kind_of(name):
                    signs.setdefault(1, f"{path}, but no folder img_align_celeba or img_celeba")
                elif is_image(name) and _IMAGE.fullmatch(name):
                    other = foreign(root / path, name)
                    called = f"{path}, but its folder is not called img_align_celeba"
                    signs.setdefault(2, f"{other}: not CelebA's own files" if other else called)
        return signs[min(signs)] if signs else None


def _is_of_interest(name: str) -> bool:
    return not is_system_file(name) and (is_image(name) or kind_of(name) is not None)


def _is_aligned(path: str) -> bool:
    return "align" in path.rpartition("/")[2].lower()


def _look_above(root: Path, lists: dict[str, Path]) -> None:
    """Add annotation files beside or above a root that is the image folder or its parent."""
    for folder in list(root.parents)[:_LEVELS_ABOVE]:
        for candidate in (folder, *_list_folders(folder)):
            for path in _entries(candidate):
                kind = kind_of(path.name)
                if kind:
                    lists.setdefault(kind, path)


def _list_folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if _LISTS.fullmatch(path.name) and path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _images(contents: CelebAContents, report: Report) -> tuple[np.ndarray, list[str]]:
    """Return ``(n,)`` ascending image numbers and the n file names."""
    names: dict[int, str] = {}
    for folder in walk(contents.root, report.leave_out, max_depth=0, start=contents.folder):
        for name in folder.files:
            match = _IMAGE.fullmatch(name)
            if match is None or not is_image(name):
                report.leave_out("file that is not named like 000001.jpg", folder.join(name))
            elif int(match[1]) in names:
                report.leave_out("image, second of its number", folder.join(name))
            else:
                names[int(match[1])] = name
    numbers = np.array(sorted(names), dtype=np.int64)
    return numbers, [names[number] for number in numbers.tolist()]


def _subjects(numbers: np.ndarray, identity: AnnotationList | None, report: Report) -> np.ndarray:
    """Return ``(n,)`` identities; unknown ones are negative and unique to the image."""
    if identity is None:
        report.people = People(None, len(numbers))
        report.note("no identity_CelebA.txt")
        return -numbers - 1
    values, known = identity.rows(numbers)
    report.people = People("identity_CelebA", int((~known).sum()))
    return np.where(known, values[:, 0], -numbers - 1)


def _subject(identity: int, number: int) -> str:
    return f"{identity:05d}" if identity >= 0 else f"image-{number:06d}"


READER = CelebA()
