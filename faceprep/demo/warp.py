"""Map the canvas to the image: displace the skin, project it, and invert the mapping."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array
from faceprep.demo.camera import PIVOT, Pose
from faceprep.demo.surface import Surface

GRID_STEP = 4.0
"""Distance between the knots of the displacement grid, mm."""

_IMAGE_STEP = 4
_ITERATIONS = 9

# The inner lips do not displace the skin; the outer ones do.
DRIVERS = np.arange(60)


@lru_cache(maxsize=1)
def _knots() -> tuple[Array, Array]:
    x = np.arange(canvas.LEFT, canvas.RIGHT + 1, GRID_STEP, dtype=np.float32)
    y = np.arange(canvas.TOP, canvas.BOTTOM + 1, GRID_STEP, dtype=np.float32)
    return x, y


@dataclass(frozen=True, slots=True)
class SkinWarp:
    """Interpolate displacements of control points over the canvas (thin-plate spline).

    ``weights`` is (knots, drivers): the displacement of a knot is a weighted sum of those of the
    drivers.
    """

    weights: Array
    depth: Array
    drivers: np.ndarray

    @classmethod
    def of(cls, surface: Surface) -> "SkinWarp":
        """Solve the spline of one identity (20 ms)."""
        drivers = np.concatenate([DRIVERS, np.arange(68, len(surface.points))])
        sites = np.concatenate([surface.points[drivers, :2], surface.anchors[:, :2]])
        x, y = _knots()
        knots = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        n = len(sites)
        system = np.zeros((n + 3, n + 3))
        system[:n, :n] = _kernel(sites, sites) + 4.0 * np.eye(n)
        system[:n, n:] = np.column_stack([np.ones(n), sites])
        system[n:, :n] = system[:n, n:].T
        inverse = np.linalg.inv(system)[:, : len(drivers)]
        basis = np.column_stack([_kernel(knots, sites), np.ones(len(knots)), knots])
        depth = canvas.sample(surface.depth, knots)
        # Rounded, so that the images do not depend on the number of threads.
        return cls(np.round(basis @ inverse, 5).astype(np.float32), depth, drivers)

    def displacement(self, moves: Array) -> Array:
        """Return displacements of knots (rows, cols, 3) mm from those of control points (n, 3)."""
        x, y = _knots()
        # the summation order of einsum does not depend on the number of threads
        return np.einsum("kd,dc->kc", self.weights, moves[self.drivers]).reshape(len(y), len(x), 3)

    def forward(self, moved: Array, pose: Pose) -> Array:
        """Return the image pixel of each knot, (rows, cols, 2)."""
        x, y = _knots()
        flat = np.stack(np.meshgrid(x, y), -1)
        rest = np.dstack([flat, self.depth.reshape(flat.shape[:2])])
        return pose.project(rest + moved)


def _kernel(a: Array, b: Array) -> np.ndarray:
    square = ((a[:, None].astype(float) - b[None]) ** 2).sum(-1)
    return np.asarray(square * np.log(square + 1e-9))


def inverse_map(forward: Array, pose: Pose, size: tuple[int, int]) -> Array:
    """Return the canvas pixel to show at each image pixel, (height, width, 2) float32.

    ``forward`` is (rows, cols, 2), the image pixels of the knots.
    """
    height, width = size
    x = np.arange(0, width + _IMAGE_STEP, _IMAGE_STEP, dtype=np.float32)
    y = np.arange(0, height + _IMAGE_STEP, _IMAGE_STEP, dtype=np.float32)
    target = np.stack(np.meshgrid(x, y), -1)
    # Start with the plane at the depth of the pupils, then correct with the forward map.
    turn = pose.rotation()[:2, :2] * pose.scale
    back = np.linalg.inv(turn).T.astype(np.float32)
    origin = pose.project(np.zeros(3, np.float32))
    at = (target - origin) @ back
    limits = ((canvas.LEFT - 60, canvas.TOP - 60), (canvas.RIGHT + 60, canvas.BOTTOM + 60))
    for _ in range(_ITERATIONS):
        knot = (at - (canvas.LEFT, canvas.TOP)) / GRID_STEP
        knot = knot.astype(np.float32)
        reached = cv2.remap(forward, knot, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        outside = knot - np.clip(knot, 0, (forward.shape[1] - 1, forward.shape[0] - 1))
        reached = reached + (outside * GRID_STEP) @ turn.T
        at = np.clip(at + ((target - reached) @ back) * 0.9, *limits)
    pixels = ((at - (canvas.LEFT, canvas.TOP)) / canvas.STEP).astype(np.float32)
    return _upsample(pixels, height, width)


def _upsample(coarse: Array, height: int, width: int) -> Array:
    """Interpolate bilinearly; coarse sample k is at image pixel ``_IMAGE_STEP * k``."""
    scale = 1.0 / _IMAGE_STEP
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(coarse, matrix, (width, height), flags=flags), np.float32)


def contour(outline: Array, moves: Array, surface: Surface, pose: Pose) -> Array:
    """Return the contour of the head in the image, (n, 2); the first 17 points are the jaw.

    The visible edge of the head moves over the skin as the head rotates: at each height the
    cross-section is an ellipse, and the edge is its widest point.
    """
    points = np.column_stack([outline, np.zeros(len(outline), np.float32)])
    points[:17] += moves[:17]
    half = np.abs(outline[:, 0])
    height = outline[:, 1]
    chin = float(outline[8, 1])
    low = np.clip((height - 50) / (chin - 50), 0, 1)
    centre_z = PIVOT[2] + low**1.3 * (-4 - PIVOT[2])
    points[:, 2] += centre_z
    # cross-sections are deeper than wide at the ears and flat at the chin
    reach = 85 * (1 - low) ** 0.8
    yaw = np.radians(pose.yaw)
    seen = np.sqrt((half * np.cos(yaw)) ** 2 + (reach * np.sin(yaw)) ** 2)
    straight = Pose(0.0, pose.pitch, pose.roll, pose.scale, pose.x, pose.y)
    centre = points.copy()
    centre[:, 0] -= np.sign(outline[:, 0]) * half
    middle = pose.project(centre)
    edge = straight.project(points) - straight.project(centre)
    ratio = np.where(half > 1, seen / np.maximum(half, 1), 1.0)[:, None]
    return (middle + edge * ratio).astype(np.float32)
