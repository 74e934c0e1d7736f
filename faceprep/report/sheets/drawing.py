"""Draw the parts of contact sheets: faces, landmarks, boxes, heatmaps, placeholders."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from faceprep.core import landmarks
from faceprep.report.sheets.text import wrap, write

PAPER = (250, 250, 247)
GRAY = (112, 118, 128)
FAINT = (222, 223, 219)
TILE = (233, 234, 230)
RED = (186, 59, 52)

#: Parts of the 68 points: outlines (indices, closed?) and their colour.
PARTS: dict[str, tuple[tuple[tuple[tuple[int, ...], bool], ...], tuple[int, int, int]]] = {
    "jaw": (((landmarks.JAW, False),), (236, 240, 246)),
    "brows": (((landmarks.LEFT_BROW, False), (landmarks.RIGHT_BROW, False)), (255, 184, 77)),
    "nose": (((landmarks.NOSE_BRIDGE, False), (landmarks.NOSTRILS, False)), (120, 220, 130)),
    "eyes": (((landmarks.LEFT_EYE, True), (landmarks.RIGHT_EYE, True)), (84, 200, 255)),
    "lips": (((landmarks.OUTER_LIPS, True), (landmarks.INNER_LIPS, True)), (255, 112, 138)),
}

# Lines are drawn larger and reduced, because Pillow does not smooth edges.
_OVERSAMPLING = 4


def fit(image: np.ndarray, size: int) -> tuple[Image.Image, float, tuple[float, float]]:
    """Scale a ``uint8`` image, RGB or gray, into a square, centred on the tile colour.

    Return the square, the scale, and the position (x, y) of the image's top left corner in it.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    box = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = (
        Image.fromarray(image)
        .convert("RGB")
        .resize(box, Image.Resampling.LANCZOS, reducing_gap=3.0)
    )
    left, top = (size - box[0]) // 2, (size - box[1]) // 2
    square = Image.new("RGB", (size, size), TILE)
    square.paste(scaled, (left, top))
    return square, scale, (left, top)


def draw_landmarks(square: Image.Image, points: np.ndarray, scale: float) -> Image.Image:
    """Draw the 68 points of a scaled face as thin outlines, one colour per part of the face.

    The points are pixels of the unscaled face; the centre of its top left pixel is (0, 0).
    """
    fine = _OVERSAMPLING
    at = ((np.asarray(points, np.float64) + 0.5) * scale) * fine
    side = (square.width * fine, square.height * fine)
    shade, lines = Image.new("L", side, 0), Image.new("RGBA", side, (0, 0, 0, 0))
    under, pen = ImageDraw.Draw(shade), ImageDraw.Draw(lines)
    for outlines, colour in PARTS.values():
        for indices, closed in outlines:
            path = [(float(x), float(y)) for x, y in at[list(indices)]]
            path += path[:1] if closed else []
            under.line(path, fill=90, width=round(2.6 * fine), joint="curve")
            pen.line(path, fill=(*colour, 215), width=round(0.9 * fine), joint="curve")
            for x, y in path:
                radius = 1.05 * fine
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, 255))
    shade = shade.resize(square.size, Image.Resampling.BOX)
    dark = Image.composite(Image.new("RGB", square.size, (0, 0, 0)), square, shade)
    return Image.alpha_composite(
        dark.convert("RGBA"), lines.resize(square.size, Image.Resampling.BOX)
    ).convert("RGB")


def draw_box(
    square: Image.Image, box: Sequence[float], scale: float, offset: tuple[float, float]
) -> None:
    """Outline a box ``(x, y, width, height)`` given in the pixels of the unscaled image."""
    x, y, width, height = (float(value) * scale for value in box)
    x, y = x + offset[0], y + offset[1]
    corners = (round(x), round(y), round(x + max(width, 1)), round(y + max(height, 1)))
    ImageDraw.Draw(square).rectangle(corners, outline=PARTS["brows"][1], width=1)


def paint_heatmap(heatmap: np.ndarray, size: int) -> Image.Image:
    """Colour a heatmap ``(H, W) uint8`` from dark, far from every landmark, to bright, on one."""
    stops = np.array([(13, 17, 38), (66, 40, 118), (186, 62, 110), (248, 158, 86), (254, 245, 200)])
    at = np.linspace(0, 255, len(stops))
    table = np.stack([np.interp(np.arange(256), at, stops[:, c]) for c in range(3)], axis=1)
    return fit(np.rint(table).astype(np.uint8)[heatmap], size)[0]


def placeholder(size: int, text: str) -> Image.Image:
    """Return a square with a reason (may be empty), in place of an image that cannot be shown."""
    square = Image.new("RGB", (size, size), TILE)
    draw = ImageDraw.Draw(square)
    middle, arm = size / 2, size * 0.09
    top = size * (0.3 if text else 0.5)
    for sign in (-1, 1):
        draw.line(
            (middle - arm, top - sign * arm, middle + arm, top + sign * arm), fill=GRAY, width=2
        )
    for number, line in enumerate(wrap(text, 11, size - 16, 4)):
        write(draw, (middle, size * 0.48 + 14 * number), line, 11, GRAY, "ma")
    return square


def rounded(square: Image.Image, radius: float = 6) -> Image.Image:
    """Round the corners; the outside has the colour of the paper."""
    paper = Image.new("RGB", square.size, PAPER)
    return Image.composite(square, paper, _rounded_mask(square.width, square.height, radius))


@cache
def _rounded_mask(width: int, height: int, radius: float) -> Image.Image:
    fine = _OVERSAMPLING
    mask = Image.new("L", (width * fine, height * fine), 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, mask.width - 1, mask.height - 1), radius * fine, fill=255
    )
    return mask.resize((width, height), Image.Resampling.BOX)


def stack(blocks: Sequence[Image.Image]) -> Image.Image:
    """Join blocks of one width from top to bottom."""
    sheet = Image.new("RGB", (blocks[0].width, sum(block.height for block in blocks)), PAPER)
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height
    return sheet
