"""The contact sheet of edits: unseen people by expressions, one by intensity, new people."""

from pathlib import Path

import numpy as np
from PIL import Image

from faceprep.evaluation.edits.workspace import Evaluated
from faceprep.report.sheets.grid import Line, check_png, grid, header, width_for, write_sheet

ROWS = 8
NEW_PEOPLE = 3
_LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


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
    check_png(out, "--sheet")
    classes = found.editor.generator.classes
    chosen = choose_sources(found.test.subjects, found.test.expressions, rows, seed)
    images = found.test.images[chosen]
    edited = [found.editor.edit(images, name) for name in classes]
    width = width_for(max(len(classes) + 1, len(_LEVELS)))
    blocks = [_header(found, width)]
    lines = [
        Line(str(found.test.expressions[row]), [images[number], *(made[number] for made in edited)])
        for number, row in enumerate(chosen)
    ]
    blocks.append(grid("Unseen people", ["source", *classes], lines, width))
    blocks.append(_intensities(found, chosen, width))
    invented = [found.editor.invent(NEW_PEOPLE, name, seed) for name in classes]
    people = [Line("new", [made[number] for made in invented]) for number in range(NEW_PEOPLE)]
    blocks.append(grid("New people", list(classes), people, width))
    write_sheet(blocks, out)


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
        Line(name, [found.editor.edit(image, name, level)[0] for level in _LEVELS])
        for name in found.editor.generator.classes
    ]
    return grid("Intensity", [f"{level:g}" for level in _LEVELS], lines, width)


def _header(found: Evaluated, width: int) -> Image.Image:
    row = found.report.row("edit")
    agree = ", ".join(f"{100 * share:.0f} % ({name})" for name, share in row.agreement.items())
    text = f"read as asked {agree}  ·  rank-1 {100 * row.rank1:.0f} %  ·  KID {row.kid:.3f}"
    return header(found.report.generator, text, width)
