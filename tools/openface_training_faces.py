"""Generate versions and composites of photographs as training images.

A few hundred photographs are not enough for training. Versions are rotated, scaled, mirrored,
darkened or blurred. Composites take the mouth, eyes, shape or skin of a face from another
photograph. The two photographs of a composite belong to the same fold, so that folds remain
independent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from faceprep.core.landmarks import (
    CHIN,
    INNER_LIPS,
    LEFT_BROW,
    LEFT_EYE,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
    flip_points,
)
from faceprep.faces.alignment import apply_affine

_MOUTH = [*OUTER_LIPS, *INNER_LIPS]
_EYES = [*LEFT_EYE, *RIGHT_EYE, *LEFT_BROW, *RIGHT_BROW]
_JAW_AT_CHIN = range(CHIN - 3, CHIN + 4)
_INNER = slice(17, 68)  # all points except the jaw
_GRID = 24  # nodes along each side of a warp


@dataclass(frozen=True)
class Photograph:
    """Hold an image ``(H, W, 3) uint8`` and the points ``(68, 2)`` of its face."""

    image: np.ndarray
    points: np.ndarray

    def mirrored(self) -> "Photograph":
        """Return the mirrored photograph."""
        image = np.ascontiguousarray(self.image[:, ::-1])
        return Photograph(image, flip_points(self.points, image.shape[1]))


def version(photograph: Photograph, rng: np.random.Generator) -> np.ndarray:
    """Return the photograph with random mirroring, size, rotation and light."""
    if rng.random() < 0.5:
        photograph = photograph.mirrored()
    matrix, size = _similarity(
        photograph.image, np.exp(rng.uniform(np.log(0.7), np.log(1.25))), rng.normal(0, 8)
    )
    matrix[:, 2] += rng.uniform(-0.03, 0.03, 2) * photograph.image.shape[1]
    image = _warped(photograph.image, matrix, size)
    image = _relit(image, rng, contrast=0.2, gain=0.1, offset=8)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.3:
        image += rng.normal(0, rng.uniform(1, 5), image.shape)
    if rng.random() < 0.1:
        image = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return np.clip(image, 0, 255).astype(np.uint8)


def composite(first: Photograph, second: Photograph, rng: np.random.Generator) -> np.ndarray:
    """Combine the first face with shape and skin, mouth, or eyes and brows of the second."""
    if rng.random() < 0.5:
        first = first.mirrored()
    if rng.random() < 0.5:
        second = second.mirrored()
    target, share, region = _target(first, second, rng)
    eyes = np.linalg.norm(first.points[36] - first.points[45])
    target = target + rng.normal(0, 0.004 * eyes, target.shape)
    image = _warp_to(first, target, first.image.shape).astype(np.float32)
    if share > 0:
        image = _blended(image, second, target, share, region, eyes)
    matrix, size = _similarity(
        first.image, np.exp(rng.uniform(np.log(0.75), np.log(1.15))), rng.normal(0, 5)
    )
    image = _warped(np.clip(image, 0, 255).astype(np.uint8), matrix, size)
    image = _relit(image, rng, contrast=0.15, gain=0.08, offset=5)
    if rng.random() < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.2:
        image += rng.normal(0, rng.uniform(1, 4), image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def _target(
    first: Photograph, second: Photograph, rng: np.random.Generator
) -> tuple[np.ndarray, float, list[int] | None]:
    """Return the points of the composite, the share of the second face's skin, and its region."""
    here = first.points
    there = _fit_similarity(second.points[_INNER], here[_INNER])(second.points)
    kind = rng.choice(3, p=[0.35, 0.45, 0.2])
    if kind == 0:
        way = rng.uniform(0, 0.7)
        share = rng.choice([0, way, rng.uniform(0, 1)])
        return here + way * (there - here), share, None
    region = _MOUTH if kind == 1 else _EYES
    moved = here + rng.uniform(0.5, 1) * (there - here)
    away = (moved[region] - here[region]).mean(axis=0)
    target = here.copy()
    target[region] = moved[region] - away * (1 - rng.uniform(0, 0.6))
    if kind == 1:  # the chin moves with the lower lip
        lip = (target[57] - here[57]) * rng.uniform(0.3, 1.0)
        near = np.cos((np.array(_JAW_AT_CHIN) - CHIN) / 3.5 * np.pi / 2)
        target[list(_JAW_AT_CHIN)] += lip * near[:, None]
    return target, rng.choice([0, 1.0], p=[0.3, 0.7]), region


