"""Read the headers of JPEG and PNG files, which takes microseconds, and the texts of PNG files.

Sources: ITU-T T.81 annex B (JPEG markers); PNG specification, third edition (chunks; ``tEXt``:
11.3.3).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_FIRST_CHUNK_END = 33

_START_OF_IMAGE, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # tables that share the range of the frame markers
_WITHOUT_BODY = (0x01, *range(0xD0, 0xD8))
_APP1, _START_OF_SCAN = 0xE1, 0xDA


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Properties of an image file."""

    #: Size in pixels as stored, before any EXIF orientation.
    width: int
    height: int
    #: Whether it is complete 8-bit gray or RGB (JPEG: YCbCr), without transparency or frames.
    plain: bool
    has_exif: bool = False  # whether there is an EXIF block, which may hold an orientation
    fault: str | None = None  # why the file cannot be decoded completely; None if no fault is known


def read_header(data: bytes) -> ImageHeader | None:
    """Return the header of a JPEG or PNG file, given its bytes; None for other files."""
    if data.startswith(_PNG_SIGNATURE):
        return _png_header(data)
    if data.startswith(_START_OF_IMAGE):
        return _jpeg_header(data)
    return None


def _jpeg_header(data: bytes) -> ImageHeader | None:
    """Read the markers up to the first scan; None if there is no scan."""
    position, exif = 2, False
    frame: tuple[int, int, bool] | None = None
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker in _WITHOUT_BODY:
            position += 2
            continue
        body = position + 4
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES and body + 6 <= len(data):
            usual = marker in _HUFFMAN_FRAMES and data[body] == 8 and data[body + 5] in (1, 3)
            height = int.from_bytes(data[body + 1 : body + 3], "big")
            width = int.from_bytes(data[body + 3 : body + 5], "big")
            frame = (width, height, usual and width > 0 and height > 0)
        elif marker == _APP1 and data[body : body + 6] == b"Exif\0\0":
            exif = True
        elif marker == _START_OF_SCAN:
            if frame is None:
                return None
            # Without its end marker the file may be truncated, and some versions of OpenCV return a
            # half gray picture. The end marker of a thumbnail comes before the scan.
            whole = data.rfind(_END_OF_IMAGE, body) >= 0
            return ImageHeader(frame[0], frame[1], frame[2] and whole, exif)
        position += 2 + int.from_bytes(data[position + 2 : body], "big")
    return None


def _png_header(data: bytes) -> ImageHeader:
    """Read all chunks, verifying the checksums of pixels, which not every decoder does."""
    if len(data) < _PNG_FIRST_CHUNK_END or data[12:16] != b"IHDR":
        return ImageHeader(0, 0, False, fault="truncated: the PNG ends in its header")
    width = int.from_bytes(data[16:20], "big")
    height = int.from_bytes(data[20:24], "big")
    plain = data[24] == 8 and data[25] in (0, 2)  # 8 bits a channel; gray, RGB
    position, exif, view = _PNG_FIRST_CHUNK_END, False, memoryview(data)
    fault = None
    while True:
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if len(kind) < 4 or end > len(data):
            fault = "truncated: the PNG ends before its end chunk"
            break
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            stored = int.from_bytes(data[end - 4 : end], "big")
            if zlib.crc32(view[position + 4 : end - 4]) != stored:
                fault = "damaged: a PNG chunk does not match its checksum"
                break
        plain = plain and kind not in (b"tRNS", b"acTL")  # transparency, animation
        exif = exif or kind == b"eXIf"
        position = end
    return ImageHeader(width, height, plain and fault is None, exif, fault)


def add_text(png: bytes, text: Mapping[str, str]) -> bytes:
    """Return a PNG file with texts added after its header.

    Parameters
    ----------
    text
        Keyword (1 to 79 characters) → text, both Latin-1.

    Raises
    ------
    ValueError
        It is not a PNG file, or a keyword or text is not allowed in one.
    """
    if not png.startswith(_PNG_SIGNATURE) or png[12:16] != b"IHDR":
        raise ValueError("not a PNG file")
    chunks = b"".join(_chunk(keyword, words) for keyword, words in text.items())
    return png[:_PNG_FIRST_CHUNK_END] + chunks + png[_PNG_FIRST_CHUNK_END:]


def read_text(png: bytes) -> dict[str, str]:
    """Return the texts of a PNG file by keyword."""
    found, position = {}, len(_PNG_SIGNATURE)
    while position + 12 <= len(png):
        end = position + 12 + int.from_bytes(png[position : position + 4], "big")
        if png[position + 4 : position + 8] == b"tEXt":
            keyword, _, words = png[position + 8 : end - 4].partition(b"\0")
            found[keyword.decode("latin-1")] = words.decode("latin-1")
        position = end
    return found


def _chunk(keyword: str, words: str) -> bytes:
    body = b"tEXt" + keyword.encode("latin-1") + b"\0" + words.encode("latin-1")
    if not 1 <= len(keyword) <= 79 or body.count(b"\0") > 1:
        raise ValueError(f"no keyword of a PNG file: {keyword!r}")
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
