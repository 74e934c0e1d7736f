"""Shade a relief with one key lamp and ambient light."""

from dataclasses import dataclass

import cv2
import numpy as np

from faceprep.demo.anatomy import Array

# Subsurface scattering, strongest for red: the edges of shadows are warm.
_WRAP = (0.34, 0.20, 0.14)


@dataclass(frozen=True, slots=True)
class Light:
    """Hold the illumination of one sequence."""

    azimuth: float = -25.0  # azimuth of the key lamp, degrees; positive from the right of the image
    elevation: float = 30.0  # elevation of the key lamp above the camera, degrees
    key: float = 0.92  # intensity of the lamp; key + fill of about 1 gives a good exposure
    fill: float = 0.30  # intensity of the ambient light
    colour: tuple[float, float, float] = (1.03, 1.0, 0.95)  # (r, g, b) of the lamp, mean about 1
    softness: float = 0.5  # 0 for hard shadows to 1 for none

    def direction(self) -> Array:
        """Return the unit vector to the lamp in image axes (x right, y down, z to the camera)."""
        a, e = np.radians((self.azimuth, self.elevation))
        return np.array([np.sin(a) * np.cos(e), -np.sin(e), np.cos(a) * np.cos(e)], np.float32)


def shade(
    slope: Array,
    albedo: Array,
    light: Light,
    rotation: Array,
    occlusion: Array | float = 1.0,
    shadow: Array | float = 1.0,
    shine: Array | float = 0.3,
) -> Array:
    """Shade a relief, as (H, W, 3) float32 linear light.

    ``slope`` is (2, H, W), the derivatives of depth along x and y; ``albedo`` is (H, W, 3) or (3,),
    linear; ``rotation`` (3, 3) is that of the head. ``occlusion`` and ``shadow`` are (H, W) factors
    on the fill and on the key light, ``shine`` (H, W) is the strength of the highlights.
    """
    toward = rotation.T @ light.direction()
    up = rotation.T @ np.array([0, -1, 0], np.float32)
    view = rotation.T @ np.array([0, 0, 1], np.float32)
    half = toward + view
    half /= np.linalg.norm(half)
    sx, sy = slope
    inverse = 1.0 / np.sqrt(sx * sx + sy * sy + 1.0)

    def facing(direction: Array) -> Array:
        return (direction[2] - sx * direction[0] - sy * direction[1]) * inverse

    lambert = facing(toward)
    sky = (light.fill * (0.80 + 0.25 * facing(up))) * occlusion
    image = np.empty((*sx.shape, 3), np.float32)
    for channel, (wrap, colour) in enumerate(zip(_WRAP, light.colour, strict=True)):
        lit = np.maximum(lambert + wrap, 0) * (light.key * colour / (1 + wrap))
        image[..., channel] = lit * shadow + sky
    image *= albedo
    gleam = np.maximum(facing(half), 0)
    for _ in range(5):
        gleam *= gleam
    tight = gleam * gleam
    gloss = (0.055 * gleam + 0.07 * tight) * shine * shadow * light.key
    image += gloss[..., None]
    return image


def cast_shadow(depth: Array, light: Light, rotation: Array, step: float) -> Array:
    """Return the share of the lamp that reaches each place, (H, W) 0..1, by ray marching.

    ``depth`` is (H, W) mm, every ``step`` mm; computed at half resolution.
    """
    toward = rotation.T @ light.direction()
    small = cv2.resize(depth, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cell = 2 * step
    run = np.hypot(toward[0], toward[1])
    if run < 0.05 or toward[2] <= 0.05:
        return np.ones_like(depth)
    rise = toward[2] / run
    blocked = np.zeros_like(small)
    for reach in (5.0, 10.0, 16.0, 23.0, 31.0):
        shift = np.array([[1, 0, toward[0] / run * reach / cell],
                          [0, 1, toward[1] / run * reach / cell]], np.float32)  # fmt: skip
        there = cv2.warpAffine(
            small, shift, small.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        over = (there - small - reach * rise) / (2.0 + 0.25 * reach)
        np.maximum(blocked, np.clip(over, 0, 1), out=blocked)
    blocked = cv2.GaussianBlur(blocked, (0, 0), 1.0 + 1.6 * light.softness)
    seen = 1 - (0.85 - 0.45 * light.softness) * blocked
    return np.asarray(cv2.resize(seen, depth.shape[::-1]), np.float32)
