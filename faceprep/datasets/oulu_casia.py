"""Read Oulu-CASIA NIR&VIS: 80 subjects, six expressions, visible light, strong illumination.

The first frame of a sequence is neutral, the last three are the peak (Ding, Sricharan and
Chellappa, AAAI 2018, "Datasets").
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faceprep.config import SelectConfig
from faceprep.core.tree import Folder, is_image, walk
from faceprep.core.vocabulary import expression_of
from faceprep.datasets.base import FrameRow
from faceprep.datasets.report import People, Report
from faceprep.datasets.sequences import RecordedSequence, SequenceFrame, SequenceReader
from faceprep.datasets.splits import note_given_split, note_random_split, random_splits

#: Subjects of the official test set: the last eight of eighty.
TEST_SUBJECTS = range(73, 81)

_MAX_DEPTH = 8
_SUBJECT = re.compile(r"p(\d{1,4})", re.IGNORECASE)
_SPECTRUM = re.compile(r"(vl|ni)([_-].*)?", re.IGNORECASE)
_LIGHTS = ("strong", "weak", "dark")


@dataclass
class Recordings:
    """List the subject folders of one spectrum and one illumination.

    Attributes
    ----------
    spectrum
        Folder name in lower case: ``vl``, ``ni``, ``vl_acropped`` …; empty if unknown.
    light
        Illumination: ``strong``, ``weak``, ``dark`` or empty.
    place
        Folder of the illumination: relative to the root, or absolute if the root is inside it.
    subjects
        (folder below the root, folder name), in the order found.
    """

    spectrum: str
    light: str
    place: str
    subjects: list[tuple[str, str]] = field(default_factory=list)

    @property
    def wanted(self) -> bool:
        """Whether these are recordings in visible light and strong illumination."""
        return self.spectrum.startswith("vl") and self.light == "strong"

    def __str__(self) -> str:
        return "/".join(filter(None, (self.spectrum.upper(), self.light.capitalize())))


@dataclass(frozen=True)
class OuluCasiaContents:
    """Hold the recordings to read and those that are left out."""

    root: Path
    recordings: Recordings
    others: tuple[Recordings, ...]


class OuluCasia(SequenceReader):
    """Read Oulu-CASIA NIR&VIS."""

    name = "oulu-casia"
    neutral_frames = 1
    layout = """\
  ROOT/
    OriginalImg/            (or B_OriginalImg, PreProcess_Img, Oulu_CASIA_NIR_VIS, or nothing)
      VL/                   (or VL_Acropped)
        Strong/
          P001/
            Anger/000.jpeg 001.jpeg …
            Disgust/  Fear/  Happiness/  Sadness/  Surprise/
          P002/ …
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> OuluCasiaContents | None:
        """Find VL/Strong at, below or around the root; original images before cropped ones."""
        places = _recordings(root, report)
        wanted = sorted(
            (place for place in places if place.wanted),
            key=lambda place: (place.spectrum != "vl", place.place.count("/"), place.place),
        )
        if not wanted:
            return None
        others = tuple(place for place in places if place is not wanted[0])
        return OuluCasiaContents(root, wanted[0], others)

    def frames(
        self, contents: OuluCasiaContents, select: SelectConfig, report: Report
    ) -> Iterator[FrameRow]:
        """Yield the neutral and peak frames, by subject, expression and number."""
        for other in contents.others:
            what = "second copy" if other.wanted else "not in visible strong light"
            reason = f"subject's folder, {what} ({str(other) or 'light unknown'})"
            report.leave_out(reason, other.place, len(other.subjects))
        subjects = _numbered(contents.recordings, report)
        report.people = People("the folders of the dataset")
        official = select.split == "official" and any(n in TEST_SUBJECTS for n in subjects)
        if not official:
            note_random_split(report, select, "no subject of the test set (P073 to P080) is here")
        else:
            note_given_split(report, select, "seed")
        drawn = random_splits([f"P{number:03d}" for number in subjects], select)
        for number, path in sorted(subjects.items()):
            subject = f"P{number:03d}"
            part = "test" if number in TEST_SUBJECTS else "train"
            split = part if official else drawn[subject]
            fold = (number - 1) % select.folds
            for expression, frames in _sequences(contents.root, path, report):
                sequence = RecordedSequence(
                    subject, expression.capitalize(), expression, frames, split, fold
                )
                yield from self.rows(sequence, select, report)

    def nearest(self, root: Path) -> str | None:
        """Name the illuminations found, or the parent folder if the root is one subject's."""
        if _SUBJECT.fullmatch(root.resolve().name):
            return f"one subject's folder; the dataset may begin at {root.resolve().parent}"
        places = _recordings(root, Report())
        named = sorted({str(place) for place in places if place.light})
        if named:
            return f"{', '.join(named)}, but no VL/Strong"
        if places:
            first = places[0].subjects[0][0]
            return f"{first}, but no VL/Strong above it: which light is it?"
        return None


