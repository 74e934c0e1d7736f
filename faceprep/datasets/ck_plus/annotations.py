"""Read the text files of CK+: expression labels, FACS codes and landmarks."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faceprep.core.tree import walk
from faceprep.datasets.ck_plus.images import MAX_DEPTH, SequenceKey, sequence_key
from faceprep.datasets.report import Report

#: Expressions by their numbers in ``*_emotion.txt``.
LABELS = {
    1: "anger",
    2: "contempt",
    3: "disgust",
    4: "fear",
    5: "happiness",
    6: "sadness",
    7: "surprise",
}
LANDMARKS = 68

_FILE = re.compile(
    r"(?P<subject>s\d{1,4})_(?P<sequence>\d{1,4})_(?P<frame>\d{1,9})"
    r"_(?P<kind>emotion|facs|landmarks)\.txt",
    re.IGNORECASE,
)
# Whole names only: another folder beside the dataset may have "emotion" as part of its name.
_FOLDER = re.compile(r"(emotions?|facs|landmarks?)([ _-]?labels?)?", re.IGNORECASE)
_LEVELS_ABOVE = 2


@dataclass
class Annotations:
    """List the text files of each sequence and read them.

    Attributes
    ----------
    labels, facs
        (subject, sequence) → files, sorted by frame.
    landmarks
        (subject, sequence, frame) → file.
    """

    labels: dict[SequenceKey, list[Path]] = field(default_factory=dict)
    facs: dict[SequenceKey, list[Path]] = field(default_factory=dict)
    landmarks: dict[tuple[str, str, int], Path] = field(default_factory=dict)

    def label(self, key: SequenceKey, report: Report) -> str | None:
        """Return the expression of a sequence; `None` if the file is missing, empty or invalid."""
        for path in reversed(self.labels.get(key, [])):
            numbers = _numbers(path, report)
            if not numbers:
                continue
            if numbers[0] in LABELS:
                return LABELS[int(numbers[0])]
            report.note("label that is no number from 1 to 7: taken as unlabelled", path.name)
        return None

    def codes(self, key: SequenceKey, report: Report) -> dict[str, float]:
        """Return the FACS codes at the peak, ``AU12`` → intensity; 0 = present, not graded."""
        codes: dict[str, float] = {}
        for path in reversed(self.facs.get(key, [])):
            numbers = _numbers(path, report)
            if len(numbers) % 2:
                report.note("FACS file that is not pairs of unit and intensity: ignored", path.name)
                continue
            for unit, intensity in zip(numbers[::2], numbers[1::2], strict=True):
                # Some codes have no grade; elsewhere in the files that is written as 0.
                codes[f"AU{int(unit):02d}"] = 0.0 if math.isnan(intensity) else intensity
            if codes:
                break
        return codes

    def points(self, key: SequenceKey, frame: int, report: Report) -> list[float] | None:
        """Return the 68 landmarks of a frame as x, y, x, y, … in pixels, unchanged.

        They come from the active appearance model of the dataset.
        """
        path = self.landmarks.get((*key, frame))
        if path is None:
            return None
        numbers = _numbers(path, report)
        if len(numbers) == 2 * LANDMARKS and all(map(math.isfinite, numbers)):
            return numbers
        report.note("landmarks file that is not 68 points: ignored", path.name)
        return None


def find_annotations(root: Path) -> Annotations:
    """Find the text files below the root or, if there are none, beside it.

    If the root is the image folder, ``Emotion``, ``FACS`` and ``Landmarks`` are one or two levels
    above it.
    """
    files = Annotations()
    for path, match in _below(root):
        _add(files, path, match)
    for folder in list(root.resolve().parents)[:_LEVELS_ABOVE]:
        if files.labels or files.facs or files.landmarks:
            break
        for beside in _annotation_folders(folder, root.resolve()):
            for path, match in _below(beside):
                _add(files, path, match)
    for paths in (*files.labels.values(), *files.facs.values()):
        paths.sort(key=lambda path: path.name.lower())
    return files


def _below(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    wants = lambda name: _FILE.fullmatch(name) is not None  # noqa: E731
    for found in walk(folder, max_depth=MAX_DEPTH, wants=wants):
        for name in found.files:
            match = _FILE.fullmatch(name)
            if match:
                yield folder / found.join(name), match


def _annotation_folders(folder: Path, except_for: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    named = (path for path in entries if _FOLDER.fullmatch(path.name))
    return [path for path in named if path.is_dir() and path != except_for]


def _add(files: Annotations, path: Path, match: re.Match[str]) -> None:
    key = sequence_key(match["subject"], match["sequence"])
    kind = match["kind"].lower()
    if kind == "landmarks":
        files.landmarks.setdefault((*key, int(match["frame"])), path)
    else:
        (files.labels if kind == "emotion" else files.facs).setdefault(key, []).append(path)


def _numbers(path: Path, report: Report) -> list[float]:
    """Return the numbers of a small text file; none if it is empty or not numeric."""
    try:
        return [float(word) for word in path.read_text(encoding="utf-8-sig").split()]
    except (ValueError, OSError) as error:
        what = "cannot be read" if isinstance(error, OSError) else "is not numbers"
        report.note(f"text file that {what}: ignored", path.name)
        return []
