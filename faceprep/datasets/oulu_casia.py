"""Oulu-CASIA NIR&VIS: 80 subjects, six expressions; visible light, strong illumination.

The first frame of a sequence is neutral, the last three are the peak (ExprGAN, "Datasets").
"""

import re
from collections.abc import Callable, Iterator
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
from faceprep.datasets.ids import face_id
from faceprep.datasets.splits import random_split
from faceprep.datasets.tree import Folder, is_image, walk

#: Subjects of the official test set: the last eight of eighty.
TEST_SUBJECTS = range(73, 81)

_MAX_DEPTH = 8
_SUBJECT = re.compile(r"p(\d{1,4})", re.IGNORECASE)
_SPECTRUM = re.compile(r"(vl|ni)([_-].*)?", re.IGNORECASE)
_LIGHTS = ("strong", "weak", "dark")


@dataclass
class Recordings:
    """Subject folders under one spectrum and one light.

    Attributes
    ----------
    spectrum
        Name of its folder in lower case: ``vl``, ``ni``, ``vl_acropped`` …; empty when unknown.
    light
        ``strong``, ``weak``, ``dark`` or empty.
    place
        Folder of that light, below the root or (when the root lies inside) absolute.
    subjects
        (folder below the root, its name), in the order found.
    """

    spectrum: str
    light: str
    place: str
    subjects: list[tuple[str, str]] = field(default_factory=list)

    @property
    def wanted(self) -> bool:
        """Visible light, strong illumination."""
        return self.spectrum.startswith("vl") and self.light == "strong"

    def __str__(self) -> str:
        return "/".join(filter(None, (self.spectrum.upper(), self.light.capitalize())))


@dataclass(frozen=True)
class Found:
    """The recordings to read, and those left out."""

    root: Path
    recordings: Recordings
    others: tuple[Recordings, ...]


class OuluCasia(Reader):
    """See the module."""

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

    def find(self, root: Path, select: SelectConfig, report: Report) -> Found | None:
        """Find VL/Strong at, below or around the root; original images before cropped ones."""
        places = _recordings(root, report)
        wanted = sorted(
            (place for place in places if place.wanted),
            key=lambda place: (place.spectrum != "vl", place.place.count("/"), place.place),
        )
        if not wanted:
            return None
        others = tuple(place for place in places if place is not wanted[0])
        return Found(root, wanted[0], others)

    def frames(self, found: Found, select: SelectConfig, report: Report) -> Iterator[FrameRow]:
        """Yield each sequence's neutral and peak frames, by subject, expression and number."""
        for other in found.others:
            what = "second copy" if other.wanted else "not in visible strong light"
            reason = f"subject's folder, {what} ({str(other) or 'light unknown'})"
            report.leave_out(reason, other.place, len(other.subjects))
        subjects = _numbered(found.recordings, report)
        official = select.split == "official" and any(n in TEST_SUBJECTS for n in subjects)
        if not official:
            no_official_split(report, select, "no subject of the test set (P073 to P080) is here")
        for number, path in sorted(subjects.items()):
            subject = f"P{number:03d}"
            if official:
                split = "test" if number in TEST_SUBJECTS else "train"
            else:
                split = random_split(subject, select)
            fold = (number - 1) % select.folds
            for expression, frames in _sequences(found.root, path, report):
                yield from self._rows(subject, expression, frames, (split, fold), select, report)

    def nearest(self, root: Path) -> str | None:
        """Name the lights found, or the folder above where the root is too deep."""
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

    def _rows(
        self,
        subject: str,
        expression: str,
        frames: list[tuple[int, str]],
        place: tuple[str, int],
        select: SelectConfig,
        report: Report,
    ) -> Iterator[FrameRow]:
        wanted = self.neutral_frames if select.neutral_frames is None else select.neutral_frames
        neutrals, peaks = roles(len(frames), wanted, select.peak_frames)
        if len(frames) < wanted + select.peak_frames:
            report.note(SHORT_SEQUENCE, f"{subject}/{expression.capitalize()}")
        for index, (number, path) in enumerate(frames):
            if index < neutrals or index >= len(frames) - peaks:
                neutral = index < neutrals
                yield FrameRow(
                    face_id=face_id(self.name, subject, expression.capitalize(), Path(path).stem),
                    dataset=self.name,
                    subject=subject,
                    sequence=expression.capitalize(),
                    frame=number,
                    path=path,
                    expression="neutral" if neutral else expression,
                    role="neutral" if neutral else "peak",
                    split=place[0],
                    fold=place[1],
                )


def _recordings(root: Path, report: Report) -> list[Recordings]:
    """Every folder that holds subjects, sorted into spectrum and light by the names above it."""
    above = root.resolve().parts
    places: dict[str, Recordings] = {}
    for folder in walk(root, report, _MAX_DEPTH, wants=lambda name: False):
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
    return max((k for k, part in enumerate(parts) if holds(part)), default=-1)


def _numbered(recordings: Recordings, report: Report) -> dict[int, str]:
    """Subject number → folder below the root; a number that comes twice counts once."""
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
) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield (expression, its frames as (number, path)) of one subject's folder, by expression."""
    sequences: dict[str, list[tuple[int, str]]] = {}
    for folder in walk(root, report, max_depth=2, start=subject):
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


def _frames(folder: Folder, report: Report) -> list[tuple[int, str]]:
    frames: dict[int, str] = {}
    for name in folder.files:
        stem = name.rpartition(".")[0]
        if not is_image(name) or not (stem.isascii() and stem.isdigit()) or len(stem) > 9:
            report.leave_out("file that is not a numbered frame", folder.join(name))
        elif int(stem) in frames:
            report.leave_out("frame, second of its number", folder.join(name))
        else:
            frames[int(stem)] = folder.join(name)
    return sorted(frames.items())


READER = OuluCasia()
