"""Drive a face by the Action Units of a clip.

Frame t is asked for the units of the face plus their change in the clip, AU_t − AU_neutral, clipped
to 0–5. AU_t is smoothed over time by a Savitzky–Golay filter (Savitzky and Golay, 1964).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceprep.core.errors import Again, FaceprepError, Hint, UsageError
from faceprep.core.progress import Progress
from faceprep.faces.aligner import Aligner, Alignment
from faceprep.faces.photographs import landmarks_in_crop
from faceprep.generators.targets import MOST_INTENSE
from faceprep.inference.clip import LEAST, Clip, one_frame
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace, detector_hint
from faceprep.inference.measure import FaceMeasurer
from faceprep.metrics.workspace_faces import reduce_crop

#: Degree of the polynomials of the filter.
ORDER = 2
#: Share of the frames with the least intensity, whose mean is the neutral face.
NEUTRAL_SHARE = 0.1

_BATCH = 32


@dataclass(frozen=True)
class Drive:
    """Action Units of a clip of T frames.

    `units` are ``(T, 17)`` in [0, 5], interpolated where `missing` is true; `neutral` are the
    indices of the neutral frames; `crops` are the faces ``(S, S, 3) uint8``, None if missing.
    """

    clip: Clip
    units: np.ndarray
    missing: np.ndarray
    neutral: list[int]
    crops: list[np.ndarray | None]
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.units)

    def change(self, window: int) -> np.ndarray:
        """Return the smoothed change from the neutral frames, ``(T, 17)``."""
        smooth = smoothed(self.units, window)
        return np.asarray(smooth - smooth[self.neutral].mean(axis=0))

    def held_crops(self) -> list[np.ndarray]:
        """Return the crops; the last one before, or the first, in place of missing ones."""
        known = np.flatnonzero(~self.missing)
        places = np.searchsorted(known, np.arange(len(self)), side="right") - 1
        return [crop for place in places if (crop := self.crops[known[max(place, 0)]]) is not None]


@dataclass(frozen=True)
class Reenactment:
    """A face, the clip that drives it, and the requested Action Units ``asked (T, 17)``."""

    face: InputFace
    drive: Drive
    window: int
    asked: np.ndarray

    def frames(self, generator: LoadedGenerator) -> Iterator[np.ndarray]:
        """Yield the edited frames ``(S, S, 3) uint8``."""
        for start in range(0, len(self.asked), _BATCH):
            asked = self.asked[start : start + _BATCH]
            sources = self.face.measurements.take(np.zeros(len(asked), np.int64))
            target = generator.editor.targets.make_action_units(asked, sources)
            yield from generator.editor.apply(
                np.repeat(self.face.image[None], len(asked), 0), target
            )

    @property
    def smoothing(self) -> dict[str, Any]:
        """Name and settings of the filter, JSON-ready."""
        window = _fitting(self.window, len(self.asked))
        return {"filter": "Savitzky-Golay", "window": window, "order": min(ORDER, window - 1)}


def check_window(window: int) -> None:
    """Refuse a window that is even or less than 1, with a UsageError."""
    if window < 1 or window % 2 == 0:
        raise UsageError(
            f"the window of the filter is an odd number of frames, not {window}",
            Again({"smooth": max(window + 1, 1)}),
        )


def measure_clip(
    clip: Clip, generator: LoadedGenerator, neutral: int | None, progress: Progress
) -> Drive:
    """Measure the Action Units of every frame.

    Parameters
    ----------
    neutral
        Number of the neutral frame, 1-based; None chooses those with the least total intensity.

    Raises
    ------
    UsageError
        The clip has fewer frames than 2 or than `neutral`, or there is no face in that frame.
    FaceprepError
        No frame shows a face.
    """
    aligner, measurer = Aligner(generator.align, generator.device), FaceMeasurer(generator)
    found: list[_Frame] = []
    progress.start("clip", clip.count)
    for batch in _batches(clip.frames()):
        found += _measure(batch, aligner, measurer, generator.model.size)
        progress.update(len(found))
    progress.finish()
    if len(found) < LEAST:
        raise one_frame(clip.path)
    known = [number for number, frame in enumerate(found) if frame.units is not None]
    if not known:
        raise FaceprepError(
            f"{clip.path}: none of {len(found)} frames shows a face: {found[0].reason}",
            detector_hint(generator),
        )
    chosen = _neutral(found, known, neutral, clip)
    if measurer.backend == "landmarks":
        _compare(found, known, chosen, measurer)
    units = np.stack([found[number].known_units for number in known])
    times = np.arange(len(found))
    filled = np.stack([np.interp(times, known, column) for column in units.T], axis=1)
    missing = np.isin(times, known, invert=True)
    return Drive(clip, filled, missing, chosen, [one.crop for one in found], measurer.notes)


def reenact(face: InputFace, drive: Drive, window: int) -> Reenactment:
    """Add the change of the units in the clip to the units of a face."""
    own = face.measurements.action_units
    assert own is not None
    asked = (own + drive.change(window)).clip(0, MOST_INTENSE).astype(np.float32)
    return Reenactment(face, drive, window, asked)


def smoothed(units: np.ndarray, window: int) -> np.ndarray:
    """Smooth ``(T, 17)`` over time; a window of 1 frame changes nothing."""
    from scipy.signal import savgol_filter

    window = _fitting(window, len(units))
    if window == 1:
        return units
    return np.asarray(savgol_filter(units, window, min(ORDER, window - 1), axis=0))


def _fitting(window: int, count: int) -> int:
    """Return the largest odd window that a clip of `count` frames has."""
    return min(window, count if count % 2 else count - 1)


@dataclass
class _Frame:
    """A frame with a face: its alignment, with the crop in the size of the generator, and units.

    Without one, `units` are None, and `reason` says why.
    """

    aligned: Alignment = field(default_factory=Alignment)
    units: np.ndarray | None = None  # ``(17,)``
    reason: str = ""

    @property
    def known_units(self) -> np.ndarray:
        assert self.units is not None
        return self.units

    @property
    def crop(self) -> np.ndarray | None:
        return None if self.units is None else self.aligned.crop


def _batches(frames: Iterator[np.ndarray | str]) -> Iterator[list[np.ndarray | str]]:
    batch: list[np.ndarray | str] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _measure(
    batch: Sequence[np.ndarray | str], aligner: Aligner, measurer: FaceMeasurer, size: int
) -> list[_Frame]:
    found = []
    images, aligned, shown = [], [], []
    for image in batch:
        frame = _Frame()
        found.append(frame)
        if isinstance(image, str):
            frame.reason = image
            continue
        one = aligner.align_one(image)
        if one.crop is None:
            frame.reason = str(one.columns["reason"])
            continue
        frame.aligned = Alignment(one.columns, reduce_crop(one.crop, size))
        images.append(image)
        aligned.append(one)
        shown.append(frame)
    for frame, measured in zip(shown, measurer.measure(images, aligned), strict=True):
        if isinstance(measured, str):
            frame.reason = measured
        elif measured.action_units is not None:
            frame.units = measured.action_units[0]
    return found


def _neutral(
    found: Sequence[_Frame], known: Sequence[int], asked: int | None, clip: Clip
) -> list[int]:
    if asked is None:
        totals = [float(found[number].known_units.sum()) for number in known]
        count = max(1, round(NEUTRAL_SHARE * len(known)))
        return sorted(known[place] for place in np.argsort(totals, kind="stable")[:count])
    if asked - 1 in known:
        return [asked - 1]
    nearest = min(known, key=lambda number: abs(number - (asked - 1))) + 1
    hint: Hint = (Again({"neutral": nearest}), Again({"neutral": None}, note="chooses it"))
    if 1 <= asked <= len(found):
        raise UsageError(f"frame {asked} of {clip.path}: {found[asked - 1].reason}", hint)
    raise UsageError(f"{clip.path} has frames 1 to {len(found)}, not {asked}", hint)


def _compare(
    found: Sequence[_Frame], known: Sequence[int], neutral: Sequence[int], measurer: FaceMeasurer
) -> None:
    """Estimate all frames once more, now relative to the neutral ones, which is more accurate."""
    rest = np.mean([landmarks_in_crop(found[number].aligned.columns) for number in neutral], axis=0)
    aligned = [found[number].aligned for number in known]
    images = [one.crop for one in aligned if one.crop is not None]  # landmarks are enough
    for number, measured in zip(known, measurer.measure(images, aligned, rest), strict=True):
        if not isinstance(measured, str) and measured.action_units is not None:
            found[number].units = measured.action_units[0]
