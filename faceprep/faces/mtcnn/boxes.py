"""Compute boxes between the networks of MTCNN: cells, refinement, suppression, patches.

All steps follow `mtcnn` 1.0.0, including its peculiarities, which are documented below. Boxes are
``(n, 4)`` arrays of x1, y1, x2, y2.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from faceprep.faces.mtcnn.networks import PIXEL_MEAN

WINDOW = 12
"""Side of P-Net's window in pixels."""
STRIDE = 2
"""Step of P-Net's window in pixels."""
_CHUNK = 1024


def window_boxes(rows: np.ndarray, columns: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the boxes of P-Net's cells with its offsets, in pixels of the pyramid level.

    A cell covers the pixels ``2 i + 1`` to ``2 i + 12``. As in the package, its width counts as 11
    pixels, although the window is 12 pixels wide.
    """
    corner = np.stack([columns, rows], axis=1) * STRIDE
    cell = np.concatenate([corner + 1, corner + WINDOW], axis=1)
    return cell + offsets * (WINDOW - 1)


def squared(boxes: np.ndarray) -> np.ndarray:
    """Extend boxes along their shorter side to squares with the same centre."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + size / 2 - side / 2
    return np.concatenate([corner, corner + side], axis=1)


def refined(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Apply offsets of R-Net or O-Net, in fractions of width + 1 and height + 1, to boxes."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.concatenate([size, size], axis=1)


def points_in(boxes: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Convert O-Net's points ``(n, 10)``, five x then five y, to pixels ``(n, 5, 2)``."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    xy = fractions.reshape(-1, 2, 5).transpose(0, 2, 1)
    return xy * size[:, None] + boxes[:, None, :2] - 1


def best_first(scores: np.ndarray) -> np.ndarray:
    """Return indices by descending score; for equal scores the last is first, as in the package.

    The order matters, because P-Net's probabilities of clear faces round to equal float32 values.
    """
    return np.argsort(scores, kind="stable")[::-1]


def overlaps(boxes: np.ndarray, others: np.ndarray, *, of_smaller: bool = False) -> np.ndarray:
    """Return the intersection over union, or over the smaller box, of each pair: ``(n, m)``."""
    top_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    bottom_right = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, 0)
    shared = sides[..., 0] * sides[..., 1]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    area_others = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    if of_smaller:
        whole = np.minimum(area[:, None], area_others)
    else:
        whole = area[:, None] + area_others - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        return shared / whole


def suppress(
    boxes: np.ndarray,
    threshold: float,
    *,
    groups: np.ndarray | None = None,
    of_smaller: bool = False,
) -> np.ndarray:
    """Return which boxes ``(n, 4)``, best first, non-maximum suppression keeps, ``(n,) bool``.

    As in the package, the suppression is not greedy: a suppressed box still suppresses worse ones.
    Boxes suppress each other if they overlap by more than `threshold` (`overlaps`) and are of the
    same group ``(n,)``, a pyramid level.
    """
    keep = np.ones(len(boxes), bool)
    # A complete n x n matrix needs too much memory for huge images.
    for start in range(0, len(boxes), _CHUNK):
        part = slice(start, start + _CHUNK)
        better = boxes[: start + _CHUNK]
        hit = overlaps(better, boxes[part], of_smaller=of_smaller) > threshold
        if groups is not None:
            hit &= groups[: len(better), None] == groups[part]
        keep[part] = ~np.triu(hit, k=1 - start).any(axis=0)
    return keep


def patches(
    images: Sequence[np.ndarray], owners: np.ndarray, boxes: np.ndarray, size: int
) -> np.ndarray:
    """Extract boxes ``(n, 4)`` from images, resized to ``(n, size, size, 3) float32``.

    The images ``(H, W, 3)`` are uint8 or float32 in [0, 255]; with uint8 the patch is rounded.
    `owners` are the indices of the images of the boxes. Resizing is bilinear without antialiasing.
    As in ``crop_and_resize`` of TensorFlow, which the package uses, the corners of a box, scaled by
    ``(side - 1) / side`` of the image, map to the centres of the corner pixels of the patch. Pixels
    outside the image are mid-gray.
    """
    out = np.empty((len(boxes), size, size, 3), np.float32)
    steps = np.arange(size) / (size - 1)
    for patch, owner, box in zip(out, owners, boxes, strict=True):
        image = images[owner]
        height, width = image.shape[:2]
        x1, y1, x2, y2 = (box * np.tile([(width - 1) / width, (height - 1) / height], 2)).tolist()
        matrix = np.array(
            [[(x2 - x1) / (size - 1), 0, x1], [0, (y2 - y1) / (size - 1), y1]], np.float64
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        patch[:] = cv2.warpAffine(
            image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        if x1 < 0 or y1 < 0 or x2 > width - 1 or y2 > height - 1:
            x, y = x1 + (x2 - x1) * steps, y1 + (y2 - y1) * steps
            patch[:, (x < 0) | (x > width - 1)] = PIXEL_MEAN
            patch[(y < 0) | (y > height - 1)] = PIXEL_MEAN
    return out
