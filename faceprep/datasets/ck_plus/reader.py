"""CK+, the extended Cohn-Kanade dataset: neutral-to-peak sequences, seven expressions.

The first three frames of a sequence are neutral, the last three are the peak. What a frame is
stands in its name (``S005_001_00000011.png``), so folders may be called anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faceprep.config import SelectConfig
from faceprep.datasets.base import (
    SHORT_SEQUENCE,
    FrameRow,
    Reader,
    Report,
    expression_of,
    no_official_split,
    roles,
)
from faceprep.datasets.ck_plus.files import Sequence, TextFiles, find_text_files, sequence_key
from faceprep.datasets.ids import face_id
from faceprep.datasets.splits import folds_by_rank, random_split
from faceprep.datasets.tree import IMAGE_SUFFIXES, is_image, is_system_file, walk

_MAX_DEPTH = 8
_FRAME = re.compile(
    r"(?P<subject>s\d{1,4})_(?P<sequence>\d{1,4})_(?P<frame>\d{1,9})(?P<suffix>\.[a-z]+)",
    re.IGNORECASE,
)


@dataclass
class Collection:
    """Images that belong together.

    Attributes
    ----------
    place
        Their folder below the root.
    cropped
        Whether they lie in folders named after expressions, as the 48×48 crops of CK+48 do.
    sequences
        (subject, sequence) → frame number → path below the root.
    expressions
        (subject, sequence) → expression named by the folder, for CK+48.
    """

    place: str
    cropped: bool
    sequences: dict[Sequence, dict[int, str]] = field(default_factory=dict)
    expressions: dict[Sequence, str] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Number of images."""
        return sum(map(len, self.sequences.values()))


@dataclass(frozen=True)
class Found:
    """The collection to read, and those left out."""

    root: Path
    collection: Collection
    others: tuple[Collection, ...]


class CKPlus(Reader):
    """See the module."""

    name = "ck-plus"
    neutral_frames = 3
    layout = """\
  ROOT/
    cohn-kanade-images/     (or extended-cohn-kanade-images, or nothing)
      S005/001/S005_001_00000001.png …
    Emotion/                (or Emotion_labels/Emotion)
      S005/001/S005_001_00000011_emotion.txt
    FACS/ …_facs.txt        Landmarks/ …_landmarks.txt        (both optional)
  or the cropped variant:
  CK+48/
    anger/S010_004_00000017.png …   contempt/ …   surprise/ …
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> Found | None:
        """Find the images below the root; whole photographs before 48×48 crops."""
        collections = _collections(root, report)
        if not collections:
            return None
        collections.sort(key=lambda c: (c.cropped, -c.frames, c.place.count("/"), c.place))
        first, others = collections[0], []
        for other in collections[1:]:
            if other.cropped == first.cropped and not _overlap(first, other):
                _merge(first, other)
            else:
                others.append(other)
        return Found(root, first, tuple(others))

    def frames(self, found: Found, select: SelectConfig, report: Report) -> Iterator[FrameRow]:
        """Yield each sequence's neutral and peak frames, by subject, sequence and number."""
        for other in found.others:
            what = "48×48 crop" if other.cropped else "frame of a second copy"
            report.leave_out(f"{what} ({other.place or '.'})", other.place or ".", other.frames)
        texts = find_text_files(found.root)
        expressions = self._expressions(found.collection, texts, select, report)
        subjects = {subject for subject, _ in expressions}
        folds = folds_by_rank(subjects, select.folds)
        no_official_split(report, select, "CK+ has no test set of its own")
        for key, expression in expressions.items():
            place = (random_split(key[0], select), folds[key[0]])
            yield from self._rows(found.collection, key, expression, place, texts, select, report)

    def nearest(self, root: Path) -> str | None:
        """Say that there are labels but no images, or images with other names."""
        for folder in walk(root, Report(), _MAX_DEPTH):
            for name in folder.files:
                if name.lower().endswith(("_emotion.txt", "_facs.txt", "_landmarks.txt")):
                    return f"{folder.join(name)}, but no images S005_001_00000001.png"
                if is_image(name):
                    return f"{folder.join(name)}, which is not named like S005_001_00000001.png"
        return None

    def _expressions(
        self, collection: Collection, texts: TextFiles, select: SelectConfig, report: Report
    ) -> dict[Sequence, str | None]:
        """Expression of each sequence to select, in sorted order."""
        if not collection.cropped and not texts.labels:
            report.note("no *_emotion.txt anywhere: every sequence counts as unlabelled")
        expressions: dict[Sequence, str | None] = {}
        for key in sorted(collection.sequences):
            if collection.cropped:
                expressions[key] = collection.expressions[key]
                continue
            expression = texts.label(key, report)
            if expression is not None or select.unlabelled:
                expressions[key] = expression
            else:
                reason = "sequence without a label (select.unlabelled=true keeps it)"
                report.leave_out(reason, "/".join(key))
        return expressions

    def _rows(
        self,
        collection: Collection,
        key: Sequence,
        expression: str | None,
        place: tuple[str, int],
        texts: TextFiles,
        select: SelectConfig,
        report: Report,
    ) -> Iterator[FrameRow]:
        frames = sorted(collection.sequences[key].items())
        neutrals, peaks = self._roles(collection.cropped, len(frames), key, select, report)
        codes = texts.codes(key, report)
        for index, (number, path) in enumerate(frames):
            if neutrals <= index < len(frames) - peaks:
                continue
            neutral = index < neutrals or expression == "neutral"
            yield FrameRow(
                face_id=face_id(self.name, *key, f"{number:08d}"),
                dataset=self.name,
                subject=key[0],
                sequence=key[1],
                frame=number,
                path=path,
                expression="neutral" if neutral else expression,
                role="neutral" if neutral else "peak",
                split=place[0],
                fold=place[1],
                attributes=None if neutral else codes or None,
                # The landmarks belong to the whole photograph, not to a crop of it.
                landmarks68=None if collection.cropped else texts.points(key, number, report),
            )

    def _roles(
        self,
        cropped: bool,
        count: int,
        key: Sequence,
        select: SelectConfig,
        report: Report,
    ) -> tuple[int, int]:
        if cropped:  # these are the last three frames of each sequence already
            return 0, min(select.peak_frames, count)
        neutral = self.neutral_frames if select.neutral_frames is None else select.neutral_frames
        if count < neutral + select.peak_frames:
            report.note(SHORT_SEQUENCE, "/".join(key))
        return roles(count, neutral, select.peak_frames)


