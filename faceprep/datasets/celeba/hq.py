"""Tell CelebA's files from others with numbers, and map the numbers of CelebA-HQ to CelebA's.

CelebA-HQ (Karras et al. 2018) has 30 000 images of CelebA in another order, numbered from 0 or from
1. Under its own numbers, CelebA's lists name other people. CelebAMask-HQ (Lee et al. 2020) holds
the list of both numbers, with the columns idx, orig_idx and orig_file.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.core.image_header import read_header

MAPPING_NAME = "CelebA-HQ-to-CelebA-mapping.txt"
#: Size of CelebA's aligned images.
ALIGNED_SIZE = (178, 218)

_COUNT, _HQ_COUNT = 202_599, 30_000
_NAME = re.compile(r"\d{6}\.(jpe?g|png)", re.IGNORECASE)
_HQ = re.compile(r"celeb.*hq|data(128|256|512|1024)x\1", re.IGNORECASE)
_LINE = re.compile(r"\s*(\d+)[\s,]+\d+[\s,]+(\d+)\.\w+\s*")
_SMALLEST_HQ = 128
_HEAD = 1 << 16


def is_hq(path: str) -> bool:
    """Return whether a folder on a path has the name of CelebA-HQ."""
    return any(_HQ.search(name) for name in path.split("/"))


def foreign(path: Path, name: str) -> str | None:
    """Return why a numbered image is none of CelebA's aligned ones, or ``None``.

    Of another size are only square images as large as those of CelebA-HQ, because people resize.
    """
    if not _NAME.fullmatch(name) or not 1 <= int(name[:6]):
        return f"{name} is not named like 000001.jpg to {_COUNT}.jpg"
    size = _size(path)
    if size is not None and size[0] == size[1] >= _SMALLEST_HQ:
        width, height = ALIGNED_SIZE
        return f"{name} has {size[0]}×{size[1]} pixels, CelebA's aligned images {width}×{height}"
    return None


def refuse_foreign(folder: Path, aligned: bool, names: Sequence[str]) -> None:
    """Raise an error if images are not CelebA's: its lists would name other people.

    Parameters
    ----------
    folder
        Folder of the images.
    aligned
        Whether they are called aligned; the photographs have any size.
    names
        File names, by number.

    Raises
    ------
    UsageError
        If a name, or the size of one of a few images, is not CelebA's.
    """
    why = next((why for name in names if (why := _wrong_name(name))), None)
    if why is None and aligned:
        some = [*names[:: max(len(names) // 3, 1)], *names[-1:]]
        why = next((why for name in some if (why := foreign(folder / name, name))), None)
    if why is not None:
        raise _not_celeba(folder, why)


def original_numbers(numbers: np.ndarray, mapping: Path | None, folder: Path) -> np.ndarray:
    """Return the numbers in CelebA of images of CelebA-HQ.

    Parameters
    ----------
    numbers
        ``(n,)`` ascending numbers of the files: from 0 or from 1, or already CelebA's.
    mapping
        List of both numbers.
    folder
        Folder of the images, for messages.

    Raises
    ------
    UsageError
        If there is no list, or the numbers fit none of the ways to count.
    """
    if mapping is None:
        raise _not_celeba(folder, f"it is CelebA-HQ, and {MAPPING_NAME} is not there")
    text = mapping.read_text(encoding="utf-8-sig", errors="replace")
    pairs = [(int(m[1]), int(m[2])) for m in map(_LINE.fullmatch, text.splitlines()) if m]
    if not pairs:
        raise UsageError(f"{mapping} has no line like “0  119613  119614.jpg”")
    table = dict(pairs)
    if numbers[0] >= 1 and numbers[-1] > _HQ_COUNT and {*numbers.tolist()} <= {*table.values()}:
        return numbers
    first = 0 if numbers[0] == 0 else 1 if numbers[-1] == _HQ_COUNT else None
    if first is None:
        raise UsageError(
            f"{folder}: the numbers {numbers[0]} to {numbers[-1]} may begin at 0 or at 1, "
            "so that nobody knows who is shown",
            _without_people(),
        )
    found = [table.get(number - first) for number in numbers.tolist()]
    if None in found:
        raise _not_celeba(folder, f"{mapping.name} has no number {numbers[found.index(None)]}")
    return np.array(found, dtype=np.int64)


def _wrong_name(name: str) -> str | None:
    return None if _NAME.fullmatch(name) and int(name[:6]) else foreign(Path(name), name)


def _size(path: Path) -> tuple[int, int] | None:
    try:
        with path.open("rb") as stream:
            header = read_header(stream.read(_HEAD))
    except OSError:
        return None
    return None if header is None else (header.width, header.height)


def _not_celeba(folder: Path, why: str) -> UsageError:
    return UsageError(
        f"{folder} does not hold CelebA's own files: {why}. Under these numbers CelebA's lists "
        "name other people; renaming does not help",
        (
            f"CelebA-HQ is read with the list {MAPPING_NAME} of CelebAMask-HQ beside it",
            _without_people(),
        ),
    )


def _without_people() -> Again:
    return Again({"select.dataset": "folder"}, note="reads the photographs without people")
