"""The levels of MTCNN's image pyramid, and the order in which one picture is searched."""

from collections.abc import Iterator

import cv2
import numpy as np

from faceprep.faces.mtcnn.area import area_averages
from faceprep.faces.mtcnn.boxes import WINDOW

MAX_LEVEL_PIXELS = 1_500_000
"""Levels beyond this are left out, which bounds memory: P-Net holds some 80 bytes per pixel.

Reached by pictures of more than four megapixels; there it raises the smallest face sought.
"""
HUGE = 4_000_000
"""Pictures of more pixels stay in 8 bits, and their levels are made from halved copies.

Smaller ones are averaged from the picture itself in float32: P-Net gives clear faces
probabilities that differ in the seventh digit, so a rounded gray level changes which box wins.
"""
START_FRACTION = 1 / 4
"""A large-first search begins with faces down to this part of the picture's shorter side …"""
COUNTED_FRACTION = 1 / 3
"""… and ends when faces down to this part of the largest face found have been looked for."""
SURE = 0.95
"""Confidence of the largest face below which a large-first search goes on to the finest level."""


def pyramid_scales(height: int, width: int, min_face_size: float, factor: float) -> list[float]:
    """Scales of the picture at which P-Net's window covers a face, finest first.

    The window sees faces of ``WINDOW / scale`` pixels. The number of levels is that of
    `mtcnn` 1.0.0 at its default `min_face_size` of 20 pixels, and shifts with other sizes. Left
    out are levels too small for one window, and too large for the memory.
    """
    short = min(height, width)
    if short == 0:
        return []
    in_package = short * 20 / min_face_size
    count = round(-(np.log(in_package / WINDOW) / np.log(factor) + 1))
    scales = [WINDOW / min_face_size * factor**level for level in range(max(count, 0))]
    return [
        s for s in scales if int(short * s) >= WINDOW and height * width * s**2 <= MAX_LEVEL_PIXELS
    ]


class Search:
    """One picture on its way through the pyramid: what was proposed, what is to be looked at.

    Parameters
    ----------
    image : (H, W, 3) uint8
    scales : list of float
        All levels, finest first.
    large_first : bool
        Start with large faces and go down only as far as needed; otherwise every level at once.

    Attributes
    ----------
    image : (H, W, 3)
        The picture, float32 unless it is huge.
    pending : list of int
        Indices of the levels to look at next.
    boxes, scores, levels
        P-Net's proposals so far: ``(n, 4)`` source pixels, ``(n,)``, ``(n,)``.
    """

    def __init__(self, image: np.ndarray, scales: list[float], *, large_first: bool) -> None:
        self._huge = image.shape[0] * image.shape[1] > HUGE
        self.image = image if self._huge else image.astype(np.float32)
        self.scales = scales
        self.boxes = np.empty((0, 4))
        self.scores = np.empty(0, np.float32)
        self.levels = np.empty(0, int)
        self._finest = len(scales)
        self._octaves = [self.image]
        self.pending: list[int] = []
        self._look_for(min(image.shape[:2]) * START_FRACTION if large_first else 0)

    def _look_for(self, face_size: float) -> None:
        """Make every level pending, not yet looked at, that is needed for faces of this size."""
        enough = [i for i, scale in enumerate(self.scales) if WINDOW / scale <= face_size]
        finest = max(enough, default=0)
        if finest >= self._finest:  # nothing found so far: two levels more than before
            finest = max(self._finest - 2, 0)
        self.pending = list(range(finest, self._finest))
        self._finest = finest

    def go_on(self, boxes: np.ndarray, scores: np.ndarray) -> bool:
        """Given the faces found so far, decide whether (and where) to go on looking."""
        self.pending = []
        if self._finest == 0:
            return False
        if not len(boxes):
            self._look_for(WINDOW / self.scales[self._finest])
            return True
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        largest = area.argmax()
        wanted = np.sqrt(area[largest]) * COUNTED_FRACTION if scores[largest] >= SURE else 0.0
        if WINDOW / self.scales[self._finest] <= wanted:
            return False
        self._look_for(wanted)
        return True

    def add(self, level: int, boxes: np.ndarray, scores: np.ndarray) -> None:
        """Keep the proposals of one level; boxes in that level's pixels."""
        self.boxes = np.concatenate([self.boxes, boxes / self.scales[level]])
        self.scores = np.concatenate([self.scores, scores])
        self.levels = np.concatenate([self.levels, np.full(len(scores), level)])

    def level_images(self) -> Iterator[tuple[int, np.ndarray]]:
        """The pending levels and the picture at each, area-averaged: ``(h, w, 3)`` float32."""
        height, width = self.image.shape[:2]
        sizes = [(int(height * s), int(width * s)) for s in (self.scales[i] for i in self.pending)]
        if not self._huge and all(h <= height for h, _ in sizes):
            return zip(self.pending, area_averages(self.image, sizes), strict=True)
        return ((i, self._resized(i, size)) for i, size in zip(self.pending, sizes, strict=True))

    def _resized(self, level: int, size: tuple[int, int]) -> np.ndarray:
        octave = max(int(np.log2(0.5 / self.scales[level])), 0) if self._huge else 0
        picture = cv2.resize(self._octave(octave), size[::-1], interpolation=cv2.INTER_AREA)
        return picture.astype(np.float32, copy=False)

    def _octave(self, octave: int) -> np.ndarray:
        """The picture halved so many times; levels of a huge one are averaged from these."""
        while len(self._octaves) <= octave:
            height, width = self._octaves[-1].shape[:2]
            size = (width + 1) // 2, (height + 1) // 2
            self._octaves.append(cv2.resize(self._octaves[-1], size, interpolation=cv2.INTER_AREA))
        return self._octaves[octave]
