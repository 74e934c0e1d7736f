"""The whole sequence on disk around the few frames that were selected from it.

OpenFace judges a frame of a sequence by the person's median over all of its frames, so the frames
that `select` passed over count too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceprep.core.tree import is_image, is_system_file
from faceprep.workspace.manifest import inside

#: Shorter runs of files (CK+48 has three) are no sequence: each is judged alone.
MIN_FRAMES = 4

_NUMBERED = re.compile(r"(?P<name>.*?)(?P<number>\d+)(?P<suffix>\.[^.]*)")


@dataclass(frozen=True, slots=True)
class FrameSequence:
    """All frames of one sequence, and which of them were selected.

    Attributes
    ----------
    frames
        Files in the order of their numbers.
    selected
        Index among the faces that `find_sequences` was given → index among `frames`.
    """

    frames: list[Path]
    selected: dict[int, int]


def find_sequences(
    select: Sequence[Mapping[str, Any]], root: Path
) -> tuple[list[FrameSequence], list[int]]:
    """Group faces by their sequences on disk.

    A sequence is the images of one folder that are named alike but for their number
    (``S005_001_00000011.png``, ``017.jpeg``).

    Parameters
    ----------
    select
        Rows of that manifest.
    root
        Folder of the dataset.

    Returns
    -------
    Sequences of at least `MIN_FRAMES` files, in the order of their first face; and the indices of
    all other faces, which stand alone.
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
    """Images of a folder that are called `name`, a number, `suffix`; by number."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _NUMBERED.fullmatch(path.name)
        if match is None or (match["name"], match["suffix"].lower()) != (name, suffix):
            continue
        if is_image(path.name) and not is_system_file(path.name):
            found.append((int(match["number"]), path))
    return [path for _, path in sorted(found)]