def _blended(
    image: np.ndarray,
    second: Photograph,
    target: np.ndarray,
    share: float,
    region: list[int] | None,
    eyes: float,
) -> np.ndarray:
    """Blend the skin of the second face, warped to the target, into the face or a part of it."""
    other = _warp_to(second, target, image.shape).astype(np.float32)
    mask = np.zeros(image.shape[:2], np.float32)
    outline = target if region is None else target[region]
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(outline).astype(np.int32)), 1.0)
    soft = eyes * 0.05
    if region is not None:
        side = int(eyes * 0.12) | 1
        soft = eyes * 0.07
        mask = cv2.dilate(mask, np.ones((side, side)))
    mask = cv2.GaussianBlur(mask, (0, 0), soft)
    if region is not None:
        inside = mask > 0.05
        here, there = image[inside], other[inside]
        ratio = np.clip(here.std(axis=0) / (there.std(axis=0) + 1e-3), 0.5, 2)
        other = (other - there.mean(axis=0)) * ratio + here.mean(axis=0)
    weight = share * mask[..., None]
    return np.asarray(image * (1 - weight) + other * weight, np.float32)


def _warp_to(photograph: Photograph, target: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Warp the photograph so that its points move to the target (thin-plate spline).

    Bookstein, "Principal warps", PAMI 1989.
    """
    height, width = shape[:2]
    size = max(height, width)
    back = _fit_similarity(target, photograph.points)
    ring = [(x, y) for x in (-0.1, 0.25, 0.5, 0.75, 1.1) for y in (-0.1, 0.25, 0.5, 0.75, 1.1)]
    ring = [corner for corner in ring if {-0.1, 1.1} & set(corner)]
    fixed = np.array(ring) * [width, height]
    nodes = np.concatenate([target, fixed])
    sources = np.concatenate([photograph.points, back(fixed)])
    count = len(nodes)
    affine = np.column_stack([np.ones(count), nodes / size])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(nodes / size, nodes / size) + 1e-4 * np.eye(count)
    system[:count, count:] = affine
    system[count:, :count] = affine.T
    weights = np.linalg.solve(system, np.concatenate([sources, np.zeros((3, 2))]))
    columns, rows = np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2) / size
    places = _bending(grid, nodes / size) @ weights[:count]
    places += np.column_stack([np.ones(len(grid)), grid]) @ weights[count:]
    coarse = places.reshape(_GRID, _GRID, 2).astype(np.float32)
    steps = [(np.arange(n) * ((_GRID - 1) / (n - 1))).astype(np.float32) for n in (width, height)]
    maps = cv2.remap(coarse, *np.meshgrid(*steps), cv2.INTER_LINEAR)
    return np.asarray(
        cv2.remap(photograph.image, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def _bending(places: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    squared = ((places[:, None] - nodes) ** 2).sum(axis=2)
    return np.asarray(squared * np.log(squared + 1e-12))


def _fit_similarity(source: np.ndarray, target: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the least-squares similarity from points to other points."""
    a, b = source @ [1, 1j], target @ [1, 1j]
    turn = ((b - b.mean()) * (a - a.mean()).conj()).sum() / (np.abs(a - a.mean()) ** 2).sum()

    def move(points: np.ndarray) -> np.ndarray:
        moved = (points @ [1, 1j] - a.mean()) * turn + b.mean()
        return np.stack([moved.real, moved.imag], axis=-1)

    return move


def _similarity(
    image: np.ndarray, scale: float, degrees: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return a matrix about the centre of the image, and the new size (width, height)."""
    height, width = image.shape[:2]
    size = (round(width * scale), round(height * scale))
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    matrix = np.array([[cosine, -sine, 0], [sine, cosine, 0]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix[:, 2] = (np.array(size) - 1) / 2 - apply_affine(matrix, middle)
    return matrix, size


def _warped(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    warped = cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.float32)


def _relit(
    image: np.ndarray, rng: np.random.Generator, contrast: float, gain: float, offset: float
) -> np.ndarray:
    curved = 255 * (np.clip(image, 0, 255) / 255) ** np.exp(rng.normal(0, contrast))
    return np.asarray(curved * np.exp(rng.normal(0, gain)) + rng.normal(0, offset), np.float32)
