"""Hold the state of a frame that is being painted."""

from dataclasses import dataclass

import numpy as np

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array
from faceprep.demo.identity import Identity
from faceprep.demo.light import Light
from faceprep.demo.pose import Pose


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
    irradiance: "Irradiance"  # function from canvas points (n, 2) mm to the incident light, (n, 3)
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


@dataclass(frozen=True, slots=True)
class Irradiance:
    """Read the incident light on the skin from the shaded canvas."""

    lit: Array
    albedo: Array

    def __call__(self, points: Array) -> Array:
        """Return the light at canvas points (n, 2) mm, (n, 3)."""
        pixels = np.round(canvas.to_pixels(points)).astype(int)
        x = np.clip(pixels[:, 0], 1, canvas.SHAPE[1] - 2)
        y = np.clip(pixels[:, 1], 1, canvas.SHAPE[0] - 2)
        return np.asarray(self.lit[y, x] / np.maximum(self.albedo[y, x], 0.01), np.float32)
