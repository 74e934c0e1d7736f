"""Paint eyes: eyeball, iris, highlights, lids and lashes, and glasses in front of them."""

import numpy as np

from faceprep.demo.anatomy import SKIN_NAMES, Array
from faceprep.demo.canvas import spline
from faceprep.demo.scene import Patch, Scene
from faceprep.demo.skin import linear

IRIS_RADIUS = 6.0
"""Radius in mm, nearly equal in all adults."""

_FACTOR = 4

# corner at the temple, upper lid, corner at the nose, lower lid
_EYES = ((36, 37, 38, 39, 40, 41), (45, 44, 43, 42, 47, 46))


def paint_eyes(scene: Scene) -> None:
    """Paint both eyes into the scene."""
    for side, eye in enumerate(_EYES):
        _paint_eye(scene, side, list(eye))


def _paint_eye(scene: Scene, side: int, eye: list[int]) -> None:
    outer, _, _, inner, _, _ = eye
    points = scene.points
    upper = spline(_full(points[[outer, eye[1], eye[2], inner]]), 6)
    lower = spline(_full(points[[inner, eye[4], eye[5], outer]]), 6)
    patch = Patch(points[eye], 11 * scene.scale, 3, scene.size)
    near = Patch(points[eye], 3 * scene.scale, _FACTOR, scene.size)
    opening = near.fill(np.concatenate([upper, lower]))
    light = scene.irradiance(scene.rest[eye, :2]).mean(axis=0)
    light = np.maximum(light, 0.25 * light.max())
    _lid_fold(scene, patch, side, eye)
    if opening.any():
        ball = _eyeball(scene, near, side, eye, opening, light)
        near.over(scene.image, ball, opening)
        _rims(scene, near, upper, lower, opening)
    _lashes(scene, patch, upper, lower, side)


def _full(curve: Array) -> Array:
    """Round the polygon of a lid: flatter between its two landmarks, fuller beside them."""
    a, b, c, d = curve
    swell = 0.06
    return np.stack(
        [a, a + (b - a) * 0.48 + (b - d) * 0.5 * swell, b, c,
         d + (c - d) * 0.5 + (c - a) * 0.5 * swell, d]
    )  # fmt: skip


def _eyeball(
    scene: Scene, patch: Patch, side: int, eye: list[int], opening: Array, light: Array
) -> Array:
    """Return the colour of the eyeball over the patch, (h, w, 3) linear."""
    s = scene.scale
    x, y = patch.grid()
    centre = scene.rest[eye].mean(axis=0) + (0, 0.2, -9.0)
    iris_at = centre + (scene.gaze[0], scene.gaze[1], 10.5)
    middle, iris = scene.project(np.stack([centre + (0, 0, 8), iris_at]))
    shift_x = (x - middle[0]) / (13.0 * s)
    shift_y = (y - middle[1]) / (13.0 * s)
    toward = scene.light.direction()
    roundness = 1 - 0.55 * shift_x**2 + 0.18 * (toward[0] * shift_x + toward[1] * shift_y)
    # The upper lid and its lashes shade the ball.
    lid = patch.blur(np.roll(opening, round(1.9 * s * _FACTOR), axis=0), 1.1 * s)
    shade = np.clip(roundness, 0.2, 1.2) * (0.36 + 0.64 * np.clip(lid, 0, 1))
    skin = float(linear(scene.person.skin).mean())
    white = linear((230, 220, 212)) * (0.62 + 0.40 * min(1.0, skin / 0.4) - 0.08 * scene.person.age)
    colour = np.repeat(white[None, None], patch.shape[0], 0).repeat(patch.shape[1], 1)
    veins = np.clip(np.abs(shift_x) - 0.45, 0, 1)[..., None]
    colour = colour * (1 - veins * np.array((0.1, 0.5, 0.5), np.float32))
    _iris(scene, colour, x, y, iris, side)
    corner = patch.fill(_circle(scene.points[eye[3]], 2.2 * s))
    colour += (linear((205, 140, 130)) - colour) * (0.8 * patch.blur(corner, 0.5 * s))[..., None]
    ball = colour * (shade[..., None] * light * 0.95)
    for reach, radius, strength in ((2.6, 0.95, 1.0), (-2.2, 0.6, 0.16)):
        spot = iris + toward[:2] * (reach * s)
        shine = np.clip(1.6 - np.hypot(x - spot[0], y - spot[1]) / (radius * s), 0, 1)
        ball += (shine * strength)[..., None] * (0.95 - ball)
    return ball.astype(np.float32)


