"""Define the pose of the head and its projection."""

from dataclasses import dataclass

import numpy as np

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