def _recordings(root: Path, report: Report) -> list[Recordings]:
    """Find the folders of subjects, grouped by the spectrum and illumination that paths name."""
    above = root.resolve().parts
    places: dict[str, Recordings] = {}
    for folder in walk(root, report.leave_out, _MAX_DEPTH, wants=lambda name: False):
        parts = (*above, *folder.path.split("/")) if folder.path else above
        subjects = [name for name in folder.folders if _SUBJECT.fullmatch(name)]
        if not subjects:
            continue
        folder.folders = [name for name in folder.folders if name not in subjects]
        light = _last(parts, lambda name: name.lower() in _LIGHTS)
        spectrum = _last(parts, lambda name: _SPECTRUM.fullmatch(name) is not None)
        depth = max(light, spectrum) + 1 if max(light, spectrum) >= 0 else len(parts)
        place = "/".join(parts[len(above) : depth]) or str(Path(*parts[:depth]))
        recordings = places.setdefault(
            place,
            Recordings(
                parts[spectrum].lower() if spectrum >= 0 else "",
                parts[light].lower() if light >= 0 else "",
                place,
            ),
        )
        recordings.subjects += [(folder.join(name), name) for name in subjects]
    return [places[place] for place in sorted(places)]


def _last(parts: tuple[str, ...], holds: Callable[[str], bool]) -> int:
    """Return the index of the last part for which a predicate holds, or -1."""
    return max((k for k, part in enumerate(parts) if holds(part)), default=-1)


def _numbered(recordings: Recordings, report: Report) -> dict[int, str]:
    """Map subject numbers to folders below the root; the first folder of a number counts."""
    numbered: dict[int, str] = {}
    for path, name in sorted(recordings.subjects):
        number = int(name[1:])
        if number in numbered:
            report.leave_out("subject's folder, second of its number", path)
        else:
            numbered[number] = path
    return numbered


def _sequences(
    root: Path, subject: str, report: Report
) -> Iterator[tuple[str, list[SequenceFrame]]]:
    """Yield the expression and the frames of each sequence of a subject, by expression."""
    sequences: dict[str, list[SequenceFrame]] = {}
    for folder in walk(root, report.leave_out, max_depth=2, start=subject):
        below = folder.path[len(subject) + 1 :].split("/")
        expression = expression_of(below[0])
        if expression is None or expression == "neutral":
            for name in folder.files:
                report.leave_out("file outside an expression's folder", folder.join(name))
            if below[0]:
                report.leave_out("folder that names none of the expressions", folder.path)
                folder.folders.clear()
            continue
        frames = _frames(folder, report)
        if not frames:
            if not folder.folders:
                report.leave_out("sequence without frames", folder.path)
        elif expression in sequences:
            report.leave_out("sequence, second of its expression", folder.path)
        else:
            sequences[expression] = frames
    yield from sorted(sequences.items())


def _frames(folder: Folder, report: Report) -> list[SequenceFrame]:
    frames: dict[int, SequenceFrame] = {}
    for name in folder.files:
        stem = name.rpartition(".")[0]
        if not is_image(name) or not (stem.isascii() and stem.isdigit()) or len(stem) > 9:
            report.leave_out("file that is not a numbered frame", folder.join(name))
        elif int(stem) in frames:
            report.leave_out("frame, second of its number", folder.join(name))
        else:
            frames[int(stem)] = SequenceFrame(int(stem), stem, folder.join(name))
    return sorted(frames.values())


READER = OuluCasia()