def _iris(scene: Scene, colour: Array, x: Array, y: Array, at: Array, side: int) -> None:
    s = scene.scale
    dx, dy = (x - at[0]) / s, (y - at[1]) / s
    radius = np.hypot(dx, dy) / IRIS_RADIUS
    angle = np.arctan2(dy, dx)
    phase = float(scene.person.key % 97) + side
    fibres = 1 + 0.16 * np.sin(17 * angle + phase) + 0.10 * np.sin(31 * angle + 2 * phase)
    tone = (0.55 + 0.75 * np.exp(-(((radius - 0.55) / 0.22) ** 2))) * fibres
    tone *= 1 + 0.35 * np.clip(dy / IRIS_RADIUS, -0.6, 1)  # the iris is lighter opposite the lamp
    tone *= 1 - 0.72 * np.clip((radius - 0.74) / 0.2, 0, 1)  # dark rim
    base = linear(scene.person.iris) * 1.5
    iris = tone[..., None] * base
    pupil = np.clip((0.38 - radius) * 12 + 0.5, 0, 1)
    iris *= (1 - pupil)[..., None]
    inside = np.clip((1 - radius) * 9 + 0.5, 0, 1)
    colour += (iris - colour) * inside[..., None]


def _rims(scene: Scene, patch: Patch, upper: Array, lower: Array, opening: Array) -> None:
    """Paint the moist edge of the lower lid and the shadow between eyeball and lid."""
    s = scene.scale
    inside = opening * patch.lines([lower], 1.5 * s)
    patch.over(scene.image, linear((214, 160, 148)) * 0.8, 0.4 * patch.blur(inside, 0.25 * s))
    edge = patch.lines([upper, lower], 0.7 * s)
    patch.multiply(scene.image, (0.5, 0.36, 0.32), 0.7 * patch.blur(edge, 0.4 * s))


def _lashes(scene: Scene, patch: Patch, upper: Array, lower: Array, side: int) -> None:
    s = scene.scale
    dark = np.clip(linear(scene.person.hair) * 0.35, 0.002, 0.02)
    feminine = 1 - scene.person.masculinity
    thick = (1.0 + 0.75 * feminine) * s
    n = len(upper)
    away = np.linspace(1.0, 0.0, n, dtype=np.float32)[:, None]  # thicker towards the temple
    line = np.concatenate([upper, (upper - (0, thick * 0.4) - away * (0, thick * 0.8))[::-1]])
    patch.over(scene.image, dark, (0.80 + 0.12 * feminine) * patch.blur(patch.fill(line), 0.25 * s))
    rng = np.random.default_rng((scene.person.key, 3, side))
    outward = -1.0 if side == 0 else 1.0
    k = np.arange(2, n - 3)
    length = (2.0 + 2.2 * feminine) * s * (1 - 0.5 * k / n) * rng.uniform(0.7, 1.1, len(k))
    lean = outward * (0.75 - 0.9 * k / n)
    start = upper[k]
    tip = start + np.column_stack([lean * length, -0.55 * length])
    sag = np.column_stack([np.zeros(len(k)), 0.22 * length])
    hairs = np.stack([start, (start + tip) / 2 + sag, tip], axis=1)
    lash = patch.lines(hairs, 0.32 * s)
    patch.over(scene.image, dark, (0.30 + 0.5 * feminine) * lash)
    below = patch.blur(patch.lines([lower[2:-2] + (0, 0.3 * s)], 0.55 * s), 0.3 * s)
    patch.multiply(scene.image, (0.45, 0.36, 0.32), (0.35 + 0.35 * feminine) * below)


