"""Decode the photographs of a shard in groups, to bound memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceprep.core.images import UnreadableImage
from faceprep.faces.photographs import read_photograph
from faceprep.workspace.manifest import Row

# Enough for the batches of a detector; one huge photograph may exceed the limit.
_GROUP_IMAGES = 32
_GROUP_BYTES = 30_000_000


@dataclass
class Group:
    """Decoded photographs, and photographs that could not be read.

    Attributes
    ----------
    selected, images
        Rows of `select`, and the photograph ``(H, W, 3) uint8`` RGB of each.
    unreadable
        Rows of `select` with the reason.
    """

    selected: list[Row] = field(default_factory=list)
    images: list[np.ndarray] = field(default_factory=list)
    unreadable: list[tuple[Row, str]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether the next photograph belongs to the next group."""
        size = sum(image.nbytes for image in self.images)
        return len(self) >= _GROUP_IMAGES or size >= _GROUP_BYTES

    def __len__(self) -> int:
        return len(self.images) + len(self.unreadable)


def read_groups(select: Sequence[Row], root: Path, max_pixels: int) -> Iterator[Group]:
    """Read the photographs of rows of `select`, in their order."""
    group = Group()
    for selected in select:
        try:
            group.images.append(read_photograph(selected, root, max_pixels))
            group.selected.append(selected)
        except UnreadableImage as error:
            group.unreadable.append((selected, error.message))
        if group.full:
            yield group
            group = Group()
    if len(group):
        yield group
