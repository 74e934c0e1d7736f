"""Paint the mouth: inside, teeth, tongue, and lips with a shaded relief."""

import cv2
import numpy as np

from faceprep.demo.action_units import AU_NAMES
from faceprep.demo.anatomy import Array
from faceprep.demo.canvas import spline
from faceprep.demo.light import shade
from faceprep.demo.scene import Patch, Scene
from faceprep.demo.skin import linear

_FACTOR = 2

# widths of the teeth from the midline outwards, mm
_UPPER_TEETH = (8.4, 6.8, 7.6, 7.0, 6.8, 8.5)
_LOWER_TEETH = (5.4, 5.8, 6.8, 7.0, 7.0, 8.5)


def paint_mouth(scene: Scene) -> None:
    """Paint the mouth into the scene."""
    points = scene.points
    patch = Patch(points[48:68], 8 * scene.scale, _FACTOR, scene.size)
    inner_up = spline(_rounded(points[[60, 61, 62, 63, 64]], points[66]), 6)
    inner_low = spline(_rounded(points[[64, 65, 66, 67, 60]], points[62]), 6)
    outer_up = spline(_bow(points[[48, 49, 50, 51, 52, 53, 54]]), 6)
    outer_low = spline(points[[54, 55, 56, 57, 58, 59, 48]], 6)
    light = scene.irradiance(scene.rest[[50, 52, 57, 58, 56], :2]).mean(axis=0)
    opening = patch.fill(np.concatenate([inner_up, inner_low]))
    _shadow_below(scene, patch, outer_low)
    if (points[66] - points[62])[1] > 0.6:
        _inside(scene, patch, opening, light)
    upper = patch.fill(np.concatenate([outer_up, inner_up[::-1]]))
    lower = patch.fill(np.concatenate([outer_low, inner_low[::-1]]))
    _lip(scene, patch, upper, outer_up, inner_up, 1.7, 0.88)
    _lip(scene, patch, lower, outer_low, inner_low, 2.4, 1.0)
    _seam(scene, patch, inner_up, inner_low)


def _rounded(inner: Array, opposite: Array) -> Array:
    """Round the outline of an open mouth between the corners and their neighbours."""
    swell = 0.17 * (inner[2] - opposite)
    left, right = (inner[0] + inner[1]) / 2 + swell, (inner[3] + inner[4]) / 2 + swell
    return np.stack([inner[0], left, *inner[1:4], right, inner[4]])


def _bow(outer: Array) -> Array:
    """Round the upper lip between the corners and the peaks."""
    bowed = outer.copy()
    bowed[[1, 5]] += 0.12 * (outer[[1, 5]] - 0.5 * (outer[[0, 6]] + outer[[2, 4]]))
    return bowed


def _lip(
    scene: Scene, patch: Patch, mask: Array, outer: Array, inner: Array, height: float, tone: float
) -> None:
    """Paint one lip: a rounded ridge between its two edges, shaded like the skin."""
    s = scene.scale
    far = _distance(patch, outer)
    near = _distance(patch, inner)
    across = far / np.maximum(far + near, 1e-3)
    width = float(np.percentile((far + near)[mask > 0.5], 70)) if (mask > 0.5).any() else 1.0
    swell = np.clip(np.sin(np.pi * np.clip(across, 0, 1) ** 1.15), 0, 1) ** 0.8
    depth = height * min(1.0, width / (4.5 * s)) * swell * s * _FACTOR
    depth = cv2.GaussianBlur(depth * mask, (0, 0), 0.7 * s * _FACTOR)
    slope_y, slope_x = np.gradient(depth)
    x, _ = patch.grid()
    mid = float(scene.points[51, 0])
    wrinkle = np.sin((x - mid) / s * 4.1 + 0.5 * np.sin((x - mid) / s * 1.3)) * 0.10
    # Away from the middle the mouth curves back around the teeth.
    turn = np.clip((x - mid) / (30 * s), -1.2, 1.2)
    slope_x = slope_x + wrinkle * mask - 0.75 * turn
    colour = _lip_colour(scene) * tone
    bare = np.eye(3, dtype=np.float32)
    level = scene.irradiance(scene.rest[[48, 54, 57, 51], :2]).mean() / 0.95
    lit = shade(
        np.stack([slope_x, slope_y - 0.05]).astype(np.float32), colour, scene.light, bare,
        shine=mask * (0.55 + 0.6 * scene.person.lip_colour) * (0.4 + 0.6 * tone),
    )  # fmt: skip
    lit *= np.clip(level / 1.0, 0.55, 1.1)
    soft = patch.blur(mask, 0.75 * s)
    alpha = np.minimum(mask, 1) * 0.35 + soft * 0.65
    patch.over(scene.image, lit, 0.90 * np.clip(alpha, 0, 1))


def _distance(patch: Patch, curve: Array) -> Array:
    line = np.full(patch.shape, 255, np.uint8)
    fixed = np.round(patch.local(curve) * 16).astype(np.int32)
    cv2.polylines(line, [fixed], False, 0, 1, cv2.LINE_8, 4)
    return np.asarray(cv2.distanceTransform(line, cv2.DIST_L2, 3), np.float32)


def _lip_colour(scene: Scene) -> Array:
    person = scene.person
    skin = linear(person.skin)
    natural = skin * (0.80, 0.50, 0.52)
    made_up = linear((176, 54, 62)) * (0.5 + 0.6 * float(skin.mean()))
    strength = max(0.0, person.lip_colour - 0.65) * 2.0
    mix = min(1.0, strength)
    return np.asarray(natural * (1 - mix) + made_up * mix, np.float32)


