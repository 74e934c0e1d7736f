"""Draw text with the font that is part of Pillow, so that a sheet is equal on all machines."""

import unicodedata
from functools import cache

from PIL import ImageDraw, ImageFont

INK = (28, 32, 38)

_LETTERS = {"–": "-", "—": "-", "−": "-", "×": "x", "→": ">", "≥": ">=", "≤": "<=", "ß": "ss"}


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's built-in font; ``size`` in pixels."""
    return ImageFont.load_default(size)


def printable(text: str) -> str:
    """Return a text without accents, with ``?`` for letters that the font lacks."""
    text = "".join(_LETTERS.get(letter, letter) for letter in text)
    plain = unicodedata.normalize("NFKD", text.replace("…", "\0"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    kept = (letter if " " <= letter <= "~" or letter in "·\0" else "?" for letter in plain)
    return "".join(kept).replace("\0", "…")


def width_of(text: str, size: float) -> float:
    """Return the width of one line, pixels."""
    words = printable(text).split(" ")
    return sum(map(font(size).getlength, words)) + (len(words) - 1) * _space(size)


def shorten(text: str, size: float, width: float, keep_end: bool = False) -> str:
    """Cut a line to ``width`` pixels and mark the cut with an ellipsis."""
    text = printable(text)
    if width_of(text, size) <= width:
        return text
    for length in range(len(text) - 1, 0, -1):
        cut = "…" + text[-length:] if keep_end else text[:length].rstrip() + "…"
        if width_of(cut, size) <= width:
            return cut
    return "…"


def wrap(text: str, size: float, width: float, lines: int) -> list[str]:
    """Break a text into at most ``lines`` lines of ``width`` pixels; the last one is cut."""
    words = printable(text).split()
    done: list[str] = []
    while words and len(done) < lines - 1:
        count = 1
        while count < len(words) and width_of(" ".join(words[: count + 1]), size) <= width:
            count += 1
        done.append(shorten(" ".join(words[:count]), size, width))
        words = words[count:]
    return [*done, shorten(" ".join(words), size, width)] if words else done


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: float,
    colour: tuple[int, int, int] = INK,
    anchor: str = "la",
) -> float:
    """Write one line, and return the x coordinate of its end in pixels.

    ``anchor`` is Pillow's: ``la`` starts at the point, ``ma`` is centred on it, ``ra`` ends there.
    """
    x = at[0] - {"l": 0, "m": 0.5, "r": 1}[anchor[0]] * width_of(text, size)
    for word in printable(text).split(" "):
        draw.text((x, at[1]), word, font=font(size), fill=colour, anchor="l" + anchor[1:])
        x += font(size).getlength(word) + _space(size)
    return x - _space(size)


def _space(size: float) -> float:
    """Return the width of a space in pixels; that of the font is too narrow at small sizes."""
    return 0.3 * size
