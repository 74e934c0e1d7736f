"""Compute the levels of MTCNN's image pyramid, and the order in which they are searched."""

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from faceprep.faces.mtcnn.boxes import WINDOW

MAX_LEVEL_PIXELS = 1_500_000
"""Size of the largest level, which bounds memory: P-Net needs about 80 bytes per pixel.

In images of more than four megapixels the limit increases the smallest detectable face.
"""
HUGE = 4_000_000
"""Number of pixels above which images remain in 8 bits and levels are computed from halved copies.

Smaller images are averaged in float32: P-Net's probabilities of clear faces differ in the seventh
digit, so rounded gray levels would change which box is best.
"""
START_FRACTION = 1 / 4
"""Smallest face in the first step of a large-first search, relative to the shorter side."""
COUNTED_FRACTION = 1 / 3
"""Smallest face of a large-first search, relative to the largest face found."""
SURE = 0.95
"""Confidence of the largest face below which the search continues to the finest level."""


def pyramid_scales(height: int, width: int, min_face_size: float, factor: float) -> list[float]:
    """Return the scales at which P-Net's window covers a face, finest first.

    The window covers faces of ``WINDOW / scale`` pixels. The number of levels is that of `mtcnn`
    1.0.0 for its default `min_face_size` of 20 pixels, and varies with this size. Levels that are
    smaller than the window or larger than `MAX_LEVEL_PIXELS` are omitted.
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
    """Hold the state of the search in one image: proposals and pending levels.

    `scales` are those of all levels, finest first. Large faces are searched first, or all levels at
    once.

    Attributes
    ----------
    image : (H, W, 3)
        Image, float32 unless it is huge.
    pending : list of int
        Indices of the levels to search next.
    boxes, scores, levels
        Proposals of P-Net so far: ``(n, 4)`` source pixels, ``(n,)``, ``(n,)``.
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
        self._add_levels(min(image.shape[:2]) * START_FRACTION if large_first else 0)

    def _add_levels(self, face_size: float) -> None:
        """Add the levels that are needed for faces of this size and were not searched yet."""
        enough = [i for i, scale in enumerate(self.scales) if WINDOW / scale <= face_size]
        finest = max(enough, default=0)
        if finest >= self._finest:  # no face so far: two more levels
            finest = max(self._finest - 2, 0)
        self.pending = list(range(finest, self._finest))
        self._finest = finest

    def continue_search(self, boxes: np.ndarray, scores: np.ndarray) -> bool:
        """Decide from the faces found so far whether, and at which levels, to continue."""
        self.pending = []
        if self._finest == 0:
            return False
        if not len(boxes):
            self._add_levels(WINDOW / self.scales[self._finest])
            return True
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        largest = area.argmax()
        wanted = np.sqrt(area[largest]) * COUNTED_FRACTION if scores[largest] >= SURE else 0.0
        if WINDOW / self.scales[self._finest] <= wanted:
            return False
        self._add_levels(wanted)
        return True

    def add(self, level: int, boxes: np.ndarray, scores: np.ndarray) -> None:
        """Add the proposals of one level; boxes are in pixels of the level."""
        self.boxes = np.concatenate([self.boxes, boxes / self.scales[level]])
        self.scores = np.concatenate([self.scores, scores])
        self.levels = np.concatenate([self.levels, np.full(len(scores), level)])

    def level_images(self) -> Iterator[tuple[int, np.ndarray]]:
        """Return the pending levels and their images, area-averaged: ``(h, w, 3)`` float32."""
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
        """Return the image after repeated halving; levels of a huge image are averaged from it."""
        while len(self._octaves) <= octave:
            height, width = self._octaves[-1].shape[:2]
            size = (width + 1) // 2, (height + 1) // 2
            self._octaves.append(cv2.resize(self._octaves[-1], size, interpolation=cv2.INTER_AREA))
        return self._octaves[octave]


def area_averages(image: np.ndarray, sizes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Reduce an image ``(H, W, 3) float32`` to each size; a pixel is the mean of its area.

    The sizes are (height, width), none larger than the image. The results equal ``cv2.resize(…,
    INTER_AREA)`` and take a third of the time: OpenCV reads the whole image for each of the five to
    nine levels of the pyramid.
    """
    height, width, channels = image.shape
    heights, widths = tuple(h for h, _ in sizes), tuple(w for _, w in sizes)
    rows = _weighted_rows(torch.from_numpy(image).reshape(height, -1), heights)
    columns = rows.reshape(-1, width, channels).transpose(0, 1)  # (W, all heights, 3)
    levels = []
    for part, w in zip(columns.split(heights, dim=1), widths, strict=True):
        level = _weighted_rows(part.reshape(width, -1), (w,))
        levels.append(level.reshape(w, -1, channels).transpose(0, 1).numpy())
    return levels


def _weighted_rows(rows: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Average the rows to each number of rows; return the concatenated results."""
    index, weight, start = _weights(len(rows), counts)
    return embedding_bag(index, rows, start, mode="sum", per_sample_weights=weight)


@lru_cache(maxsize=256)
def _weights(length: int, counts: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows and weights of each averaged row, and the starts of their lists."""
    indices, weights, lengths = [], [], []
    for count in counts:
        edges = np.arange(count + 1) * (length / count)
        low, high = edges[:-1, None], edges[1:, None]
        index = low.astype(np.int64) + np.arange(int(np.ceil(length / count)) + 1)
        covered = np.minimum(index + 1, high) - np.maximum(index, low)
        used = (covered > 1e-6) & (index < length)
        indices.append(index[used])
        weights.append(covered[used] * (count / length))
        lengths.append(used.sum(axis=1))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))[:-1]])
    weight = torch.from_numpy(np.concatenate(weights).astype(np.float32))
    return torch.from_numpy(np.concatenate(indices)), weight, torch.from_numpy(starts)
