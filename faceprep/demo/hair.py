"""Paint hair on the canvas: coverage, colour and strands, and beards from stubble to full."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array
from faceprep.demo.canvas import X, Y, bump, pair
from faceprep.demo.identity import Identity
from faceprep.demo.skin import linear


@dataclass(frozen=True, slots=True)
class Cover:
    """Hold hair over the canvas."""

    alpha: Array  # (H, W) 0..1
    albedo: Array  # (H, W, 3) linear
    relief: Array  # (2, H, W), slope of the strands


@dataclass(frozen=True, slots=True)
class _Style:
    """Hold the parameters of a hair style; lengths in mm."""

    top: float
    """Volume above the skull."""
    sides: float
    """Volume beside the skull."""
    parting: float
    """x of the crown or parting, where the strands start."""
    end: float
    """Lower end of the hair beside the face."""
    front: tuple[float, float, float]
    """Lowering of the hairline at the middle, above the brow and at the temple."""
    ragged: float = 2.0


_STYLES = {
    "short": _Style(11, 3.5, -8, 8, (0, 0, 0)),
    "side": _Style(14, 4.5, -30, 12, (5, 2, 0)),
    "crop": _Style(3.5, 1.2, 0, 2, (0, 0, 0), 1.0),
    "bangs": _Style(13, 9, 0, 60, (36, 35, 26), 3.0),
    "long": _Style(12, 11, 6, 150, (-2, 8, 14), 2.0),
    "tied": _Style(7, 3.0, 0, 6, (-2, 0, 2), 1.2),
    "curly": _Style(22, 12, 0, 22, (4, 2, 2), 3.0),
    "bald": _Style(0, 1.6, 0, 6, (0, 0, 0), 1.0),
}


def paint_hair(person: Identity, outline: Array) -> Cover:
    """Paint the hair of the head."""
    rng = np.random.default_rng((person.key, 5))
    style = _STYLES[person.hair_style]
    across, along = _strand_coordinates(style, person.hair_style, rng)
    strands = _strands(across, along, rng, person.hair_style == "curly")
    distance = _coverage(person, style, outline)
    border = 2.2 + 0.5 * style.ragged
    edge = canvas.noise(rng, 8.5) if person.hair_style == "curly" else strands
    alpha = np.clip((distance + style.ragged * edge) / border + 0.5, 0, 1)
    alpha = alpha * alpha * (3 - 2 * alpha)
    if person.hair_style == "crop":
        alpha *= np.clip(0.74 + 0.08 * canvas.noise(rng, 1.6), 0, 1)
    if person.hair_style == "curly":
        alpha *= np.clip((16 - Y) / 20, 0, 1)
    alpha *= np.clip((130 - Y) / 30, 0, 1)  # lower hair is behind the shoulders
    if person.hair_style == "bald":
        alpha *= 0.8
    colour = linear(person.hair)
    contrast = {"crop": 0.12, "bald": 0.12, "curly": 0.22}.get(person.hair_style, 0.34)
    tone = np.exp(contrast * strands + 0.10 * canvas.noise(rng, 12))
    # The crown has a band of highlights; roots near the parting are darker.
    band = np.exp(-(((along - 0.42) / 0.16) ** 2)) * np.clip(0.6 + 0.5 * strands, 0, 2)
    albedo = colour * tone[..., None]
    albedo += (band * (0.02 + 0.35 * float(colour.mean())))[..., None] * (colour + 0.05)
    albedo *= np.clip(0.65 + distance[..., None] / 22, 0.65, 1.0)
    albedo = np.clip(albedo, 0.002, 0.9).astype(np.float32)
    return Cover(alpha.astype(np.float32), albedo, canvas.slope(0.5 * strands))


def _coverage(person: Identity, style: _Style, outline: Array) -> Array:
    """Return the signed distance (mm) to the border of the hair, positive inside."""
    skull = outline[17:]
    crown = np.array([0.0, -30.0])
    spread = np.array([style.sides, style.top], np.float32)
    outward = (skull - crown) / np.linalg.norm(skull - crown, axis=1, keepdims=True)
    hat = skull + outward * spread
    half = float(outline[16, 0]) + style.sides + 1.5
    end = style.end if style.end < 140 else 220.0  # past the shoulders
    flare = 8.0 if style.end > 40 else 0.0
    right = [(half + flare * f, y) for f, y in ((0.0, -5.0), (0.5, end * 0.5), (1.0, end))]
    left = [(-x, y) for x, y in right]
    shape = np.concatenate([right[::-1], hat, left]).astype(np.float32)
    middle, arch, temple = style.front
    line = -74 - person.hairline
    recede = max(0.0, -person.hairline) * 1.0 + (6 if person.masculinity > 0.5 else 0)
    curtain = style.end > 40
    side = 58.0 if curtain else 62.5
    low = end + 5
    hairline = [
        (0, line + middle), (16, line + arch * 0.8 + 1), (34, line + arch + 3 - recede),
        (48, line + 12 + temple - recede), (56, -43 + temple * 0.8), (side, -22),
        (side + 0.5, -8), (side + 5 - (3 if curtain else 0), 6), (side + 6, end * 0.6 + 4),
        (side + 9, low),
    ]  # fmt: skip
    if person.hair_style == "bald":
        hairline = [(0, -180), (40, -150), (72, -60), (68, -30), (67, -10), (70, low)]
    face = np.array(hairline, np.float32) * (person.face_width, 1.0)
    swoop = 10.0 if person.hair_style == "side" else 0.0
    left_face = face[:0:-1] * (-1, 1)
    lifted = face + np.array([(0, -swoop * np.exp(-(((x - 30) / 24) ** 2))) for x, _ in face])
    open_face = canvas.spline(np.concatenate([left_face, lifted]), 6)
    open_face = np.concatenate([open_face, [(face[-1, 0], 200), (-face[-1, 0], 200)]])
    if person.hair_style == "bald":
        open_face = np.concatenate([open_face[: len(open_face) - 2], [(70, 200), (-70, 200)]])
    full = canvas.polygon(canvas.spline(shape, 5)) > 0.5
    bare = canvas.polygon(open_face) > 0.5
    hair = (full & ~bare).astype(np.uint8)
    inside = cv2.distanceTransform(hair, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - hair, cv2.DIST_L2, 5)
    return canvas.blur((inside - outside) * canvas.STEP, 1.6)


def _strand_coordinates(style: _Style, name: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return coordinates across and along the strands, both 0..1 over the head."""
    origin_y = {"bangs": -118.0, "long": -112.0, "tied": -190.0}.get(name, -122.0)
    dx, dy = X - style.parting, Y - origin_y
    angle = np.arctan2(dx, dy + 8)
    radius = np.hypot(dx, dy)
    if style.end > 40:  # hair hangs beside the face
        falling = np.clip((Y + 70) / 60, 0, 1)
        angle = angle * (1 - falling) + falling * np.sign(dx) * (0.5 + np.abs(dx) / 130)
    wave = 0.05 * np.sin(radius / 21 + float(rng.uniform(0, 6)))
    return ((angle + wave) / (2 * np.pi) + 0.5).astype(np.float32), (radius / 130).astype("f4")