def _lid_fold(scene: Scene, patch: Patch, side: int, eye: list[int]) -> None:
    """Paint the crease of the upper lid, which moves with the brow rather than with the lid."""
    s = scene.scale
    suffix = ".l" if side == 0 else ".r"
    fold = 68 + SKIN_NAMES.index(f"lid_fold{suffix}")
    drift = scene.moved[fold] - scene.rest[fold]
    rest, moved = scene.rest[eye[:4]], scene.moved[eye[:4]]
    crease = rest + 0.28 * (moved - rest) + 0.75 * drift
    rise = 4.1 - 1.4 * scene.person.age - 0.6 * scene.person.masculinity
    crease[:, 1] -= rise * np.array((0.30, 1.0, 1.0, 0.35))
    # It stays above the edge of the lid.
    crease[:, 1] = np.minimum(crease[:, 1], moved[:, 1] - np.array((0.2, 1.1, 1.1, 0.4)))
    crease[:, 2] += 0.5
    outward = -1.0 if side == 0 else 1.0
    crease[0] += (outward * 1.5, 0.2, 0)
    line = spline(scene.project(crease), 8)
    mask = 0.65 * patch.lines([line], 0.9 * s) + 0.7 * patch.blur(patch.lines([line], 1.6 * s), s)
    patch.multiply(scene.image, (0.52, 0.42, 0.38), np.clip(mask, 0, 0.85))
    # A lowered lid is lit on its curvature.
    lid = np.concatenate([line, spline(_full(scene.points[eye[:4]]), 6)[::-1]])
    shape = patch.blur(patch.fill(lid), 1.0 * s)
    patch.multiply(scene.image, (0.97, 0.90, 0.88), 0.6 * shape)


def _circle(centre: Array, radius: float) -> Array:
    t = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.column_stack([centre[0] + radius * np.cos(t), centre[1] + radius * np.sin(t)])


_AHEAD = 12.0
"""Distance between the plane of the pupils and the lenses, mm."""

# half width, half height, roundness (exponent), rim mm, colour
_FRAMES: dict[str, tuple[float, float, float, float, tuple[int, int, int]]] = {
    "thin": (25.5, 17.0, 3.0, 1.1, (70, 66, 62)),
    "thick": (26.5, 18.0, 4.0, 2.9, (24, 20, 20)),
    "round": (23.5, 21.5, 2.1, 1.5, (92, 62, 34)),
}


def paint_glasses(scene: Scene) -> None:
    """Paint the glasses, if any, into the scene."""
    if scene.person.glasses == "none":
        return
    wide, high, power, rim, colour = _FRAMES[scene.person.glasses]
    s = scene.scale
    eyes = scene.rest[36:48]
    x0, y0 = float(np.abs(eyes[:, 0]).mean()) + 1.5, float(eyes[:, 1].mean()) + 3.5
    t = np.linspace(0, 2 * np.pi, 40)
    u, v = np.cos(t), np.sin(t)
    px = np.sign(u) * np.abs(u) ** (2 / power) * wide
    py = np.sign(v) * np.abs(v) ** (2 / power) * high * (1 - 0.06 * np.sign(v))
    rings = []
    for side in (-1.0, 1.0):
        x = side * x0 + px
        ring = np.column_stack([x, y0 + py, _AHEAD - 0.0035 * x**2 - 0.04 * np.abs(py)])
        rings.append(scene.project(ring))
    bridge_x = x0 - wide
    bridge = np.array(
        [(-bridge_x, y0 - 5, _AHEAD), (0, y0 - 8.5, _AHEAD + 3), (bridge_x, y0 - 5, _AHEAD)]
    )
    hinge = x0 + wide
    temples = [
        scene.project(np.array([(side * hinge, y0 - 7, _AHEAD - 10), (side * 72, y0 - 6, -28),
                                (side * 76, y0 - 3, -72)])) for side in (-1.0, 1.0)
    ]  # fmt: skip
    curves = [*rings, spline(scene.project(bridge), 6), *temples]
    patch = Patch(np.concatenate(curves), 5 * s, 2, scene.size)
    lines = patch.lines(curves, rim * s)
    shadow = patch.blur(np.roll(lines, round(3.0 * s * 2), axis=0), 1.4 * s)
    patch.multiply(scene.image, (0.62, 0.56, 0.54), 0.6 * shadow)
    for lens in rings:
        glass = patch.fill(lens)
        patch.multiply(scene.image, (0.96, 0.97, 0.98), 0.7 * glass)
        middle = lens.mean(axis=0)
        streak = (lens - middle) * (0.25, 0.8) + middle + np.array((-0.45 * wide, -0.1 * high)) * s
        gleam = patch.blur(patch.fill(streak) * glass, 2.5 * s)
        patch.over(scene.image, (0.85, 0.88, 0.92), 0.09 * gleam)
    light = scene.irradiance(scene.rest[[36, 45], :2]).mean(axis=0)
    paint = linear(colour) * light + 0.004
    patch.over(scene.image, paint, np.clip(lines, 0, 1) * 0.95)
    shine = patch.lines([r - (0, 0.25 * rim * s) for r in rings], 0.3 * rim * s)
    patch.over(scene.image, (0.5, 0.5, 0.5), 0.22 * patch.blur(shine, 0.3 * s))
