"""Paint the parts behind the head: wall, long hair, neck, shoulders and clothes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from faceprep.demo.anatomy import Array
from faceprep.demo.camera import Pose
from faceprep.demo.canvas import spline
from faceprep.demo.identity import Identity
from faceprep.demo.light import Light
from faceprep.demo.scene import Patch
from faceprep.demo.skin import linear

_DEPTH = -70.0


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Hold the wall and the clothes of one sequence; colours are 8-bit sRGB."""

    key: int = 0
    wall: tuple[float, float, float] = (150.0, 156.0, 162.0)
    clutter: float = 0.3
    """0 for a plain wall to 1 for a room out of focus."""
    cloth: tuple[float, float, float] = (70.0, 84.0, 110.0)
    neckline: str = "crew"
    """crew, v or collar."""


@lru_cache(maxsize=1)
def paint_backdrop(
    size: tuple[int, int], person: Identity, backdrop: Backdrop, still: Pose, light: Light
) -> Array:
    """Paint everything behind the head, (H, W, 3) float32 linear; callers must not modify it."""
    rng = np.random.default_rng((backdrop.key, 7))
    image = _wall(size, backdrop, light, rng)
    corner = np.array([[0, 0], [size[1] - 1, size[0] - 1]], np.float32)
    patch = Patch(corner, 0, 1, size)
    if person.hair_style in ("long", "bangs"):
        _long_hair(image, patch, person, still, light)
    _neck(image, patch, person, still, light)
    _clothes(image, patch, person, backdrop, still, light, rng)
    return image


def _wall(
    size: tuple[int, int], backdrop: Backdrop, light: Light, rng: np.random.Generator
) -> Array:
    height, width = size
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    level = light.fill + 0.5 * light.key
    tilt = rng.normal(0, 0.25, 2)
    falloff = np.exp(tilt[0] * (x - 0.5) + tilt[1] * (y - 0.5))
    vignette = 1 - 0.22 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    image = linear(backdrop.wall) * (level * falloff * vignette)[..., None]
    if backdrop.clutter > 0:
        coarse = rng.normal(0, 0.35, (5, 6, 3)).astype(np.float32)
        coarse += rng.normal(0, 1, (5, 6, 1)).astype(np.float32)
        soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        image = image * np.exp(0.35 * backdrop.clutter * soft)
        for _ in range(int(4 * backdrop.clutter)):
            a = rng.uniform(-0.1, 1.0, 2) * (width, height)
            b = a + rng.uniform(0.1, 0.5, 2) * (width, height)
            box = np.zeros(size, np.float32)
            cv2.rectangle(box, [int(v) for v in a], [int(v) for v in b], 1.0, -1)
            box = cv2.GaussianBlur(box, (0, 0), 0.012 * width)
            paint = image.mean((0, 1)) * rng.uniform(0.4, 1.5, 3)
            image += (paint - image) * (0.6 * box)[..., None]
    return np.ascontiguousarray(image, np.float32)


def _at(still: Pose, outline: Sequence[tuple[float, float]], smooth: bool = True) -> Array:
    """Return a symmetric outline, given by its right half, in pixels."""
    right = np.array(outline, np.float32)
    both = np.concatenate([right, right[::-1] * (-1, 1)])
    points = np.column_stack([both, np.full(len(both), _DEPTH, np.float32)])
    flat = still.project(points)
    return spline(flat, 6) if smooth else flat


def _side_light(still: Pose, patch: Patch, light: Light, half: float) -> Array:
    """Return Lambert shading of an upright cylinder of half-width ``half`` mm."""
    x, _ = patch.grid()
    middle = still.project(np.array([0.0, 100.0, _DEPTH], np.float32))[0]
    u = np.clip((x - middle) / (half * still.scale), -0.98, 0.98)
    toward = light.direction()
    depth = np.sqrt(1 - u * u)
    lit = np.maximum(u * toward[0] + depth * toward[2] + 0.2, 0) / 1.2
    return (light.key * lit + light.fill * (0.55 + 0.45 * depth)).astype(np.float32)


def _neck_half(person: Identity) -> float:
    return 45 + 12 * person.masculinity + 5 * person.fullness


def _neck(image: Array, patch: Patch, person: Identity, still: Pose, light: Light) -> None:
    s = still.scale
    half = _neck_half(person)
    outline = [(half + 3, 40), (half, 75), (half, 112), (half + 6, 134), (half + 40, 152),
               (half + 60, 260)]  # fmt: skip
    mask = patch.blur(patch.fill(_at(still, outline)), 0.6)
    _, y = patch.grid()
    chin = still.project(np.array([0.0, 108.0, _DEPTH], np.float32))[1]
    shadow = 0.34 + 0.66 / (1 + np.exp(-(y - chin - 20 * s) / (7 * s)))
    level = _side_light(still, patch, light, half + 4) * shadow
    cords = [
        still.project(np.array([(sx * (half - 8), 96, _DEPTH), (sx * 17, 146, _DEPTH)], np.float32))
        for sx in (-1, 1)
    ]
    relief = patch.blur(patch.lines(cords, 3 * s), 3.2 * s)
    level *= 1 - 0.22 * relief
    colour = linear(person.skin) * (1.0, 0.93, 0.92) * level[..., None]
    patch.over(image, colour, mask)


