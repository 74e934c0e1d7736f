"""A detected face, and what a detector is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Face:
    """One face in an image, in that image's pixels (centre of the first pixel = (0, 0)).

    Attributes
    ----------
    box
        ``(x, y, width, height)``; may reach outside the image.
    confidence
        The detector's own score. Comparable within one detector only.
    landmarks5
        ``(5, 2) float32``: left eye, right eye, nose, left and right mouth corner, left and right
        as seen in the image; ``None`` when the detector gives boxes only.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks5: np.ndarray | None = None


class Detector(Protocol):
    """Finds faces in a list of images of any sizes."""

    name: str

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each ``(H, W, 3) uint8 RGB`` image, best confidence first."""
        ...
