"""The contact sheet of edits: unseen people by expressions, one by intensity, new people."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from faceprep.errors import UsageError
from faceprep.evaluation.edits_workspace import Evaluated
from faceprep.report.drawing import GRAY, PAPER, fit, rounded, shorten, stack, write
from faceprep.report.whole_file import written_whole

ROWS = 8
NEW_PEOPLE = 3
_TILE, _GUTTER, _MARGIN, _LABEL = 128, 8, 32, 110
_HEADER, _TITLE = 84, 44
_LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def check_sheet(out: Path) -> None:
    """Raise before anything is computed for a sheet that cannot be drawn.

    Raises
    ------
    UsageError
        When the file is no PNG.
    """
    if out.suffix.lower() != ".png":
        raise UsageError(f"a contact sheet is a PNG, not {out.name}", f"--sheet {out.stem}.png")


def draw_sheet(found: Evaluated, out: Path, *, rows: int = ROWS, seed: int = 0) -> None:
    """Draw edits of the test faces, of one person by intensity, and new people.

    Parameters
    ----------
    found
        What was evaluated.
    out
        The PNG to write; its folder is made.
    rows
        How many people, of different expressions as far as there are.
    seed
        Another seed shows other people.

    Raises
    ------
    UsageError, FaceprepError
        It is no PNG, or cannot be written.
    """
    check_sheet(out)
    classes = found.editor.generator.classes
    chosen = choose_sources(found.test.subjects, found.test.expressions, rows, seed)
    images = found.test.images[chosen]
    edited = [found.editor.edit(images, name) for name in classes]
    width = 2 * _MARGIN + _LABEL + max(len(classes) + 1, len(_LEVELS)) * (_TILE + _GUTTER)
    blocks = [_header(found, width)]
    lines = [
        (found.test.expressions[row], [images[number], *(made[number] for made in edited)])
        for number, row in enumerate(chosen)
    ]
    blocks.append(_grid("Unseen people", ["source", *classes], lines, width))
    blocks.append(_intensities(found, chosen, width))
    invented = [found.editor.invent(NEW_PEOPLE, name, seed) for name in classes]
    people = [("new", [made[number] for made in invented]) for number in range(NEW_PEOPLE)]
    blocks.append(_grid("New people", list(classes), people, width))
    with written_whole(out) as aside:
        stack(blocks).save(aside, format="PNG")


def choose_sources(
    subjects: np.ndarray, expressions: np.ndarray, count: int, seed: int = 0
) -> np.ndarray:
    """Indices of at most `count` faces: different people, every expression in turn.

    Where there are fewer people than that, each is taken once.
    """
    order = np.random.default_rng(seed).permutation(len(subjects))
    waiting = {name: [i for i in order if expressions[i] == name] for name in set(expressions)}
    chosen: list[int] = []
    while len(chosen) < count and any(waiting.values()):
        for name in sorted(waiting):
            seen = set(subjects[chosen])
            waiting[name] = [i for i in waiting[name] if subjects[i] not in seen]
            if waiting[name] and len(chosen) < count:
                chosen.append(int(waiting[name].pop(0)))
    return np.array(chosen, np.int64)


def _intensities(found: Evaluated, chosen: np.ndarray, width: int) -> Image.Image:
    """One person, a line an expression; neutral if there is one, to begin at nothing."""
    neutral = [row for row in chosen if found.test.expressions[row] == "neutral"]
    row = (neutral or list(chosen))[0]
    image = found.test.images[row][None]
    lines = [
        (name, [found.editor.edit(image, name, level)[0] for level in _LEVELS])
        for name in found.editor.generator.classes
    ]
    return _grid("Intensity", [f"{level:g}" for level in _LEVELS], lines, width)


def _header(found: Evaluated, width: int) -> Image.Image:
    block = Image.new("RGB", (width, _HEADER), PAPER)
    draw = ImageDraw.Draw(block)
    room = width - 2 * _MARGIN
    write(draw, (_MARGIN, 24), shorten(found.report.generator, 20, room, keep_end=True), 20)
    row = found.report.row("edit")
    agree = ", ".join(f"{100 * share:.0f} % ({name})" for name, share in row.agreement.items())
    text = f"read as asked {agree}  ·  rank-1 {100 * row.rank1:.0f} %  ·  KID {row.kid:.3f}"
    write(draw, (_MARGIN, 54), shorten(text, 14, room), 14, GRAY)
    return block


def _grid(
    title: str, columns: list[str], lines: list[tuple[str, list[np.ndarray]]], width: int
) -> Image.Image:
    height = _TITLE + 20 + len(lines) * (_TILE + _GUTTER) + _GUTTER
    block = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(block)
    write(draw, (_MARGIN, 12), title, 18)
    for number, name in enumerate(columns):
        x = _MARGIN + _LABEL + number * (_TILE + _GUTTER)
        write(draw, (x, _TITLE), shorten(name, 13, _TILE), 13, GRAY)
    for number, (name, tiles) in enumerate(lines):
        y = _TITLE + 20 + number * (_TILE + _GUTTER)
        write(draw, (_MARGIN, y + 4), shorten(str(name), 13, _LABEL - 8), 13, GRAY)
        for column, tile in enumerate(tiles):
            x = _MARGIN + _LABEL + column * (_TILE + _GUTTER)
            block.paste(rounded(fit(tile, _TILE)[0]), (x, y))
    return block