def _long_hair(image: Array, patch: Patch, person: Identity, still: Pose, light: Light) -> None:
    rng = np.random.default_rng((person.key, 8))
    long = person.hair_style == "long"
    end = 190.0 if long else 84.0
    outline = [(20, -112), (66, -80), (84, -30), (89, 30), (92, 80), (94 if long else 80, end - 12),
               (60, end)]  # fmt: skip
    mask = patch.blur(patch.fill(_at(still, outline)), 1.2)
    x, y = patch.grid()
    strands = rng.standard_normal((6, 180)).astype(np.float32)
    u = (x - still.x) / still.scale
    v = (y - still.y) / still.scale
    across = (u + 4 * np.sin(v / 26)) / 200 * 178 + 89
    tone = cv2.remap(strands, across.astype("f4"), ((v + 130) / 330 * 4).astype("f4"),
                     cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)  # fmt: skip
    level = _side_light(still, patch, light, 100) * (0.30 + 0.35 * np.abs(u).clip(0, 90) / 90)
    colour = linear(person.hair) * (np.exp(0.35 * tone) * level)[..., None]
    patch.over(image, colour, mask)


_NECKLINES: dict[str, list[tuple[float, float]]] = {
    "crew": [(0, 158), (22, 154), (44, 141), (56, 131)],
    "v": [(0, 205), (16, 180), (38, 148), (54, 131)],
    "collar": [(0, 186), (14, 166), (30, 146), (52, 124)],
}


def _clothes(
    image: Array, patch: Patch, person: Identity, backdrop: Backdrop, still: Pose, light: Light,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    s = still.scale
    wide = 1.0 + 0.10 * (person.masculinity - 0.5) + 0.05 * person.fullness
    grow = _neck_half(person) / 52
    neckline = [(x * grow, y) for x, y in _NECKLINES[backdrop.neckline]]
    shoulders = [(78, 138), (115, 150), (150, 168), (172, 200), (184, 260), (190, 420), (0, 420)]
    outline = neckline + [(x * wide, y) for x, y in shoulders]
    mask = patch.blur(patch.fill(_at(still, outline, smooth=False)), 0.7)
    x, y = patch.grid()
    folds = np.zeros(patch.shape, np.float32)
    for _ in range(7):
        a = np.array([rng.uniform(-150, 150), rng.uniform(150, 230), _DEPTH], np.float32)
        b = a + np.array([rng.normal(0, 30), rng.uniform(30, 90), 0], np.float32)
        line = still.project(np.stack([a, (a + b) / 2 + (6, 0, 0), b]))
        folds += rng.choice([-1.0, 0.6]) * patch.blur(patch.lines([spline(line, 6)], 3 * s), 4 * s)
    level = _side_light(still, patch, light, 190) * (1 + 0.35 * folds)
    chin = still.project(np.array([0.0, 108.0, _DEPTH], np.float32))
    under = np.exp(-(((x - chin[0]) / (55 * s)) ** 2 + ((y - chin[1] - 28 * s) / (22 * s)) ** 2))
    level *= 1 - 0.4 * under
    cloth = linear(backdrop.cloth) * level[..., None]
    patch.over(image, cloth, mask)
    half = _at(still, neckline, smooth=False)
    hem = spline(np.concatenate([half[len(neckline) :], half[: len(neckline)]]), 4)
    ridge = patch.blur(patch.lines([hem], 3.2 * s), 0.8 * s)
    patch.multiply(image, (0.62, 0.62, 0.64), 0.6 * ridge)
    if backdrop.neckline == "collar":
        for side in (-1, 1):
            flap = np.array([(0, 186), (14, 166), (30, 146), (53, 122), (66, 131), (44, 172),
                             (24, 196)],
                            np.float32) * (side * grow, 1)  # fmt: skip
            points = np.column_stack([flap, np.full(len(flap), _DEPTH, np.float32)])
            area = patch.blur(patch.fill(still.project(points)), 0.5)
            patch.over(image, cloth * 1.22 + 0.01, area)
            rim = patch.lines([still.project(points)[3:]], 1.0 * s)
            patch.multiply(image, (0.5, 0.5, 0.52), 0.6 * patch.blur(rim, 0.6 * s))


def chin_shadow(image: Array, jaw: Array, light: Light, scale: float) -> None:
    """Darken the image behind and below the jaw, in place; ``jaw`` is the contour in pixels."""
    away = -light.direction()[:2] * (10, 6) * scale + (0, 9 * scale)
    patch = Patch(jaw + away, 24 * scale, 1, image.shape[:2])
    mask = patch.blur(patch.fill(jaw + away), 7.5 * scale)
    patch.multiply(image, (0.40, 0.32, 0.30), 0.8 * mask)
