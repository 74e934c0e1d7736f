"""Find the images of CK+ by their names, in any folders.

The name ``S005_001_00000011.png`` holds the subject, the sequence and the number of the frame.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from faceprep.core.tree import IMAGE_SUFFIXES, is_image, is_system_file, walk
from faceprep.core.vocabulary import expression_of
from faceprep.datasets.report import Report

MAX_DEPTH = 8

_FRAME = re.compile(
    r"(?P<subject>s\d{1,4})_(?P<sequence>\d{1,4})_(?P<frame>\d{1,9})(?P<suffix>\.[a-z]+)",
    re.IGNORECASE,
)

#: Subject and sequence in their usual form, ``("S005", "001")``.
SequenceKey = tuple[str, str]


@dataclass
class Collection:
    """List images that belong together.

    Attributes
    ----------
    place
        Common folder, relative to the root.
    cropped
        Whether the folders are named after expressions, as those of the 48×48 crops of CK+48 are.
    sequences
        (subject, sequence) → frame number → path below the root.
    expressions
        (subject, sequence) → expression that the folder names (CK+48 only).
    """

    place: str
    cropped: bool
    sequences: dict[SequenceKey, dict[int, str]] = field(default_factory=dict)
    expressions: dict[SequenceKey, str] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Number of images."""
        return sum(map(len, self.sequences.values()))

    def add(
        self, key: SequenceKey, number: int, path: str, expression: str | None, report: Report
    ) -> None:
        """Add an image, unless its sequence has another expression or its number is taken."""
        if expression and self.expressions.setdefault(key, expression) != expression:
            report.leave_out("frame of a sequence that has two expressions", path)
            return
        frames = self.sequences.setdefault(key, {})
        if number in frames:
            report.leave_out("frame, second of its number", path)
        else:
            frames[number] = path

    def overlaps(self, other: "Collection") -> bool:
        """Return whether two collections share a frame, and so are copies of each other."""
        return any(
            not frames.keys().isdisjoint(self.sequences.get(key, {}))
            for key, frames in other.sequences.items()
        )

    def merge(self, other: "Collection") -> None:
        """Add another part of the same collection, e.g. a second folder of subjects."""
        for key, frames in other.sequences.items():
            self.sequences.setdefault(key, {}).update(frames)
        self.expressions = other.expressions | self.expressions


def sequence_key(subject: str, sequence: str) -> SequenceKey:
    """Convert ``s5, 1`` and ``S005, 001`` to the usual form."""
    return f"S{int(subject[1:]):03d}", f"{int(sequence):03d}"


def find_collections(root: Path, report: Report) -> list[Collection]:
    """Find every collection of images with CK+ names below the root."""
    above = root.resolve().name
    collections: dict[str, Collection] = {}
    for folder in walk(root, report.leave_out, MAX_DEPTH, wants=_is_of_interest):
        expression = expression_of(folder.path.rpartition("/")[2] or above)
        place = folder.path.rpartition("/")[0] if expression else folder.path
        for name in folder.files:
            match = _FRAME.fullmatch(name)
            if match is None or match["suffix"].lower() not in IMAGE_SUFFIXES:
                report.leave_out("image that is not named like a frame", folder.join(name))
                continue
            key = sequence_key(match["subject"], match["sequence"])
            if not expression:
                place = _without_sequence(folder.path, key)
            collection = collections.setdefault(place, Collection(place, bool(expression)))
            collection.add(key, int(match["frame"]), folder.join(name), expression, report)
    return list(collections.values())


def _is_of_interest(name: str) -> bool:
    return is_image(name) and not is_system_file(name)


def _without_sequence(path: str, key: SequenceKey) -> str:
    """Remove the folders of the sequence and of the subject from the end of a path."""
    parts = path.split("/")
    subject, sequence = int(key[0][1:]), int(key[1])
    if parts[-1].isdecimal() and int(parts[-1]) == sequence:
        parts.pop()
    if parts and re.fullmatch(rf"s0*{subject}", parts[-1], re.IGNORECASE):
        parts.pop()
    return "/".join(parts)
