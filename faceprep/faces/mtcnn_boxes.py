"""What happens between MTCNN's networks: pyramid, boxes, non-maximum suppression, patches.

Every step follows `mtcnn` 1.0.0 to the pixel, its peculiarities included; they are named where they
occur. Boxes are ``(n, 4)`` arrays of x1, y1, x2, y2.
"""

from collections.abc import Sequence

import numpy as np

from faceprep.faces.mtcnn_nets import PIXEL_MEAN

WINDOW = 12
"""Side of P-Net's window in pixels."""
STRIDE = 2
"""Step of P-Net's window in pixels."""
_CHUNK = 1024


def pyramid_scales(height: int, width: int, min_face_size: float, factor: float) -> list[float]:
    """Scales of the picture at which P-Net's window covers a face, finest first.

    The window sees faces of ``WINDOW / scale`` pixels. The number of levels is that of
    `mtcnn` 1.0.0 at its ``min_face_size`` of 20 pixels, and shifts with other sizes; a level too
    small for one window is left out.
    """
    short = min(height, width) * 20 / min_face_size  # the package counts levels for 20 px faces
    count = round(-(np.log(short / WINDOW) / np.log(factor) + 1)) if short else 0
    scales = [WINDOW / min_face_size * factor**level for level in range(max(count, 0))]
    return [s for s in scales if int(min(height, width) * s) >= WINDOW]


def window_boxes(rows: np.ndarray, columns: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Boxes of P-Net's cells, moved by its offsets, in pixels of the pyramid level.

    A cell covers the pixels ``2 i + 1`` to ``2 i + 12`` and is taken to be 11 pixels wide, as in
    the package, although the window is 12 pixels wide.
    """
    corner = np.stack([columns, rows], axis=1) * STRIDE
    cell = np.concatenate([corner + 1, corner + WINDOW], axis=1)
    return cell + offsets * (WINDOW - 1)


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
    threshold : float
    groups : (n,), optional
        Only boxes of one group (a pyramid level, an image) suppress each other.
    of_smaller : bool
        Divide the shared area by the smaller box in place of the union.

    Returns
    -------
    (n,) bool, true for boxes to keep
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


def squared(boxes: np.ndarray) -> np.ndarray:
    """Boxes grown along their shorter side into squares of the same centre."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True, initial=0)
    corner = boxes[:, :2] + size / 2 - side / 2
    return np.concatenate([corner, corner + side], axis=1)


def refined(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Boxes moved by R-Net's or O-Net's offsets, which are fractions of width + 1, height + 1."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.concatenate([size, size], axis=1)


def points_in(boxes: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """O-Net's key points ``(n, 10)``, fractions of the box, as pixels ``(n, 5, 2)``."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    xy = fractions.reshape(-1, 2, 5).transpose(0, 2, 1)
    return xy * size[:, None] + boxes[:, None, :2] - 1


def patches(
    images: Sequence[np.ndarray], owners: np.ndarray, boxes: np.ndarray, size: int
) -> np.ndarray:
    """Square patches of several images, bilinear without antialiasing.

    As TensorFlow's ``crop_and_resize`` does it for the package: the box corners are scaled by
    ``(side - 1) / side`` of the image and fall on the centres of the patch's corner pixels; what
    lies outside the picture is mid-gray.

    Parameters
    ----------
    images : list of (H, W, 3) uint8
    owners : (n,) int
        Which image each box is in; ascending.
    boxes : (n, 4)
    size : int
        Side of a patch.

    Returns
    -------
    (n, size, size, 3) float32, values in [0, 255]
    """
    out = np.empty((len(boxes), size, size, 3), np.float32)
    steps = np.arange(size, dtype=np.float32) / (size - 1)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(owners)], strict=True):
        image = images[owners[start]]
        height, width = image.shape[:2]
        x1, y1, x2, y2 = boxes[start:end].astype(np.float32).T[:, :, None]
        x = (x1 + (x2 - x1) * steps) * ((width - 1) / width)
        y = (y1 + (y2 - y1) * steps) * ((height - 1) / height)
        out[start:end] = _bilinear(image, x, y)
    return out


def _bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sample on the grids ``y (n, s)`` x ``x (n, s)``; outside the centres: mid-gray."""
    height, width = image.shape[:2]
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - left)[:, None, :, None], (y - top)[:, :, None, None]
    columns = [left.clip(0, width - 1)[:, None], (left + 1).clip(0, width - 1)[:, None]]
    rows = [r.clip(0, height - 1)[:, :, None] * width for r in (top, top + 1)]
    flat = image.reshape(-1, 3)
    upper, lower = (
        (1 - fx) * flat[row + columns[0]] + fx * flat[row + columns[1]] for row in rows
    )
    values = upper + fy * (lower - upper)
    values.transpose(0, 2, 1, 3)[(x < 0) | (x > width - 1)] = PIXEL_MEAN
    values[(y < 0) | (y > height - 1)] = PIXEL_MEAN
    return values
