"""Write movies of synthetic faces frame by frame: MP4 with PyAV, GIF with Pillow."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faceprep.core.files import output_file
from faceprep.core.marks import as_comment
from faceprep.inference.clip import require_pyav

#: Adds a frame ``(H, W, 3) uint8`` RGB to a movie.
AddFrame = Callable[[np.ndarray], None]

FORMATS = (".mp4", ".gif")
_TITLE = "synthetic face"
_ADVICE = "write it in another folder with -o"

#: Constant rate factor of H.264, visually lossless; MPEG-4 takes a bit rate instead.
_CRF = "17"
_BITS_PER_PIXEL = 2


@contextmanager
def open_movie(path: Path, rate: float, marks: Mapping[str, str]) -> Iterator[AddFrame]:
    """Open an MP4 or a GIF, by its suffix, to which frames of one size are added.

    It is written atomically, and has the marks as its comment.

    Parameters
    ----------
    rate
        Frames per second.

    Raises
    ------
    FaceprepError
        The file cannot be written.
    MissingToolError
        It is an MP4, and PyAV is not installed.
    """
    write = _gif if path.suffix.lower() == ".gif" else _mp4
    with output_file(path, _ADVICE) as aside, write(aside, rate, as_comment(marks)) as add:
        yield add


@contextmanager
def _mp4(path: Path, rate: float, comment: str) -> Iterator[AddFrame]:
    av = require_pyav("an MP4")
    metadata = {"title": _TITLE, "comment": comment}
    # The description of the movie comes first, so that players and `is_own_file` find it at once.
    options = {"movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata.update(metadata)
        stream: Any = None

        def add(image: np.ndarray) -> None:
            nonlocal stream
            image = even(image)
            if stream is None:
                stream = _stream(av, container, image.shape[1], image.shape[0], rate)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))

        yield add
        if stream is not None:
            container.mux(stream.encode(None))


def _stream(av: Any, container: Any, width: int, height: int, rate: float) -> Any:
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    stream = container.add_stream(codec, rate=Fraction(rate).limit_denominator(1001))
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    if codec == "libx264":
        stream.options = {"crf": _CRF}
    else:
        stream.bit_rate = round(_BITS_PER_PIXEL * width * height * rate)
    return stream


def even(image: np.ndarray) -> np.ndarray:
    """Repeat the last row and column of an image where yuv420p needs even sides."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


@contextmanager
def _gif(path: Path, rate: float, comment: str) -> Iterator[AddFrame]:
    frames: list[Image.Image] = []
    yield lambda image: frames.append(Image.fromarray(image).quantize(256))
    frames[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / rate),
        loop=0,
        comment=comment.encode(),
    )
