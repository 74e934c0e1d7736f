"""Define detected faces and the interface of detectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Face:
    """Hold one detected face, in pixels of its image (centre of the first pixel = (0, 0)).

    Attributes
    ----------
    box
        ``(x, y, width, height)``; may extend beyond the image.
    confidence
        Score of the detector; not comparable between detectors.
    landmarks5
        ``(5, 2) float32``: left eye, right eye, nose, left and right mouth corner, left and right
        as seen in the image; ``None`` if the detector gives only boxes.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks5: np.ndarray | None = None


class Detector(Protocol):
    """Find faces in images of any sizes."""

    name: str

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each ``(H, W, 3) uint8 RGB`` image, best confidence first."""
        ...
