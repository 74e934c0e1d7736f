"""Sheets of faces in rows and columns, with names."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from faceprep.core.errors import Again, UsageError
from faceprep.core.files import output_file
from faceprep.core.marks import MARK, keep_foreign
from faceprep.report.sheets.drawing import GRAY, PAPER, fit, rounded, stack
from faceprep.report.sheets.text import shorten, write

_TILE, _GUTTER, _MARGIN, _LABEL = 128, 8, 32, 110
_HEADER, _TITLE, _CAPTION = 84, 44, 20


@dataclass(frozen=True)
class Line:
    """One row of faces ``(H, W, 3) uint8``, where None leaves a gap, with text below each tile."""

    name: str
    tiles: Sequence[np.ndarray | None]
    captions: Sequence[str] = ()


def check_png(out: Path, flag: str, what: str = "a contact sheet") -> None:
    """Refuse a file that is not a PNG, or not faceprep's own, before anything is computed."""
    if out.suffix.lower() != ".png":
        raise UsageError(f"{what} is a PNG, not {out.name}", Again({flag: out.with_suffix(".png")}))
    keep_foreign([out], flag)


def width_for(columns: int) -> int:
    """Return the width of a sheet with this number of columns, pixels."""
    return 2 * _MARGIN + _LABEL + columns * (_TILE + _GUTTER)


def header(title: str, note: str, width: int) -> Image.Image:
    """Draw a title and a line of text below it; the beginning of a long title is cut."""
    block = Image.new("RGB", (width, _HEADER), PAPER)
    draw = ImageDraw.Draw(block)
    room = width - 2 * _MARGIN
    write(draw, (_MARGIN, 24), shorten(title, 20, room, keep_end=True), 20)
    write(draw, (_MARGIN, 54), shorten(note, 14, room), 14, GRAY)
    return block


def grid(title: str, columns: Sequence[str], lines: Sequence[Line], width: int) -> Image.Image:
    """Draw rows of faces under a title and the names of the columns."""
    step = _TILE + _GUTTER + (_CAPTION if any(line.captions for line in lines) else 0)
    top = _TITLE if title else 8
    block = Image.new("RGB", (width, top + 20 + len(lines) * step + _GUTTER), PAPER)
    draw = ImageDraw.Draw(block)
    write(draw, (_MARGIN, 12), shorten(title, 18, width - 2 * _MARGIN, keep_end=True), 18)
    for number, name in enumerate(columns):
        x = _MARGIN + _LABEL + number * (_TILE + _GUTTER)
        write(draw, (x, top), shorten(name, 13, _TILE), 13, GRAY)
    for number, line in enumerate(lines):
        y = top + 20 + number * step
        write(draw, (_MARGIN, y + 4), shorten(line.name, 13, _LABEL - 8), 13, GRAY)
        for column, tile in enumerate(line.tiles):
            x = _MARGIN + _LABEL + column * (_TILE + _GUTTER)
            if tile is not None:
                block.paste(rounded(fit(tile, _TILE)[0]), (x, y))
        for column, caption in enumerate(line.captions):
            x = _MARGIN + _LABEL + column * (_TILE + _GUTTER)
            write(draw, (x, y + _TILE + 3), shorten(caption, 12, _TILE, keep_end=True), 12, GRAY)
    return block


def write_sheet(
    blocks: Sequence[Image.Image],
    out: Path,
    marks: Mapping[str, str] | None = None,
    flag: str = "-o",
) -> Image.Image:
    """Write blocks of one width from top to bottom, and return the sheet; see `write_marked`."""
    sheet = stack(blocks)
    write_marked(sheet, out, marks, flag)
    return sheet


def write_marked(
    image: Image.Image | np.ndarray,
    out: Path,
    marks: Mapping[str, str] | None = None,
    flag: str = "-o",
) -> None:
    """Write a PNG with text metadata (chunks ``tEXt`` and ``iTXt``) atomically.

    Parameters
    ----------
    image
        May be ``(H, W, 3) uint8`` RGB.
    marks
        Keyword → text, besides faceprep's mark.
    flag
        Flag that names the file, for the hint.

    Raises
    ------
    FaceprepError
        The file cannot be written.
    """
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    text_chunks = PngImagePlugin.PngInfo()
    for key, text in {**MARK, **(marks or {})}.items():
        text_chunks.add_text(key, text)
    with output_file(out, f"draw it in another folder with {flag}") as aside:
        data = io.BytesIO()  # Pillow's errors of writing do not say that the disk is full
        picture.save(data, format="PNG", compress_level=3, pnginfo=text_chunks)
        aside.write_bytes(data.getbuffer())
