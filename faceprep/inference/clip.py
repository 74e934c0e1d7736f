"""Read the frames of a clip: a folder of images, or a video that PyAV decodes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.core.errors import Again, FaceprepError, Hint, MissingToolError, Shell, UsageError
from faceprep.core.file_kinds import UNKNOWN, kind_of_file
from faceprep.core.files import nearest_path
from faceprep.core.images import UnreadableImage, read_image
from faceprep.core.tree import is_image, is_system_file

#: Frames per second of a folder.
FOLDER_RATE = 25.0
#: Least number of frames of a clip.
LEAST = 2

PYAV = "av"


@dataclass(frozen=True)
class Clip:
    """A clip, whose frames are read when they are needed."""

    path: Path
    files: tuple[Path, ...]  # frames of a folder in their order; empty for a video
    rate: float  # frames per second
    count: int | None  # number of frames; None if the video does not tell
    max_pixels: int

    def frames(self) -> Iterator[np.ndarray | str]:
        """Yield frames ``(H, W, 3) uint8`` RGB, or the reason why one cannot be read.

        Raises
        ------
        FaceprepError
            The video is damaged.
        """
        if not self.files:
            yield from _decode(self.path)
        for file in self.files:
            try:
                yield read_image(file, self.max_pixels)
            except UnreadableImage as error:
                yield error.message


def open_clip(word: str, max_pixels: int, rate: float | None = None) -> Clip:
    """Open a folder of frames, sorted by name and number, or a video.

    Parameters
    ----------
    word
        Path as it was typed.
    max_pixels
        Largest number of pixels of a frame.
    rate
        Frames per second; None takes that of the video, or `FOLDER_RATE`.

    Raises
    ------
    UsageError
        There is no such clip, it is no video, or it has one frame.
    MissingToolError
        It is a video, and PyAV is not installed.
    """
    path = Path(word)
    if path.is_dir():
        files = sorted(
            (one for one in path.iterdir() if is_image(one.name) and not is_system_file(one.name)),
            key=_in_order,
        )
        if not files:
            raise UsageError(f"{path} has no images", _folder_with_images(word))
        if len(files) < LEAST:
            raise one_frame(path)
        return Clip(path, tuple(files), rate or FOLDER_RATE, len(files), max_pixels)
    if not path.exists():
        near = nearest_path(path)
        hint: Hint = "name a folder of frames, or a video"
        raise UsageError(
            f"there is no clip {path}", Again(arguments={word: str(near)}) if near else hint
        )
    kind = kind_of_file(str(path))
    animation = kind.image and _starts(path, b"GIF8")
    if kind.image and not animation:
        raise one_frame(path)
    if not (animation or kind.what == "a video" or kind == UNKNOWN):
        raise _no_video(path, kind.what)
    return _open_video(path, max_pixels, rate)


def one_frame(path: Path) -> UsageError:
    """Return the error for a clip of one frame."""
    message = f"{path} has one frame, and a clip at least {LEAST}"
    return UsageError(message, "the verb transfer gives a face the expression of one picture")


def require_pyav(what: str) -> Any:
    """Return the module of PyAV; MissingToolError, which begins with `what`, without it."""
    if find_spec(PYAV) is None:
        raise MissingToolError(
            f"{what} needs PyAV, which is not installed", Shell(("pip", "install", PYAV))
        )
    import av

    return av


def _open_video(path: Path, max_pixels: int, rate: float | None) -> Clip:
    av = require_pyav(f"the video {path}")
    try:
        with av.open(str(path.absolute())) as container:
            streams = container.streams.video
            if not streams:
                raise _no_video(path, "a file without pictures")
            stream = streams[0]
            pixels = stream.codec_context.width * stream.codec_context.height
            own, count = stream.average_rate, stream.frames or None
    except av.error.FFmpegError:
        raise _no_video(path, "damaged, or of an unknown format") from None
    if pixels > max_pixels:
        raise FaceprepError(
            f"{path}: a frame has {pixels:,} pixels, and align.max_pixels is {max_pixels:,}",
            "make the video smaller",
        )
    return Clip(path, (), rate or float(own or FOLDER_RATE), count, max_pixels)


def _decode(path: Path) -> Iterator[np.ndarray]:
    av = require_pyav(f"the video {path}")
    done = 0
    try:
        with av.open(str(path.absolute())) as container:
            for frame in container.decode(video=0):
                yield upright(frame.to_ndarray(format="rgb24"), getattr(frame, "rotation", 0))
                done += 1
    except av.error.FFmpegError as error:
        raise FaceprepError(
            f"{path} cannot be decoded after frame {done}: {error.strerror or error}",
            "write the video again, or extract its frames into a folder",
        ) from None


def upright(image: np.ndarray, rotation: int) -> np.ndarray:
    """Turn a frame counterclockwise by the rotation in degrees that a camera recorded."""
    return np.ascontiguousarray(np.rot90(image, round(rotation / 90) % 4))


def _no_video(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{path} is no video: it is {what}", "name a folder of frames, or a video (MP4, MOV, GIF …)"
    )


def _starts(path: Path, signature: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(signature)) == signature


def _in_order(file: Path) -> list[Any]:
    """Return a key that sorts ``frame-9`` before ``frame-10``."""
    parts = re.split(r"(\d+)", file.name.lower())
    return [int(part) if part.isdecimal() else part for part in parts]


def _folder_with_images(word: str) -> Hint:
    """Return the command with the first folder below that holds images."""
    below = (one for one in sorted(Path(word).rglob("*")) if is_image(one.name) and one.is_file())
    first = next(below, None)
    if first is None:
        return "name a folder of frames, or a video"
    return Again(arguments={word: str(first.parent)}, note="the first folder with images")
