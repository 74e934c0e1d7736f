"""Paint brows, with individual hairs, and nostrils."""

import numpy as np

from faceprep.demo.anatomy import Array
from faceprep.demo.canvas import spline
from faceprep.demo.identity import Identity
from faceprep.demo.scene import Patch, Scene
from faceprep.demo.skin import linear

_FACTOR = 3
_HAIRS = 64

# thickness along the brow, from the nose to the temple, mm
_PROFILE_T = (0.0, 0.10, 0.35, 0.65, 1.0)
_PROFILE_MM = (3.2, 5.2, 5.4, 4.2, 1.0)


def brow_colour(person: Identity) -> Array:
    """Return the colour of the brows, usually a little darker than the hair."""
    colour = linear(person.hair)
    shade = {"blond": 0.42, "white": 0.5, "gray": 0.45}.get(person.hair_name, 0.72)
    return np.asarray(colour * shade, np.float32)


def paint_brows(scene: Scene) -> None:
    """Paint both brows into the scene."""
    for side, brow in enumerate(((21, 20, 19, 18, 17), (22, 23, 24, 25, 26))):
        _paint_brow(scene, side, list(brow))


def _paint_brow(scene: Scene, side: int, brow: list[int]) -> None:
    s = scene.scale
    person = scene.person
    # Landmarks are on the upper edge of the brow, not on its middle.
    line = spline(scene.points[brow] + (0, 1.5 * s), 10)
    patch = Patch(line, 7 * s, _FACTOR, scene.size)
    t = np.linspace(0, 1, len(line))
    thick = np.interp(t, _PROFILE_T, _PROFILE_MM) * s * 0.5 * person.brow_thickness
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    normal *= -np.sign(normal[:, 1:])  # up in the picture
    edge = np.concatenate([line + normal * thick[:, None], (line - normal * thick[:, None])[::-1]])
    light = scene.irradiance(scene.rest[brow, :2]).mean(axis=0)
    colour = brow_colour(person) * np.maximum(light, 0.3)
    body = patch.blur(patch.fill(edge), 0.75 * s)
    fade = 0.72 if person.brow_thickness > 0.8 else 0.6
    patch.over(scene.image, colour, fade * body)
    hairs = _hairs(scene, side, line, tangent, normal, thick)
    patch.over(scene.image, colour * 0.8, 0.75 * patch.lines(hairs, 0.55 * s))


def _hairs(
    scene: Scene, side: int, line: Array, tangent: Array, normal: Array, thick: Array
) -> Array:
    """Return short strokes, steep near the nose and flat at the temple, (n, 2, 2) pixels."""
    rng = np.random.default_rng((scene.person.key, 4, side))
    at = rng.random(_HAIRS)
    across = rng.uniform(-1, 0.75, _HAIRS)
    length = rng.uniform(2.6, 4.6, _HAIRS) * scene.scale
    index = np.minimum((at * len(line)).astype(int), len(line) - 1)
    upright = np.interp(at, (0, 0.15, 0.5, 1), (0.95, 0.7, 0.3, -0.15))
    upright = upright - 0.35 * across
    root = line[index] + normal[index] * (across * thick[index])[:, None]
    heading = (
        tangent[index] * (1 - 0.4 * np.abs(upright))[:, None] + normal[index] * upright[:, None]
    )
    tip = root + heading * length[:, None]
    return np.stack([root, tip], axis=1)


def paint_nostrils(scene: Scene) -> None:
    """Paint the nostrils and the shadow line under the tip."""
    s = scene.scale
    moved = scene.moved
    patch = Patch(scene.points[31:36], 6 * s, _FACTOR, scene.size)
    wide = abs(float(moved[35, 0] - moved[31, 0])) / 2
    for wing, near in ((31, 32), (35, 34)):
        side = -1.0 if wing == 31 else 1.0
        centre = 0.35 * moved[wing] + 0.65 * moved[near] + (0, -2.4, 0.5)
        t = np.linspace(0, 2 * np.pi, 18, endpoint=False)
        u, v = np.cos(t) * (0.29 * wide), np.sin(t) * 1.75
        lean = 0.42 * side
        ring = np.column_stack([u, v + lean * u, np.zeros(18)]) + centre
        hole = patch.blur(patch.fill(scene.project(ring)), 0.55 * s)
        patch.multiply(scene.image, (0.10, 0.055, 0.05), 0.88 * hole)
    wings = []
    for wing, side in ((31, -1.0), (35, 1.0)):
        base = moved[wing]
        curve = base + np.array([(1.0 * side, -10.5, -1), (2.9 * side, -6.5, -1),
                                 (2.2 * side, -2.0, 0),
                                 (-1.5 * side, 0.2, 1)])  # fmt: skip
        wings.append(spline(scene.project(curve), 6))
    crease = patch.blur(patch.lines(wings, 0.9 * s), 0.7 * s)
    patch.multiply(scene.image, (0.55, 0.42, 0.38), 0.75 * crease)