def _strands(across: Array, along: Array, rng: np.random.Generator, curly: bool) -> Array:
    """Return noise that is stretched along the strands, about -2..2."""
    if curly:
        return (0.8 * canvas.noise(rng, 6.5) + 0.5 * canvas.noise(rng, 3.0)).astype(np.float32)
    total = np.zeros(canvas.SHAPE, np.float32)
    for across_cells, along_cells, weight in ((420, 7, 0.7), (130, 3, 0.7)):
        cells = rng.standard_normal((along_cells + 2, across_cells + 2)).astype(np.float32)
        total += weight * cv2.remap(
            cells, across * across_cells, np.clip(along, 0, 1) * along_cells, cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
    return total


def paint_beard(person: Identity, p: Array) -> Cover:
    """Paint the beard; ``p`` are the neutral landmarks (68, 2) mm."""
    rng = np.random.default_rng((person.key, 6))
    density = _density(person, p, rng)
    strands = _upright_strands(rng)
    short = person.beard == "stubble"
    colour = linear(person.hair) * (0.75 if short else 0.85)
    albedo = colour * np.exp((0.1 if short else 0.42) * strands)[..., None]
    relief = canvas.slope((0.1 if short else 0.55) * strands)
    return Cover(density, np.clip(albedo, 0.002, 0.9).astype("f4"), relief)


def _upright_strands(rng: np.random.Generator) -> Array:
    """Return noise that is stretched vertically."""
    rows, cols = int(canvas.SHAPE[0] * canvas.STEP / 5), int(canvas.SHAPE[1] * canvas.STEP / 1.3)
    cells = rng.standard_normal((rows, cols)).astype(np.float32)
    fine = cv2.resize(cells, canvas.SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    return (fine + 0.5 * canvas.noise(rng, 7)).astype(np.float32)


def _density(person: Identity, p: Array, rng: np.random.Generator) -> Array:
    """Return the coverage of the skin, (H, W) 0..1."""
    if person.beard == "none":
        return np.zeros(canvas.SHAPE, np.float32)
    seam, base, chin = float(p[62, 1]), float(p[33, 1]), float(p[8, 1])
    corner = float(p[54, 0])
    moustache = [
        (0, base + 6), (7, base + 5), (17, base + 9), (corner + 3, seam - 3),
        (corner + 5, seam + 6), (corner - 1, seam + 3), (12, seam - 2), (0, seam - 3),
    ]  # fmt: skip
    goatee = [(0, seam + 13), (9, seam + 12), (15, seam + 20), (18, chin - 8), (13, chin + 3),
              (0, chin + 8)]  # fmt: skip
    jaw = [
        (67, 4), (64, 26), (57, 44), (46, 54), (corner + 12, seam - 8), (corner + 5, seam - 3),
        (corner + 3, seam + 9), (15, seam + 13), (0, seam + 13), (0, chin + 12), (30, chin + 6),
        (60, chin - 18), (82, 60), (82, 6),
    ]  # fmt: skip
    areas: dict[str, list[Sequence[tuple[float, float]]]] = {
        "moustache": [moustache],
        "goatee": [moustache, goatee],
        "full": [moustache, jaw, goatee],
        "stubble": [moustache, jaw, goatee],
    }
    density = np.zeros(canvas.SHAPE, np.float32)
    for part in areas[person.beard]:
        for mirror in (1.0, -1.0):
            shape = np.array(part, np.float32) * (mirror, 1.0)
            np.maximum(density, canvas.polygon(shape), out=density)
    # Closing removes the seam between the two halves on the midline.
    density = canvas.blur(cv2.morphologyEx(density, cv2.MORPH_CLOSE, np.ones((3, 5))), 2.0)
    if person.beard == "stubble":
        grain = np.clip(0.5 + 0.5 * canvas.noise(rng, 1.1), 0, 1)
        return (density * (0.22 + 0.28 * grain)).astype(np.float32)
    fine = np.clip(0.9 + 0.10 * canvas.noise(rng, 1.8), 0, 1)
    spare = 1 - 0.35 * pair(corner + 8, seam + 4, 5, 6)
    density *= fine * spare
    density *= 1 - 0.25 * bump(0, base + 6, 2.5, 5)
    return np.clip(density * 0.95, 0, 1).astype(np.float32)
