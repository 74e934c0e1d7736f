"""Box arithmetic between MTCNN's networks: cells, refinement, non-maximum suppression, patches.

Every step follows `mtcnn` 1.0.0, its peculiarities included; they are named where they occur.
Boxes are ``(n, 4)`` arrays of x1, y1, x2, y2.
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
    """Boxes of P-Net's cells, moved by its offsets, in pixels of the pyramid level.

    A cell covers the pixels ``2 i + 1`` to ``2 i + 12`` and is taken to be 11 pixels wide, as in
    the package, although the window is 12 pixels wide.
    """
    corner = np.stack([columns, rows], axis=1) * STRIDE
    cell = np.concatenate([corner + 1, corner + WINDOW], axis=1)
    return cell + offsets * (WINDOW - 1)


def squared(boxes: np.ndarray) -> np.ndarray:
    """Boxes grown along their shorter side into squares of the same centre."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + size / 2 - side / 2
    return np.concatenate([corner, corner + side], axis=1)


def refined(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Boxes moved by R-Net's or O-Net's offsets, which are fractions of width + 1, height + 1."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.concatenate([size, size], axis=1)


def points_in(boxes: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """O-Net's key points ``(n, 10)``, five x then five y in fractions, as pixels ``(n, 5, 2)``."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    xy = fractions.reshape(-1, 2, 5).transpose(0, 2, 1)
    return xy * size[:, None] + boxes[:, None, :2] - 1


def best_first(scores: np.ndarray) -> np.ndarray:
    """Indices by falling score; of equal scores the last comes first, as in the package.

    P-Net's probabilities of clear faces round to the same float32, so the rule matters.
    """
    return np.argsort(scores, kind="stable")[::-1]


def overlaps(boxes: np.ndarray, others: np.ndarray, *, of_smaller: bool = False) -> np.ndarray:
    """Intersection over union, or over the smaller box, of every pair: ``(n, m)``."""
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
    """Which boxes, sorted best first, no better box overlaps by more than `threshold`.

    Not greedy, as in the package: a suppressed box still suppresses worse ones.

    Parameters
    ----------
    boxes : (n, 4)
        Sorted by falling score.
    threshold : float
        Share of overlap above which the worse box goes.
    groups : (n,), optional
        Only boxes of one group (a pyramid level) suppress each other.
    of_smaller : bool
        Divide the shared area by the smaller box in place of the union.

    Returns
    -------
    (n,) bool
        True for boxes to keep.
    """
    keep = np.ones(len(boxes), bool)
    for start in range(0, len(boxes), _CHUNK):  # n x n at once would not fit for huge pictures
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
    """Cut boxes out of several images and resize them, bilinear without antialiasing.

    As TensorFlow's ``crop_and_resize`` does for the package: the box corners, scaled by
    ``(side - 1) / side`` of the image, fall on the centres of the patch's corner pixels, and what
    lies outside the picture is mid-gray.

    Parameters
    ----------
    images : list of (H, W, 3) arrays in [0, 255]
        Of one type, uint8 or float32, each; uint8 rounds the patch.
    owners : (n,) int
        Which image each box is in.
    boxes : (n, 4)
    size : int
        Side of a patch in pixels.

    Returns
    -------
    (n, size, size, 3) float32
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
        patch[:] = cv2.warpAffine(
            image,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if x1 < 0 or y1 < 0 or x2 > width - 1 or y2 > height - 1:
            x, y = x1 + (x2 - x1) * steps, y1 + (y2 - y1) * steps
            patch[:, (x < 0) | (x > width - 1)] = PIXEL_MEAN
            patch[(y < 0) | (y > height - 1)] = PIXEL_MEAN
    return out
