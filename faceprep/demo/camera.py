"""Simulate the camera: exposure, lens blur, noise and colour."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faceprep.demo.anatomy import Array


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
