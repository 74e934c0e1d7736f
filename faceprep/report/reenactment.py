"""Movie and frames of ``reenact``, and where they are written."""

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.core.errors import Again, Shell, UsageError
from faceprep.core.marks import free_path, keep_foreign
from faceprep.core.progress import Progress
from faceprep.core.vocabulary import INTENSITY_AUS, plural
from faceprep.inference.clip import PYAV, Clip, require_pyav
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace
from faceprep.inference.reenact import Reenactment
from faceprep.report.movies import FORMATS, open_movie
from faceprep.report.sheets.grid import write_marked
from faceprep.report.sheets.inference import Written


def movie_paths(face: InputFace, clip: Clip, out: Path | None) -> list[Path]:
    """Choose the paths of the movies.

    Parameters
    ----------
    out
        An MP4, beside which a GIF is written, or a GIF alone; a folder, or None for the current
        one, for both. Without PyAV a folder gets the GIF alone.

    Raises
    ------
    UsageError
        `out` has another suffix, or a file would be replaced that faceprep did not write.
    MissingToolError
        `out` is an MP4, and PyAV is not installed.
    """
    if out is None or out.is_dir() or not out.suffix:
        stem = (out or Path()) / f"{face.name}-as-{clip.path.absolute().stem}"
        suffixes = FORMATS if find_spec(PYAV) is not None else FORMATS[1:]
        paths = [stem.with_name(stem.name + suffix) for suffix in suffixes]
    elif out.suffix.lower() not in FORMATS:
        raise UsageError(
            f"a movie is an MP4 or a GIF, not {out.name}", Again({"-o": out.with_suffix(".mp4")})
        )
    else:
        gif = out.suffix.lower() == ".gif"
        paths = [out] if gif else [out, out.with_suffix(".gif")]
        if not gif:
            require_pyav("an MP4")
    if any(path.resolve() == clip.path.resolve() for path in paths):
        new = paths[0].with_name(f"new-{paths[0].name}")
        raise UsageError(
            f"{clip.path} is the clip and would be overwritten", Again({"-o": free_path(new)})
        )
    keep_foreign(paths, "-o")
    return paths


def frame_paths(folder: Path | None, count: int) -> list[Path]:
    """Choose the paths of the frames, ``000001.png`` and so on; none without a folder.

    UsageError if the folder holds other frames, or a file that faceprep did not write.
    """
    if folder is None:
        return []
    paths = [folder / f"{number:06d}.png" for number in range(1, count + 1)]
    later = sorted({*folder.glob("[0-9]*.png")} - {*paths})
    if later:
        raise UsageError(
            f"{folder} holds frames of another clip, such as {later[0].name}",
            Again({"--frames": free_path(folder)}),
        )
    keep_foreign(paths, "--frames")
    return paths


def write_reenactment(
    done: Reenactment,
    generator: LoadedGenerator,
    movies: list[Path],
    frames: list[Path],
    *,
    beside: bool,
    progress: Progress,
) -> Written:
    """Write the movies and, if wanted, every frame as a PNG.

    Parameters
    ----------
    movies, frames
        Paths of `movie_paths` and `frame_paths`.
    beside
        Draw the face of the clip to the left of the edited one.
    """
    drive = done.drive
    marks = generator.marks(source=done.face.name, clip=drive.clip.path.name)
    progress.start("edit", len(drive))
    with ExitStack() as stack:
        adders = [stack.enter_context(open_movie(path, drive.clip.rate, marks)) for path in movies]
        for number, image in enumerate(_pictures(done, generator, beside)):
            for add in adders:
                add(image)
            if frames:
                write_marked(image, frames[number], {**marks, "frame": str(number + 1)}, "--frames")
            progress.update(number + 1)
    progress.finish()
    return Written(
        [*movies, *(path.parent for path in frames[:1])],
        _data(done, generator, movies, frames),
        _lines(done),
    )


def _pictures(done: Reenactment, generator: LoadedGenerator, beside: bool) -> Iterator[np.ndarray]:
    if not beside:
        yield from done.frames(generator)
        return
    for crop, image in zip(done.drive.held_crops(), done.frames(generator), strict=True):
        yield np.concatenate([crop, image], axis=1)


def _lines(done: Reenactment) -> list[str]:
    drive = done.drive
    missing = int(drive.missing.sum())
    held = f", {missing} without a face: interpolated" if missing else ""
    neutral = ", ".join(str(number + 1) for number in drive.neutral[:5])
    more = f" and {len(drive.neutral) - 5} more" if len(drive.neutral) > 5 else ""
    window = done.smoothing["window"]
    smooth = "not smoothed" if window == 1 else f"Savitzky-Golay over {window} frames"
    return [
        f"{plural(len(drive), 'frame')} at {drive.clip.rate:g}/s{held}; neutral:"
        f" {plural(len(drive.neutral), 'frame')} ({neutral}{more}); {smooth}"
    ]


def _data(
    done: Reenactment, generator: LoadedGenerator, movies: list[Path], frames: list[Path]
) -> dict[str, Any]:
    drive = done.drive
    return {
        "kind": "reenactment",
        "generator": generator.name,
        "source": done.face.source,
        "clip": str(drive.clip.path),
        "movies": [str(path) for path in movies],
        "pictures": [str(path) for path in frames],
        "rate": drive.clip.rate,
        "frames": len(drive),
        "missing": [number + 1 for number in np.flatnonzero(drive.missing).tolist()],
        "neutral": [number + 1 for number in drive.neutral],
        "smoothing": done.smoothing,
        "units": list(INTENSITY_AUS),
        "asked": np.asarray(done.asked, np.float64).round(3).tolist(),
    }


def note_without_pyav(movies: list[Path]) -> Shell | None:
    """Return how to get an MP4 as well, if none is written because PyAV is missing."""
    if find_spec(PYAV) is not None or any(path.suffix.lower() == ".mp4" for path in movies):
        return None
    return Shell(("pip", "install", PYAV), note="to write an MP4 as well")
