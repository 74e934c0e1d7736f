"""Tell the images of a folder by ending or content, and name the other files as what they are."""

from collections.abc import Sequence
from pathlib import Path

from faceprep.core.file_kinds import EMPTY, TEXT, UNKNOWN, KindsByEnding, kind_of_file
from faceprep.core.marks import is_own_file
from faceprep.core.tree import Folder, is_image, walk
from faceprep.datasets.report import Report

NO_IMAGE = "file that is no image"
OWN_PICTURE = "picture that faceprep wrote: it is no photograph"

_SAMPLE = 16


def has_image(root: Path) -> bool:
    """Return whether there is an image below a root."""
    kinds = KindsByEnding()
    return any(
        any(map(is_image, folder.files))
        or any(kinds(f"{root}/{folder.join(name)}").image for name in folder.files)
        for folder in walk(root)
    )


def images_among(root: Path, folder: Folder, kinds: KindsByEnding, report: Report) -> list[str]:
    """Return the names of the images of a folder, and report the other files."""
    names = []
    place = f"{root}/{folder.path}" if folder.path else f"{root}"
    for name in folder.files:
        if is_image(name):
            # Only PNG and GIF files can be marked, and others need not be opened.
            if name[-4:].lower() in (".png", ".gif") and is_own_file(f"{place}/{name}"):
                report.leave_out(OWN_PICTURE, folder.join(name))
            else:
                names.append(name)
            continue
        path = f"{place}/{name}"
        kind = kinds(path)
        if kind.image:
            names.append(name)
        elif kind in (EMPTY, TEXT, UNKNOWN):
            report.leave_out(NO_IMAGE, folder.join(name))
        else:
            report.leave_out(str(kind), folder.join(name), commands=kind.hint(path))
    return names


def note_disguised(root: Path, paths: Sequence[str], report: Report) -> None:
    """Note files that end like images and are none, from a sample: select opens few files."""
    sample = paths[:: max(len(paths) // _SAMPLE, 1)]
    others: dict[str, list[str]] = {}
    for path in sample:
        kind = kind_of_file(f"{root}/{path}")
        if not kind.image and kind not in (EMPTY, TEXT, UNKNOWN):
            others.setdefault(str(kind), []).append(path)
    for kind_text, examples in others.items():
        first = f"{root}/{examples[0]}"
        text = f"{len(examples)} of {len(sample)} images looked at are none, but {kind_text}"
        report.note(text, examples[0], kind_of_file(first).hint(first))
