"""CK+'s text files: expression labels, FACS codes and landmarks, found by their names."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faceprep.datasets.base import Report
from faceprep.datasets.tree import walk

#: The numbers in ``*_emotion.txt``.
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
# Whole names: a folder beside the dataset that merely speaks of emotions belongs to something else.
_FOLDER = re.compile(r"(emotions?|facs|landmarks?)([ _-]?labels?)?", re.IGNORECASE)
_MAX_DEPTH = 8
_LEVELS_ABOVE = 2

Sequence = tuple[str, str]


def sequence_key(subject: str, sequence: str) -> Sequence:
    """Bring ``s5, 1`` and ``S005, 001`` to one form."""
    return f"S{int(subject[1:]):03d}", f"{int(sequence):03d}"


@dataclass
class TextFiles:
    """Where the text files of each sequence lie.

    Attributes
    ----------
    labels, facs
        Sequence → files, sorted by frame.
    landmarks
        (subject, sequence, frame) → file.
    """

    labels: dict[Sequence, list[Path]] = field(default_factory=dict)
    facs: dict[Sequence, list[Path]] = field(default_factory=dict)
    landmarks: dict[tuple[str, str, int], Path] = field(default_factory=dict)

    def label(self, key: Sequence, report: Report) -> str | None:
        """Expression of a sequence; `None` where the file is missing, empty or no label."""
        for path in reversed(self.labels.get(key, [])):
            numbers = _numbers(path, report)
            if not numbers:
                continue
            if numbers[0] in LABELS:
                return LABELS[int(numbers[0])]
            report.note("label that is no number from 1 to 7: taken as unlabelled", path.name)
        return None

    def codes(self, key: Sequence, report: Report) -> dict[str, float]:
        """FACS codes of a sequence's peak, ``AU12`` → intensity; 0 = present, not graded."""
        codes: dict[str, float] = {}
        for path in reversed(self.facs.get(key, [])):
            numbers = _numbers(path, report)
            if len(numbers) % 2:
                report.note("FACS file that is not pairs of unit and intensity: ignored", path.name)
                continue
            for unit, intensity in zip(numbers[::2], numbers[1::2], strict=True):
                # Some codes carry no grade at all; as in the rest of the files that is 0.
                codes[f"AU{int(unit):02d}"] = 0.0 if math.isnan(intensity) else intensity
            if codes:
                break
        return codes

    def points(self, key: Sequence, frame: int, report: Report) -> list[float] | None:
        """68 landmarks of a frame as x, y, x, y, … in its pixels, as the file has them.

        They come from the dataset's active appearance model and are not shifted here.
        """
        path = self.landmarks.get((*key, frame))
        if path is None:
            return None
        numbers = _numbers(path, report)
        if len(numbers) == 2 * LANDMARKS and all(map(math.isfinite, numbers)):
            return numbers
        report.note("landmarks file that is not 68 points: ignored", path.name)
        return None


def find_text_files(root: Path) -> TextFiles:
    """Find the text files below the root or, where it has none, beside it.

    A root that is the image folder has ``Emotion``, ``FACS`` and ``Landmarks`` one or two levels
    above.
    """
    files = TextFiles()
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
    for place in walk(folder, Report(), _MAX_DEPTH, wants=wants):
        for name in place.files:
            match = _FILE.fullmatch(name)
            if match:
                yield folder / place.join(name), match


def _annotation_folders(folder: Path, but: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    named = (path for path in entries if _FOLDER.fullmatch(path.name))
    return [path for path in named if path.is_dir() and path != but]


def _add(files: TextFiles, path: Path, match: re.Match[str]) -> None:
    key = sequence_key(match["subject"], match["sequence"])
    kind = match["kind"].lower()
    if kind == "landmarks":
        files.landmarks.setdefault((*key, int(match["frame"])), path)
    else:
        (files.labels if kind == "emotion" else files.facs).setdefault(key, []).append(path)


def _numbers(path: Path, report: Report) -> list[float]:
    """Every number of a small text file; none when it is empty or is not numbers."""
    try:
        return [float(word) for word in path.read_text(encoding="utf-8-sig").split()]
    except (ValueError, OSError) as error:
        what = "cannot be read" if isinstance(error, OSError) else "is not numbers"
        report.note(f"text file that {what}: ignored", path.name)
        return []
