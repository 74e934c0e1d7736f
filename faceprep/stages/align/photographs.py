"""The photographs of a shard, decoded a group at a time to bound memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faceprep.core.images import UnreadableImage
from faceprep.execution.stage import Row
from faceprep.faces.photographs import read_photograph

# Enough for the detector's batches, and little memory. One huge photograph may come on top.
_GROUP_IMAGES = 32
_GROUP_BYTES = 30_000_000


class Group:
    """Some photographs in memory, and those between them that could not be read.

    Attributes
    ----------
    selected, images
        Rows of `select`, and ``(H, W, 3) uint8`` RGB of each.
    unreadable
        Rows of `select` with the reason.
    """

    def __init__(self) -> None:
        self.selected: list[Row] = []
        self.images: list[np.ndarray] = []
        self.unreadable: list[tuple[Row, str]] = []
        self._bytes = 0

    def add(self, selected: Row, image: np.ndarray) -> None:
        """Take in a photograph."""
        self.selected.append(selected)
        self.images.append(image)
        self._bytes += image.nbytes

    @property
    def full(self) -> bool:
        """Whether the next photograph belongs to the next group."""
        return len(self) >= _GROUP_IMAGES or self._bytes >= _GROUP_BYTES

    def __len__(self) -> int:
        return len(self.images) + len(self.unreadable)


def read_groups(select: Sequence[Row], root: Path, max_pixels: int) -> Iterator[Group]:
    """Read the photographs of some rows of `select`, in their order."""
    group = Group()
    for selected in select:
        try:
            group.add(selected, read_photograph(selected, root, max_pixels))
        except UnreadableImage as error:
            group.unreadable.append((selected, error.message))
        if group.full:
            yield group
            group = Group()
    if len(group):
        yield group
