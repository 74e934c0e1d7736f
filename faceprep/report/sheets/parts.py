"""Sheet of ``edit --parts``: the intermediate images of an edit."""

from pathlib import Path

import cv2
import numpy as np

from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.parts import EditParts
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_sheet
from faceprep.report.sheets.inference import Written

_WEIGHT, _FLOW = 1, 2  # numbers of channels

#: Side of a picture with arrows, which is reduced to a tile, and their number along a side.
_SIDE, _ARROWS = 512, 12
_ARROW = (255, 214, 64)
#: Length below which a displacement is a dot, pixels of the picture with arrows.
_STILL = 2.0


def draw_parts(edits: EditParts, generator: LoadedGenerator, path: Path) -> Written:
    """Draw one row per face: source, parts and result."""
    names = list(edits.parts)
    width = width_for(2 + len(names))
    lines = []
    for number, face in enumerate(edits.faces):
        tiles, captions = [face.image], [""]
        for part in edits.parts.values():
            tiles.append(picture_of(part[number], face.image))
            captions.append(caption_of(part[number]))
        lines.append(Line(face.name, [*tiles, edits.images[number]], [*captions, ""]))
    flow = any(part.shape[1] == _FLOW for part in edits.parts.values())
    arrows = "arrows show where pixels move, not to scale  ·  " if flow else ""
    note = f"{arrows}{generator.name}"
    blocks = [
        header(f"Parts of {edits.request.name}", note, width),
        grid("", ["source", *names, "result"], lines, width),
    ]
    write_sheet(blocks, path, generator.marks(**edits.request.marks(), parts=" ".join(names)))
    data = {
        "kind": "parts",
        "generator": generator.name,
        "expression": edits.request.expression,
        "action_units": dict(edits.request.action_units),
        "parts": names,
        "sheet": str(path),
        "sources": [face.source for face in edits.faces],
    }
    return Written([path], data)


def picture_of(part: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return a part ``(C, S, S)`` as ``(H, W, 3) uint8``: gray, arrows on the source, colours."""
    if len(part) == _FLOW:
        return draw_flow(source, part)
    levels = part if len(part) == _WEIGHT else (part + 1) / 2
    pixels = np.rint(np.nan_to_num(levels).clip(0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (3, *part.shape[1:])).transpose(1, 2, 0))


def draw_flow(source: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Draw a flow ``(2, S, S)`` in pixels as arrows, the longest one as long as their distance.

    The flow samples ``in(p + flow(p))``, so the pixel at p + flow(p) moves to p.
    """
    picture = cv2.resize(source, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    picture = np.rint(picture * 0.6).astype(np.uint8)  # arrows remain visible on bright skin
    side, step = flow.shape[-1], _SIDE / _ARROWS
    flow = np.nan_to_num(flow)
    longest = float(np.hypot(*flow).max())
    scale = step / longest if longest > 0 else 0.0
    for row in range(_ARROWS):
        for column in range(_ARROWS):
            tip = np.array([(column + 0.5) * step, (row + 0.5) * step])
            x, y = (tip * side / _SIDE).astype(int)
            tail = tip + flow[:, y, x] * scale
            _arrow(picture, tail, tip)
    return picture


def _arrow(picture: np.ndarray, tail: np.ndarray, tip: np.ndarray) -> None:
    ends = [(round(float(x)), round(float(y))) for x, y in (tail, tip)]
    if np.hypot(*(tip - tail)) < _STILL:
        cv2.circle(picture, ends[1], 2, _ARROW, -1, cv2.LINE_AA)
    else:
        cv2.arrowedLine(picture, ends[0], ends[1], _ARROW, 3, cv2.LINE_AA, tipLength=0.35)


def caption_of(part: np.ndarray) -> str:
    """Return the mean of a weight, or the longest displacement of a flow; empty for an image."""
    if len(part) == _WEIGHT:
        return f"mean {float(part.mean()):.2f}"
    return f"up to {float(np.hypot(*part).max()):.1f} px" if len(part) == _FLOW else ""
