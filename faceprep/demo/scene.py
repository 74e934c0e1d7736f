"""Hold the state of a frame that is being painted, and draw small features with smooth edges."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array
from faceprep.demo.camera import Pose
from faceprep.demo.identity import Identity
from faceprep.demo.light import Light


@dataclass(slots=True)
class Scene:
    """Hold one frame."""

    image: Array  # (H, W, 3) float32, linear light; modified in place
    person: Identity
    pose: Pose
    light: Light
    rest: Array  # (68 + skin, 3) mm, neutral control points
    moved: Array  # (68 + skin, 3) mm, control points displaced by the action units
    points: Array  # (68 + skin, 2), ``moved`` in image pixels
    lit: Array  # (H, W, 3), the shaded canvas
    albedo: Array  # (H, W, 3), of the canvas
    gaze: tuple[float, float]  # (2,) displacement of the irises, mm
    intensities: Array  # (AU, 2), 0..5

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def scale(self) -> float:
        """Pixels per millimetre."""
        return self.pose.scale

    def project(self, points: object) -> Array:
        """Project head coordinates (..., 3) mm to image pixels."""
        return self.pose.project(np.asarray(points, np.float32))

    def irradiance(self, points: Array) -> Array:
        """Return the incident light, (n, 3), on the skin at canvas points (n, 2) mm."""
        pixels = np.round(canvas.to_pixels(points)).astype(int)
        x = np.clip(pixels[:, 0], 1, canvas.SHAPE[1] - 2)
        y = np.clip(pixels[:, 1], 1, canvas.SHAPE[0] - 2)
        return np.asarray(self.lit[y, x] / np.maximum(self.albedo[y, x], 0.01), np.float32)


_SHIFT = 4
_ONE = 1 << _SHIFT


class Patch:
    """Represent a rectangle of an image of this size (height, width), enlarged by ``factor``.

    The rectangle contains the points (n, 2), with a margin, both in image pixels.
    """

    def __init__(self, points: Array, margin: float, factor: int, size: tuple[int, int]) -> None:
        low = np.floor(points.min(axis=0) - margin).astype(int)
        high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
        self.x, self.y = (int(v) for v in np.clip(low, 0, (size[1] - 1, size[0] - 1)))
        self.right, self.bottom = (
            int(max(v, o + 1))
            for v, o in zip(np.clip(high, 1, (size[1], size[0])), (self.x, self.y), strict=True)
        )
        self.factor = factor
        self.shape = ((self.bottom - self.y) * factor, (self.right - self.x) * factor)
        self.window = (slice(self.y, self.bottom), slice(self.x, self.right))

    def local(self, points: ArrayLike) -> Array:
        """Convert image pixels to patch pixels."""
        centred = np.asarray(points, np.float32) - (self.x, self.y) + 0.5
        return (centred * self.factor - 0.5).astype(np.float32)

    def grid(self) -> tuple[Array, Array]:
        """Return image x and y of each patch pixel."""
        rows, cols = np.indices(self.shape, dtype=np.float32)
        x = (cols + 0.5) / self.factor - 0.5 + self.x
        y = (rows + 0.5) / self.factor - 0.5 + self.y
        return x, y

    def fill(self, points: ArrayLike) -> Array:
        """Return the mask 0..1 of a closed polygon."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [self._fixed(points)], 255, cv2.LINE_AA, _SHIFT)
        return np.asarray(mask, np.float32) / 255

    def lines(self, curves: list[Array] | Array, width: float) -> Array:
        """Return the mask 0..1 of open polylines, ``width`` image pixels wide."""
        mask = np.zeros(self.shape, np.uint8)
        thickness = max(1, round(width * self.factor))
        together = isinstance(curves, np.ndarray)
        fixed = list(self._fixed(curves)) if together else [self._fixed(c) for c in curves]
        cv2.polylines(mask, fixed, False, 255, thickness, cv2.LINE_AA, _SHIFT)
        thin = min(1.0, width * self.factor)  # a line thinner than a pixel is drawn fainter
        return np.asarray(mask, np.float32) * (thin / 255)

    def blur(self, mask: Array, deviation: float) -> Array:
        """Blur with a standard deviation in image pixels."""
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(deviation * self.factor, 0.1)))

    def reduce(self, layer: Array) -> Array:
        """Reduce a layer to image resolution."""
        size = (self.shape[1] // self.factor, self.shape[0] // self.factor)
        return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)

    def over(self, image: Array, colour: ArrayLike, alpha: Array) -> None:
        """Blend a colour, (3,) or (h, w, 3) at patch resolution, into the image."""
        alpha = self.reduce(alpha)[..., None]
        paint = np.asarray(colour, np.float32)
        if paint.ndim == 3:
            paint = self.reduce(paint)
        target = image[self.window]
        target += (paint - target) * alpha

    def multiply(self, image: Array, factor: ArrayLike, alpha: Array) -> None:
        """Multiply the image by ``factor``, weighted with alpha."""
        alpha = self.reduce(alpha)[..., None]
        image[self.window] *= 1 + (np.asarray(factor, np.float32) - 1) * alpha

    def _fixed(self, points: ArrayLike) -> np.ndarray:
        return np.round(self.local(points) * _ONE).astype(np.int32)
