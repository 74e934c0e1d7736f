"""Find the complete sequence on disk to which selected frames belong.

OpenFace compares a frame with the person's median over all frames of the sequence, so frames that
were not selected are needed too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceprep.core.tree import is_image, is_system_file
from faceprep.workspace.manifest import inside

#: Shorter runs of files (CK+48 has three) are treated as single images.
MIN_FRAMES = 4

_NUMBERED = re.compile(r"(?P<name>.*?)(?P<number>\d+)(?P<suffix>\.[^.]*)")


@dataclass(frozen=True, slots=True)
class FrameSequence:
    """Hold all frames of one sequence and the places of the selected ones."""

    frames: list[Path]  # files in the order of their numbers
    selected: dict[int, int]  # index of a face, as in `find_sequences` → index in `frames`


def find_sequences(
    select: Sequence[Mapping[str, Any]], root: Path
) -> tuple[list[FrameSequence], list[int]]:
    """Group faces, the rows of `select`, by their sequences on disk below `root`.

    A sequence consists of the images of one folder whose names differ only in a number
    (``S005_001_00000011.png``, ``017.jpeg``).

    Returns
    -------
    Sequences of at least `MIN_FRAMES` files, in the order of their first face; and the indices of
    all other faces, which are single images.
    """
    groups: dict[tuple[str, str, Path, str, str], dict[int, Path]] = {}
    alone = []
    for index, row in enumerate(select):
        path = inside(root, row["path"])
        match = _NUMBERED.fullmatch(path.name)
        if not row["sequence"] or match is None:
            alone.append(index)
            continue
        person = (row["subject"], row["sequence"])
        key = (*person, path.parent, match["name"], match["suffix"].lower())
        groups.setdefault(key, {})[index] = path
    sequences = []
    for (*_, folder, name, suffix), faces in groups.items():
        frames = _frames(folder, name, suffix)
        places = {path: place for place, path in enumerate(frames)}
        if len(frames) < MIN_FRAMES or not all(path in places for path in faces.values()):
            alone.extend(faces)
            continue
        sequences.append(FrameSequence(frames, {i: places[path] for i, path in faces.items()}))
    return sequences, sorted(alone)


def _frames(folder: Path, name: str, suffix: str) -> list[Path]:
    """Return the images of a folder called `name`, a number, `suffix`; sorted by number."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _NUMBERED.fullmatch(path.name)
        if match is None or (match["name"], match["suffix"].lower()) != (name, suffix):
            continue
        if is_image(path.name) and not is_system_file(path.name):
            found.append((int(match["number"]), path))
    return [path for _, path in sorted(found)]
