"""Paint glasses at a realistic distance in front of the eyes."""

import numpy as np

from faceprep.demo.canvas import spline
from faceprep.demo.patch import Patch
from faceprep.demo.scene import Scene
from faceprep.demo.skin import linear

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
