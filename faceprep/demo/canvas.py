"""Define the canvas: a flat millimetre grid over the head on which skin and hair are painted.

Maps (depth, colour, furrows) are arrays of shape :data:`SHAPE`; :data:`X` and :data:`Y` contain the
millimetre coordinates of the pixels.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceprep.demo.anatomy import Array

STEP = 0.8
"""Millimetres per canvas pixel."""

LEFT, TOP, RIGHT, BOTTOM = -112.0, -152.0, 112.0, 152.0

SHAPE = (round((BOTTOM - TOP) / STEP) + 1, round((RIGHT - LEFT) / STEP) + 1)

X, Y = np.meshgrid(
    np.linspace(LEFT, RIGHT, SHAPE[1], dtype=np.float32),
    np.linspace(TOP, BOTTOM, SHAPE[0], dtype=np.float32),
)

_SHIFT = 4
_ONE = 1 << _SHIFT


def to_pixels(points: ArrayLike) -> Array:
    """Convert millimetres (n, 2) to canvas pixels (n, 2)."""
    return ((np.asarray(points, np.float32)[:, :2] - (LEFT, TOP)) / STEP).astype(np.float32)


def sample(field: Array, points: ArrayLike) -> Array:
    """Interpolate a map at points (n, 2) mm; return (n,) or (n, channels)."""
    at = to_pixels(points).reshape(-1, 1, 2)
    values = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32).reshape(len(at), *field.shape[2:])


def bump(x: float, y: float, width: float, height: float, angle: float = 0.0) -> Array:
    """Return a Gaussian of peak 1 at (x, y) mm, deviations in mm, rotated by ``angle`` degrees."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    u, v = (X - x) * c + (Y - y) * s, (Y - y) * c - (X - x) * s
    return np.exp(-0.5 * ((u / width) ** 2 + (v / height) ** 2)).astype(np.float32)


def pair(x: float, y: float, width: float, height: float, angle: float = 0.0) -> Array:
    """Return :func:`bump` on both halves of the face."""
    return bump(-x, y, width, height, -angle) + bump(x, y, width, height, angle)


def polygon(points: ArrayLike, soft: float = 0.0) -> Array:
    """Return the mask 0..1 of a filled polygon (mm), blurred by ``soft`` mm."""
    mask = np.zeros(SHAPE, np.uint8)
    fixed = np.round(to_pixels(points) * _ONE).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SHIFT)
    return blur(mask.astype(np.float32) / 255, soft)


def stroke(lines: list[Array], width: float, soft: float = 0.0) -> Array:
    """Return the mask 0..1 of polylines (mm) with a width in mm, blurred by ``soft`` mm."""
    mask = np.zeros(SHAPE, np.uint8)
    fixed = [np.round(to_pixels(line) * _ONE).astype(np.int32) for line in lines]
    thickness = max(1, round(width / STEP))
    cv2.polylines(mask, fixed, False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return blur(mask.astype(np.float32) / 255, soft)


def blur(field: Array, deviation: float) -> Array:
    """Blur with a standard deviation in mm."""
    if deviation <= 0:
        return field
    return np.asarray(cv2.GaussianBlur(field, (0, 0), deviation / STEP), np.float32)


def slope(field: Array) -> Array:
    """Return the derivatives of a map along x and y per mm, (2, H, W)."""
    return np.stack([*np.gradient(field, STEP)][::-1]).astype(np.float32)


def noise(rng: np.random.Generator, scale: float) -> Array:
    """Return smooth noise, mean 0 and deviation 1, with features of about ``scale`` mm."""
    rows = max(2, int(SHAPE[0] * STEP / scale))
    cols = max(2, int(SHAPE[1] * STEP / scale))
    coarse = rng.standard_normal((rows, cols)).astype(np.float32)
    field = cv2.resize(coarse, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    return ((field - field.mean()) / field.std()).astype(np.float32)


def spline(points: ArrayLike, steps: int = 8, closed: bool = False) -> NDArray[np.float32]:
    """Return a Catmull-Rom curve through points (n, d), ``steps`` points per segment."""
    p = np.asarray(points, np.float32)
    if closed:
        p = np.concatenate([p[-1:], p, p[:2]])
    else:
        p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None, :] for i in range(4))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    curve = curve.reshape(-1, p.shape[1])
    return curve if closed else np.concatenate([curve, p[-2:-1]])
