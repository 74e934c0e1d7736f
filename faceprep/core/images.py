"""Read image files of many formats as uint8 RGB arrays, and write PNG files.

Plain 8-bit JPEG and PNG (nearly every frame of a dataset) are decoded by OpenCV, all other kinds by
Pillow. The choice depends on the file alone, so the same file always gives the same pixels.

=====================  =====================================================================
in the file            in the array
=====================  =====================================================================
EXIF orientation       rotated and mirrored upright
gray                   three equal channels
16 bits a channel      the high byte, which is value / 257 to within one level
alpha, transparency    composed on white, as viewers show it: the colours of
                       transparent pixels are often garbage
palette, 1 bit         converted to RGB
CMYK, YCCK JPEG        RGB; inverted as Adobe writes them
several frames         the first: of an animation, of the pages of a TIFF, of an MPO
colour profile         ignored
=====================  =====================================================================
"""

import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceprep.core.errors import FaceprepError
from faceprep.core.file_kinds import UNKNOWN, kind_of
from faceprep.core.image_header import add_text, read_header

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 100_000_000

# Pillow reads many more formats; some run other programs or are not images.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
_EXIF_ORIENTATION = 0x0112

# Largest number of bytes per pixel in a file without compression: four channels of 16 bits.
_BYTES_PER_PIXEL = 8
_HEADER_BYTES = 1 << 20

# Pixels converted at a time by Pillow, to limit the memory.
_BAND_PIXELS = 4_000_000

# Run lengths over the "sub" filter, OpenCV's default: 0.45 ms and 25 kB per 128×128 crop. Level 1
# with the usual strategy takes 0.1–0.4 ms longer and saves nothing on grainy colour images.
_PNG_SETTINGS = (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)


class UnreadableImage(FaceprepError):
    """A file is not an image that can be decoded completely; the message tells why."""


def read_image(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an image file.

    Parameters
    ----------
    max_pixels
        Larger images are refused by their header, before memory is allocated for pixels.

    Returns
    -------
    ``(H, W, 3) uint8`` RGB, C-contiguous, upright.

    Raises
    ------
    UnreadableImage
        The file cannot be read, is not an image, is truncated, damaged or too large.
    """
    return decode_image(read_file(path, max_pixels), max_pixels)


def read_file(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Read the bytes of a file that may be an image of up to `max_pixels`.

    Raises
    ------
    UnreadableImage
        The file does not exist, may not be read, is empty, is not a regular file (reading a pipe
        would wait forever) or is longer than any image of so many pixels.
    """
    try:
        # O_NONBLOCK: opening a pipe without a writer returns instead of waiting.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                raise UnreadableImage("is no regular file")
            if state.st_size == 0:
                raise UnreadableImage("is empty")
            if state.st_size > max_pixels * _BYTES_PER_PIXEL + _HEADER_BYTES:
                raise UnreadableImage(
                    f"too large: {state.st_size} bytes are more than {max_pixels} pixels can need"
                )
            return stream.read()
    except IsADirectoryError:
        raise UnreadableImage("is a folder") from None
    except OSError as error:
        raise UnreadableImage(f"cannot be opened: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise UnreadableImage(f"cannot be opened: {error}") from None


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode the bytes of an image file; see `read_image`.

    Raises
    ------
    UnreadableImage
        They are not an image, truncated or damaged, or the image has more than `max_pixels`.
    """
    header = read_header(data)
    if header is not None:
        _check_size(header.width, header.height, max_pixels)
        if header.fault is not None:
            raise UnreadableImage(header.fault)
        if header.plain:
            flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
            try:
                image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
            except cv2.error:
                image = None
            if image is not None:
                return _upright(image, _exif_orientation(data)) if header.has_exif else image
    return _decode_with_pillow(data, max_pixels)


def write_png(path: Path, image: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """Write ``(H, W, 3) uint8`` RGB or ``(H, W) uint8`` gray as PNG; return the bytes written.

    The same pixels give the same bytes (within one version of OpenCV).

    Parameters
    ----------
    text
        Texts by keyword to add to the file, e.g. `faceprep.core.marks.MARK`.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    data = encode_png(image)
    if text:
        data = add_text(data, text)
    with path.open("wb", buffering=0) as stream:
        written = stream.write(data)
        while written < len(data):  # a nearly full disk accepts a part; the next write fails
            written += stream.write(data[written:])
    return data


def encode_png(image: np.ndarray) -> bytes:
    """Encode ``(H, W, 3) uint8`` RGB or ``(H, W) uint8`` gray as PNG."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", image, _PNG_SETTINGS)
    if not done:
        raise ValueError(f"no PNG can hold an image of shape {image.shape}")
    return data.tobytes()


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UnreadableImage(
            f"too large: {width}×{height} pixels, the limit is {max_pixels} (align.max_pixels)"
        )


def _decode_with_pillow(data: bytes, max_pixels: int) -> np.ndarray:
    """Decode an image that OpenCV does not decode."""
    import warnings

    from PIL import Image, UnidentifiedImageError

    content = kind_of(data)
    if not content.image and content is not UNKNOWN:  # Pillow reads the thumbnail of a camera file
        raise UnreadableImage(f"is no image that is read, but {content}")
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=formats) as image:
                _check_size(*image.size, max_pixels)
                image.load()
                # TIFF is rotated while it loads, and its tag removed: read it afterwards.
                orientation = _orientation_of(image)
                return _upright(_rgb(image), orientation)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage("is no image, or of an unknown format") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"too large: {error}") from None
    except MemoryError:
        raise UnreadableImage("too large: out of memory") from None
    except Exception as error:  # plugins raise many kinds of errors on damaged files
        text = str(error) or type(error).__name__
        kind = "" if text.startswith(("truncated", "damaged")) else "damaged: "
        kind = "truncated: " if "truncated" in text.lower() else kind
        raise UnreadableImage(f"{kind}{text}") from None


def _rgb(image: "Image.Image") -> np.ndarray:
    """Convert a loaded Pillow image to ``(H, W, 3) uint8``, a band of rows at a time (memory)."""
    # 16 bits are of mode I;16…, in older versions I. A TIFF of 32 bits has no known range.
    if image.mode == "I" and image.format not in ("PNG", "PPM", "JPEG2000"):
        raise UnreadableImage("has 32 bits a channel; their range is unknown")
    if image.mode == "F":
        raise UnreadableImage("has floating-point pixels; their range is unknown")
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(_BAND_PIXELS // width, 1)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = _band(image.crop((0, top, width, bottom)))
    return pixels


def _band(image: "Image.Image") -> np.ndarray:
    """Convert a part of an image to ``(h, w, 3)``; 16-bit gray to ``(h, w, 1)``."""
    from PIL import Image

    if image.mode.startswith("I"):
        return np.asarray(image)[..., None] >> 8
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _exif_orientation(data: bytes) -> int:
    """Return the EXIF orientation of a JPEG or PNG, 1 to 8."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
                return _orientation_of(image)
    except Exception:  # damaged EXIF leaves the pixels intact
        return 1


def _orientation_of(image: "Image.Image") -> int:
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
        return int(value) if value in range(1, 9) else 1
    except Exception:  # the EXIF of some cameras and editors breaks the parser
        return 1


def _upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate and mirror an image upright, given its EXIF orientation (EXIF 2.3, table 6)."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
