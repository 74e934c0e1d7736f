"""Write and read text in PNG files: ``tEXt`` chunks (PNG specification, third edition, 11.3.3)."""

import zlib
from collections.abc import Mapping

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FIRST_CHUNK_END = 33


def add_text(png: bytes, text: Mapping[str, str]) -> bytes:
    """Return a PNG file with texts added after its header.

    Parameters
    ----------
    png
        Content of a PNG file.
    text
        Keyword (1 to 79 characters) → text, both Latin-1.

    Raises
    ------
    ValueError
        It is not a PNG file, or a keyword or text is not allowed in one.
    """
    if not png.startswith(_SIGNATURE) or png[12:16] != b"IHDR":
        raise ValueError("not a PNG file")
    chunks = b"".join(_chunk(keyword, words) for keyword, words in text.items())
    return png[:_FIRST_CHUNK_END] + chunks + png[_FIRST_CHUNK_END:]


def read_text(png: bytes) -> dict[str, str]:
    """Return the texts of a PNG file by keyword."""
    found, position = {}, len(_SIGNATURE)
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
