"""Draw the contact sheet of edits: unseen subjects by expression and intensity, new faces."""

from pathlib import Path

import numpy as np
from PIL import Image

from faceprep.evaluation.edits.workspace import Evaluated
from faceprep.generators.base import MakesNewFaces
from faceprep.report.sheets.grid import Line, check_png, grid, header, width_for, write_sheet

ROWS = 8
NEW_PEOPLE = 3
_LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def draw_sheet(evaluated: Evaluated, out: Path, *, rows: int = ROWS, seed: int = 0) -> None:
    """Draw edits of the test faces, edits of one subject by intensity, and new faces.

    `rows` subjects, of different expressions if possible, are chosen with `seed`. UsageError if the
    file is no PNG.
    """
    check_png(out, "--sheet")
    classes = evaluated.editor.generator.classes
    chosen = choose_sources(evaluated.test.subjects, evaluated.test.expressions, rows, seed)
    images, shown = evaluated.test.images[chosen], evaluated.test.expressions[chosen]
    measurements = evaluated.test.measurements.take(chosen)
    edited = [evaluated.editor.edit(images, name, 1.0, measurements) for name in classes]
    width = width_for(max(len(classes) + 1, len(_LEVELS)))
    blocks = [_header(evaluated, width)]
    lines = [
        Line(str(shown[row]), [images[row], *(faces[row] for faces in edited)])
        for row in range(len(chosen))
    ]
    blocks.append(grid("Unseen people", ["source", *classes], lines, width))
    blocks.append(_intensities(evaluated, chosen, width))
    if isinstance(evaluated.editor.generator, MakesNewFaces):
        new = [evaluated.editor.new_faces(NEW_PEOPLE, name, seed) for name in classes]
        people = [Line("new", [faces[number] for faces in new]) for number in range(NEW_PEOPLE)]
        blocks.append(grid("New people", list(classes), people, width))
    write_sheet(blocks, out, flag="--sheet")


def choose_sources(
    subjects: np.ndarray, expressions: np.ndarray, count: int, seed: int = 0
) -> np.ndarray:
    """Choose at most `count` faces of different subjects, each expression in turn, by index."""
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


def _intensities(evaluated: Evaluated, chosen: np.ndarray, width: int) -> Image.Image:
    """Draw one subject, neutral if possible, with one line per expression."""
    neutral = [row for row in chosen if evaluated.test.expressions[row] == "neutral"]
    row = (neutral or list(chosen))[0]
    image, measurements = evaluated.test.images[row][None], evaluated.test.measurements.take([row])
    editor = evaluated.editor
    lines = [
        Line(name, [editor.edit(image, name, level, measurements)[0] for level in _LEVELS])
        for name in editor.generator.classes
    ]
    return grid("Intensity", [f"{level:g}" for level in _LEVELS], lines, width)


def _header(evaluated: Evaluated, width: int) -> Image.Image:
    row = evaluated.report.row("edit")
    agree = ", ".join(f"{100 * share:.0f} % ({name})" for name, share in row.agreement.items())
    text = (
        f"classified as requested {agree}  ·  rank-1 {100 * row.rank1:.0f} %  ·  KID {row.kid:.3f}"
    )
    return header(evaluated.report.generator, text, width)
