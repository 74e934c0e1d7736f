"""Read the comment of a GIF or an MP4 file without decoding it.

Sources: GIF89a specification, sections 18, 20, 24 and 26; ISO/IEC 14496-12, section 4.2 (boxes);
QuickTime File Format Specification, metadata item list (``©cmt``).
"""

import os
from pathlib import Path
from typing import BinaryIO

_EXTENSION, _IMAGE, _COMMENT = 0x21, 0x2C, 0xFE
_GIF_HEADER = 13
_GIF_BYTES = 1 << 16  # before the first image
_MOVIE_BYTES = 1 << 26  # of the box with the metadata


def read_comment(path: Path) -> str:
    """Return the comment of a GIF or MP4 file; empty without one, or for another file.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
        stream.seek(0)
        if head[:4] == b"GIF8":
            return _gif_comment(stream.read(_GIF_BYTES))
        return _mp4_comment(stream) if head[4:] == b"ftyp" else ""


def _gif_comment(data: bytes) -> str:
    if len(data) < _GIF_HEADER:
        return ""
    flags = data[10]
    position = _GIF_HEADER + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while position + 2 < len(data) and data[position] == _EXTENSION:
        label, position, blocks = data[position + 1], position + 2, []
        while position < len(data) and data[position]:
            size = data[position]
            blocks.append(data[position + 1 : position + 1 + size])
            position += 1 + size
        position += 1
        if label == _COMMENT:
            return b"".join(blocks).decode("utf-8", "replace")
    return ""


def _mp4_comment(stream: BinaryIO) -> str:
    """Walk the boxes of the file up to the one that describes the movie."""
    while len(header := stream.read(8)) == 8:
        size, kind = int.from_bytes(header[:4], "big"), header[4:]
        if size == 1:  # the size follows in 8 bytes
            size = int.from_bytes(stream.read(8), "big") - 8
        if kind == b"moov":
            box = stream.read(min(max(size - 8, 0) or _MOVIE_BYTES, _MOVIE_BYTES))
            _, _, item = box.partition(b"\xa9cmt")
            end = int.from_bytes(item[:4], "big")
            # size, the word data, type, locale, text
            return item[16:end].decode("utf-8", "replace") if item[4:8] == b"data" else ""
        if size < 8:  # the box reaches to the end of the file, or is damaged
            break
        stream.seek(size - 8, os.SEEK_CUR)
    return ""
