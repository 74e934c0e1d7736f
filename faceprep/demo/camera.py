"""Define the pose of the head and its projection, and develop the image of the camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceprep.demo.anatomy import Array

PIVOT = np.array([0.0, 25.0, -72.0], np.float32)
"""Centre of rotation at the top of the spine, mm in head coordinates."""

CAMERA_DISTANCE = 1000.0
"""Distance between the camera and the plane of the pivot, mm."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Hold the rotation of the head in degrees and its placement in the image."""

    yaw: float = 0.0  # positive values turn the nose to the right of the image
    pitch: float = 0.0  # positive values lower the nose
    roll: float = 0.0  # positive values turn clockwise in the image
    scale: float = 1.0  # pixels per millimetre at the depth of the pupils
    # pixel of the midpoint between the pupils for a frontal head
    x: float = 160.0
    y: float = 140.0

    def rotation(self) -> Array:
        """Return the rotation matrix (3, 3) in image axes (x right, y down, z to the camera)."""
        yaw, pitch, roll = np.radians((self.yaw, self.pitch, self.roll))
        cy, sy, cp, sp, cr, sr = (
            np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
        )  # fmt: skip
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
        about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return (about_z @ about_y @ about_x).astype(np.float32)

    def project(self, points: Array) -> Array:
        """Project head coordinates (..., 3) mm to image pixels (..., 2)."""
        turned = (points - PIVOT) @ self.rotation().T + PIVOT
        reach = (CAMERA_DISTANCE / (CAMERA_DISTANCE - turned[..., 2:])) * self.scale
        return (turned[..., :2] * reach + (self.x, self.y)).astype(np.float32)

    def still(self) -> "Pose":
        """Return the pose with the same placement and without rotation (for the shoulders)."""
        return Pose(scale=self.scale, x=self.x, y=self.y)


@dataclass(frozen=True, slots=True)
class Camera:
    """Hold the camera settings of one sequence."""

    exposure: float = 1.0  # factor of the light
    blur: float = 0.55  # standard deviation of the lens blur, pixels
    noise: float = 2.0  # standard deviation of the sensor noise, 8-bit steps
    contrast: float = 1.0
    gray: bool = False  # whether the image is gray, as in most of CK+
    quality: int = 92  # JPEG quality, 1-100


def develop(image: Array, camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Convert linear light (H, W, 3) to uint8 RGB."""
    exposed = image * np.float32(camera.exposure)
    # Compress highlights.
    np.maximum(exposed, 0, out=exposed)
    exposed = exposed * (1 + exposed * 0.12) / (1 + exposed * 0.32)
    encoded = np.sqrt(exposed, out=exposed)
    encoded *= 255
    if camera.contrast != 1.0:
        encoded -= 118
        encoded *= camera.contrast
        encoded += 118
    if camera.blur > 0.2:
        encoded = cv2.GaussianBlur(encoded, (0, 0), camera.blur)
    if camera.gray:
        gray = cv2.cvtColor(encoded, cv2.COLOR_RGB2GRAY)
        encoded = np.repeat(gray[..., None], 3, axis=2)
    if camera.noise > 0:
        encoded += _grain(encoded.shape, camera, rng)
    return np.clip(encoded + 0.5, 0, 255).astype(np.uint8)


def _grain(shape: tuple[int, ...], camera: Camera, rng: np.random.Generator) -> Array:
    luma = rng.standard_normal(shape[:2], dtype=np.float32) * np.float32(camera.noise)
    if camera.gray:
        return luma[..., None]
    half = ((shape[0] + 1) // 2, (shape[1] + 1) // 2, 3)
    chroma = rng.standard_normal(half, dtype=np.float32) * np.float32(0.5 * camera.noise)
    return luma[..., None] + cv2.resize(chroma, shape[1::-1])
