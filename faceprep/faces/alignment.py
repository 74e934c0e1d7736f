"""Align five points of a face to a template by a similarity, and extract the crop.

Coordinates follow OpenCV: x, y in pixels, the centre of the first pixel is (0, 0). A transformation
is a ``(2, 3)`` matrix that maps the source to the crop.
"""

import math
import tomllib
from functools import cache
from importlib.resources import files

import cv2
import numpy as np

from faceprep.core.landmarks import LEFT_EYE, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE

# Bilinear interpolation reads 2×2 source pixels, so it supports reductions to at most one half.
_STRONGEST_REDUCTION = 0.5
# Largest side that OpenCV can warp.
_LARGEST_SIDE = 32_766


@cache
def _templates() -> dict[str, np.ndarray]:
    text = (files("faceprep.faces") / "templates.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {name: np.array(table["points"], np.float64) for name, table in tables.items()}


def template_names() -> tuple[str, ...]:
    """Return the names in ``templates.toml``."""
    return tuple(_templates())


def load_template(name: str, size: int) -> np.ndarray:
    """Return the five points of a template in pixels of a crop of side `size`, ``(5, 2) float64``.

    In order: left eye, right eye, nose tip, left and right mouth corner, as seen.

    Raises
    ------
    ValueError
        If ``templates.toml`` has no table `name`.
    """
    try:
        fractions = _templates()[name]
    except KeyError:
        known = ", ".join(template_names())
        raise ValueError(f"no template {name!r}; known: {known}") from None
    return fractions * size - 0.5


def estimate_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Estimate the least-squares similarity (rotation, scale, shift) between points.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    PAMI 1991, without reflection. In the plane, with points as complex numbers, it is the linear
    regression ``target = a · source + b``.

    Parameters
    ----------
    source, target
        ``(n, 2)``, n ≥ 2, in pixels.

    Returns
    -------
    ``(2, 3) float64``. Exact when `target` is a similarity of `source`.

    Raises
    ------
    ValueError
        If the shapes differ, a coordinate is not finite, or the points determine no similarity
        because they coincide or their best fit has scale 0.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 2:
        raise ValueError(f"expected two sets of (n, 2) points, got {source.shape}, {target.shape}")
    points, goals = _complex(source), _complex(target)
    centre, goal = sum(points) / len(points), sum(goals) / len(goals)
    points, goals = [p - centre for p in points], [g - goal for g in goals]
    spread, wanted = _square(points), _square(goals)
    if not math.isfinite(spread + wanted):
        raise ValueError("a point is not finite")
    # Tolerance for rounding errors between identical points.
    if spread <= len(points) * (1e-9 * (1 + abs(centre))) ** 2:
        raise ValueError("the points coincide")
    a = sum(p.conjugate() * g for p, g in zip(points, goals, strict=True)) / spread
    if abs(a) <= 1e-9 * math.sqrt(wanted / spread):
        raise ValueError("the points fit no similarity")
    b = goal - a * centre
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def is_mirrored(source: np.ndarray, target: np.ndarray) -> bool:
    """Return whether left and right of points ``(n, 2)`` are swapped.

    A reflection then fits them much better than a rotation.
    """
    points, goals = _complex(np.asarray(source)), _complex(np.asarray(target))
    goal = sum(goals) / len(goals)
    turned = sum(p.conjugate() * (g - goal) for p, g in zip(points, goals, strict=True))
    reflected = sum(p * (g - goal) for p, g in zip(points, goals, strict=True))
    # The factor excludes full profiles, which resemble their mirror images.
    return abs(reflected) > 2 * abs(turned)


def _square(points: list[complex]) -> float:
    """Return the sum of squared distances from the origin; infinite on overflow."""
    return sum(p.real * p.real + p.imag * p.imag for p in points)


def _complex(points: np.ndarray) -> list[complex]:
    """Convert ``(n, 2)`` to x + iy; for few points plain numbers are faster than arrays."""
    return [complex(x, y) for x, y in points.tolist()]


def apply_affine(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a ``(2, 3)`` transformation to points, ``(..., 2) float64``."""
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of a ``(2, 3)`` transformation, float64.

    Raises
    ------
    ValueError
        If there is none.
    """
    matrix = np.asarray(matrix, np.float64)
    (a, b, shift_x), (c, d, shift_y) = matrix.tolist()
    determinant = a * d - b * c
    if not math.isfinite(determinant) or determinant == 0:
        raise ValueError("the transformation has no inverse")
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return np.array(
        [[a, b, -a * shift_x - b * shift_y], [c, d, -c * shift_x - d * shift_y]],
    )


def five_from_68(points: np.ndarray) -> np.ndarray:
    """Compute eye centres, nose tip and mouth corners, as seen, from the 68 points.

    ``(..., 68, 2)`` in iBUG order becomes ``(..., 5, 2) float64``.
    """
    points = np.asarray(points, np.float64)
    if points.shape[-2:] != (68, 2):
        raise ValueError(f"expected (..., 68, 2) points, got {points.shape}")
    eyes = [points[..., list(eye), :].mean(axis=-2) for eye in (LEFT_EYE, RIGHT_EYE)]
    others = [points[..., index, :] for index in (NOSE_TIP, *MOUTH_CORNERS)]
    return np.stack([*eyes, *others], axis=-2)


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Crop an image ``(H, W, 3)`` or ``(H, W) uint8`` through a similarity, source → crop.

    Interpolation is bilinear. Pixels outside the image are black, because a replicated border would
    resemble a neck or chin. If the crop, of side `size` in pixels, reduces the source to less than
    one half, the source is first halved repeatedly by averaging 2×2 pixels, to avoid aliasing.

    Raises
    ------
    ValueError
        If the matrix is singular.
    """
    (a, b, shift_x), (c, d, shift_y) = np.asarray(matrix, np.float64).tolist()
    scale = math.sqrt(abs(a * d - b * c))
    left, top, right, bottom, step = _region(matrix, size, image.shape, scale)
    part = image[top:bottom, left:right]
    if step > 1:
        part = _reduced(part, step)
    if max(part.shape) > _LARGEST_SIDE:
        raise ValueError("the region is too large to be warped")
    # Pixel p of the part has its centre at first + step · p of the image.
    first_x, first_y = left + (step - 1) / 2, top + (step - 1) / 2
    of_part = (
        (a * step, b * step, shift_x + a * first_x + b * first_y),
        (c * step, d * step, shift_y + c * first_x + d * first_y),
    )
    return cv2.warpAffine(
        part,
        np.array(of_part),
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )


def _reduced(part: np.ndarray, step: int) -> np.ndarray:
    """Halve an image until one pixel represents ``step × step`` pixels, a power of two."""
    rest_y, rest_x = -part.shape[0] % step, -part.shape[1] % step
    if rest_y or rest_x:
        part = cv2.copyMakeBorder(part, 0, rest_y, 0, rest_x, cv2.BORDER_CONSTANT)
    while step > 1:
        half = (part.shape[1] // 2, part.shape[0] // 2)
        part = cv2.resize(part, half, interpolation=cv2.INTER_AREA)
        step //= 2
    return part


def _region(
    matrix: np.ndarray, size: int, shape: tuple[int, ...], scale: float
) -> tuple[int, int, int, int, int]:
    """Return the source region of a crop (left, top, right, bottom) and the reduction step.

    The region is never empty, even if the crop is completely outside the image.
    """
    (a, b, shift_x), (c, d, shift_y) = invert_affine(matrix).tolist()
    step = 1
    while scale * step < _STRONGEST_REDUCTION:
        step *= 2
    ends = (-0.5, size - 0.5)
    xs = [a * x + b * y + shift_x for x in ends for y in ends]
    ys = [c * x + d * y + shift_y for x in ends for y in ends]
    margin = 2 * step
    height, width = shape[:2]
    left = min(max(math.floor(min(xs)) - margin, 0), width - 1)
    top = min(max(math.floor(min(ys)) - margin, 0), height - 1)
    right = max(min(math.ceil(max(xs)) + margin, width), left + 1)
    bottom = max(min(math.ceil(max(ys)) + margin, height), top + 1)
    return left, top, right, bottom, step