def _inside(scene: Scene, patch: Patch, opening: Array, light: Array) -> None:
    s = scene.scale
    throat = linear((62, 20, 18)) * light * 0.8
    layer = np.empty((*patch.shape, 3), np.float32)
    layer[:] = throat
    jaw = scene.moved[57] - scene.rest[57]
    drop = float(np.clip(scene.moved[8, 1] - scene.rest[8, 1], -1, 20))
    _tongue(scene, patch, layer, light, drop)
    _teeth(scene, patch, layer, light, _LOWER_TEETH, float(scene.rest[62, 1]) + 1.8 + drop, -1, jaw)
    _teeth(scene, patch, layer, light, _UPPER_TEETH, float(scene.rest[62, 1]) + 1.2, 1, jaw)
    # Lips and cheeks darken the edges and corners of the inside.
    seen = patch.blur(opening, 2.1 * s)
    below_lip = patch.blur(np.roll(opening, round(1.6 * s * _FACTOR), axis=0) * opening, 1.0 * s)
    layer *= (np.clip(1.5 * seen, 0, 1) ** 0.7 * (0.6 + 0.4 * np.clip(1.5 * below_lip, 0, 1)))[
        ..., None
    ]
    patch.over(scene.image, layer, opening)


def _teeth(
    scene: Scene, patch: Patch, layer: Array, light: Array, widths: tuple[float, ...],
    edge: float, up: int, jaw: Array,
) -> None:  # fmt: skip
    """Paint one row of teeth; ``edge`` is the height of their ends, ``up`` is 1 for upper teeth."""
    s = scene.scale
    enamel = linear((236, 226, 206)) * (1 - 0.12 * scene.person.age)
    arch = 0.0
    mask = np.zeros(patch.shape, np.float32)
    tone = np.zeros(patch.shape, np.float32)
    for index, width in enumerate(widths):
        start, arch = arch, arch + width * (0.98 - 0.075 * index)
        fall = 0.05 * index**2  # the row curves up towards the back
        back = 13.5 - 0.020 * start**2
        for side in (-1, 1):
            left, right = side * (start + 0.25), side * (arch - 0.25)
            length = (9.5 if up == 1 else 8.0) - 0.3 * index
            top, bottom = edge - up * length, edge - up * (fall + (0.5 if index == 1 else 0))
            corner = 0.8
            outline = np.array([
                (left, top, back), (left, bottom - up * corner, back),
                (left + side * corner, bottom, back), (right - side * corner, bottom, back),
                (right, bottom - up * corner, back), (right, top, back),
            ])  # fmt: skip
            tooth = patch.fill(scene.project(outline))
            level = np.exp(-((start / 25.0) ** 2)) * (1.0 if up == 1 else 0.82)
            mask = np.maximum(mask, tooth)
            np.maximum(tone, tooth * level, out=tone)
    gum_edge = patch.blur(mask, 0.35 * s)
    colour = enamel * light * 1.02
    layer += (colour * (0.25 + 0.75 * tone)[..., None] - layer) * (0.96 * gum_edge)[..., None]


def _tongue(scene: Scene, patch: Patch, layer: Array, light: Array, drop: float) -> None:
    s = scene.scale
    y = float(scene.rest[62, 1]) + 8.0 + drop
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack([17 * np.cos(t), y + 7.5 * np.sin(t), np.full(24, 2.0)])
    mask = patch.blur(patch.fill(scene.project(ring)), 1.2 * s)
    colour = linear((186, 96, 92)) * light * 0.75
    layer += (colour - layer) * (0.9 * mask)[..., None]


def _seam(scene: Scene, patch: Patch, upper: Array, lower: Array) -> None:
    """Paint the dark line between the lips, which extends slightly past the corners."""
    s = scene.scale
    gap = float(np.abs(scene.points[66, 1] - scene.points[62, 1]))
    curves: list[Array] = [upper, lower] if gap > 2.2 * s else [(upper + lower[::-1]) / 2]
    line = patch.lines(curves, (0.95 if len(curves) == 1 else 0.6) * s)
    soft = patch.blur(line, 0.45 * s)
    dark = (0.20, 0.10, 0.10)
    patch.multiply(scene.image, dark, np.clip(0.75 * soft + 0.45 * line, 0, 0.9))
    corners = []
    for corner, inner in ((48, 60), (54, 64)):
        a, b = scene.points[corner], scene.points[inner]
        corners.append(np.stack([b, a, a + (a - b) * 0.35 + (0, 0.8 * s)]))
    spots = patch.blur(patch.lines(corners, 1.2 * s), 0.7 * s)
    patch.multiply(scene.image, (0.36, 0.24, 0.22), 0.85 * np.clip(1.3 * spots, 0, 1))


def _shadow_below(scene: Scene, patch: Patch, outer_low: Array) -> None:
    s = scene.scale
    pushed = scene.intensities[AU_NAMES.index("AU17")].mean() / 5
    strength = 0.35 + 0.25 * pushed
    line = patch.lines([outer_low[6:-6] + (0, 2.0 * s)], 2.4 * s)
    patch.multiply(scene.image, (0.55, 0.45, 0.42), strength * patch.blur(line, 1.8 * s))
