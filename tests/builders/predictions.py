"""Predictions with planted errors."""

import math

import numpy as np

from faceprep.metrics.predictions import Predictions


def predictions(
    right: np.ndarray, labels: np.ndarray, subjects: np.ndarray, clips: np.ndarray | None = None
) -> Predictions:
    """Return predictions: correct where `right` ``(S, F)`` is true, else the next class."""
    classes = int(labels.max()) + 1
    told = np.where(right, labels, (labels + 1) % classes)
    scores = np.log(np.full((*right.shape, classes), 0.1 / (classes - 1)))
    np.put_along_axis(scores, told[..., None], math.log(0.9), axis=2)
    none = np.full(len(labels), "")
    return Predictions(labels, subjects, none if clips is None else clips, scores)


def faces_of(count: int, faces: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and subjects of people with as many faces each, of two expressions in turn."""
    labels = np.tile(np.arange(faces) % 2, count)
    return labels, np.repeat([f"S{i:03d}" for i in range(count)], faces)