def _collections(root: Path, report: Report) -> list[Collection]:
    """Every set of images with CK+ names below the root."""
    above = root.resolve().name
    collections: dict[str, Collection] = {}
    for folder in walk(root, report, _MAX_DEPTH, wants=_is_of_interest):
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
            _add(collection, key, int(match["frame"]), folder.join(name), expression, report)
    return list(collections.values())


def _overlap(one: Collection, other: Collection) -> bool:
    """Whether two collections have a frame in common, and so are copies of each other."""
    return any(
        not frames.keys().isdisjoint(one.sequences.get(key, {}))
        for key, frames in other.sequences.items()
    )


def _merge(one: Collection, other: Collection) -> None:
    """Add another part of the same collection, as where subjects lie in several folders."""
    for key, frames in other.sequences.items():
        one.sequences.setdefault(key, {}).update(frames)
    one.expressions = other.expressions | one.expressions


def _is_of_interest(name: str) -> bool:
    return is_image(name) and not is_system_file(name)


def _without_sequence(path: str, key: Sequence) -> str:
    """Drop the folders of the sequence and of the subject from the end of a path."""
    parts = path.split("/")
    subject, sequence = int(key[0][1:]), int(key[1])
    if parts[-1].isdecimal() and int(parts[-1]) == sequence:
        parts.pop()
    if parts and re.fullmatch(rf"s0*{subject}", parts[-1], re.IGNORECASE):
        parts.pop()
    return "/".join(parts)


def _add(
    collection: Collection,
    key: Sequence,
    number: int,
    path: str,
    expression: str | None,
    report: Report,
) -> None:
    if expression and collection.expressions.setdefault(key, expression) != expression:
        report.leave_out("frame of a sequence that has two expressions", path)
        return
    frames = collection.sequences.setdefault(key, {})
    if number in frames:
        report.leave_out("frame, second of its number", path)
    else:
        frames[number] = path


READER = CKPlus()
