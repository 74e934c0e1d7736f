"""Similarity alignment: five points of a face onto a template, and the crop.

Coordinates are OpenCV's: x, y in pixels, the centre of the first pixel is (0, 0). A transformation
is a ``(2, 3)`` matrix that takes source to crop.
"""

import math
import tomllib
from functools import cache
from importlib.resources import files

import cv2
import numpy as np

from faceprep.faces.landmarks import LEFT_EYE, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE

# Bilinear interpolation looks at 2×2 source pixels: it stands a reduction to one half, no more.
_STRONGEST_REDUCTION = 0.5
# Largest side that OpenCV warps.
_LARGEST_SIDE = 32_766


@cache
def _templates() -> dict[str, np.ndarray]:
    text = (files("faceprep.faces") / "templates.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {name: np.array(table["points"], np.float64) for name, table in tables.items()}


def template_names() -> tuple[str, ...]:
    """Names in ``templates.toml``."""
    return tuple(_templates())


def load_template(name: str, size: int) -> np.ndarray:
    """Five template points in the pixels of a crop.

    Parameters
    ----------
    name
        A table of ``templates.toml``.
    size
        Side of the crop, pixels.

    Returns
    -------
    ``(5, 2) float64``: left eye, right eye, nose tip, left and right mouth corner, as seen.

    Raises
    ------
    ValueError
        When there is no such template.
    """
    try:
        fractions = _templates()[name]
    except KeyError:
        known = ", ".join(template_names())
        raise ValueError(f"no template {name!r}; known: {known}") from None
    return fractions * size - 0.5


def estimate_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation, scale and shift that bring points nearest to others, in least squares.

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
        When the shapes differ, a coordinate is not finite, or the points fix no similarity: they
        coincide, or their best fit shrinks them to one point.
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
    # Rounding leaves this much between points that are the same.
    if spread <= len(points) * (1e-9 * (1 + abs(centre))) ** 2:
        raise ValueError("the points coincide")
    a = sum(p.conjugate() * g for p, g in zip(points, goals, strict=True)) / spread
    if abs(a) <= 1e-9 * math.sqrt(wanted / spread):
        raise ValueError("the points fit no similarity")
    b = goal - a * centre
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def is_mirrored(source: np.ndarray, target: np.ndarray) -> bool:
    """Whether a reflection fits far better than a rotation: left and right are swapped.

    Parameters
    ----------
    source, target
        ``(n, 2)``.
    """
    points, goals = _complex(np.asarray(source)), _complex(np.asarray(target))
    goal = sum(goals) / len(goals)
    turned = sum(p.conjugate() * (g - goal) for p, g in zip(points, goals, strict=True))
    reflected = sum(p * (g - goal) for p, g in zip(points, goals, strict=True))
    # A face in full profile is as near to its mirror image; one seen from the front is not.
    return abs(reflected) > 2 * abs(turned)


def _square(points: list[complex]) -> float:
    """Sum of the squared distances from the origin; infinite where that overflows."""
    return sum(p.real * p.real + p.imag * p.imag for p in points)


def _complex(points: np.ndarray) -> list[complex]:
    """``(n, 2)`` as x + iy. For the few points of a face plain numbers beat arrays."""
    return [complex(x, y) for x, y in points.tolist()]


def apply_affine(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points after a ``(2, 3)`` transformation, ``(..., 2) float64``."""
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """The ``(2, 3) float64`` transformation back.

    Raises
    ------
    ValueError
        When there is none.
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
    """Eye centres, nose tip and mouth corners out of the 68 points.

    Parameters
    ----------
    points
        ``(..., 68, 2)``, iBUG order.

    Returns
    -------
    ``(..., 5, 2) float64``: left eye, right eye, nose tip, left and right mouth corner, as seen.
    """
    points = np.asarray(points, np.float64)
    if points.shape[-2:] != (68, 2):
        raise ValueError(f"expected (..., 68, 2) points, got {points.shape}")
    eyes = [points[..., list(eye), :].mean(axis=-2) for eye in (LEFT_EYE, RIGHT_EYE)]
    others = [points[..., index, :] for index in (NOSE_TIP, *MOUTH_CORNERS)]
    return np.stack([*eyes, *others], axis=-2)


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Crop an image through a similarity.

    Bilinear interpolation; black outside the image, so that everything seen was photographed: a
    continued border smears into a false neck and chin. Where the crop is less than half as large as
    what it shows, the source is first halved, by the mean of 2×2 pixels, until it is not: without
    that, fine texture turns into noise.

    Parameters
    ----------
    image
        ``(H, W, 3)`` or ``(H, W) uint8``.
    matrix
        ``(2, 3)`` similarity, source → crop.
    size
        Side of the crop, pixels.

    Returns
    -------
    ``(size, size, 3)`` or ``(size, size) uint8``.

    Raises
    ------
    ValueError
        When the matrix is not invertible.
    """
    (a, b, shift_x), (c, d, shift_y) = np.asarray(matrix, np.float64).tolist()
    scale = math.sqrt(abs(a * d - b * c))
    left, top, right, bottom, step = _region(matrix, size, image.shape, scale)
    part = image[top:bottom, left:right]
    if step > 1:
        part = _reduced(part, step)
    if max(part.shape) > _LARGEST_SIDE:
        raise ValueError("the region is too large to be warped")
    # Pixel p of the part is centred on first + step · p of the image.
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
    """An image halved until one pixel stands for ``step × step``, a power of two."""
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
    """Source pixels that a crop depends on: left, top, right, bottom; and the reduction's step.

    The region is never empty, not even for a crop that lies wholly outside.
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
