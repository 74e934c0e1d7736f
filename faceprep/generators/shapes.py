"""Estimate how far an expression has moved the landmarks of a face whose neutral face is unknown.

A linear map from landmarks to displacements from the neutral face, fitted on training faces. It
reads the largest principal components of the landmarks, because there are fewer people than
coordinates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Most components that are read, and ridge penalty relative to the variance of the largest one.
_COMPONENTS, _PENALTY = 24, 0.01

#: Stored decimal places.
_PLACES = 5

_COORDINATES = 68 * 2


@dataclass(frozen=True)
class ShapeModel:
    """A linear map of rank R, in sides of the crop."""

    mean: np.ndarray  # ``(136,)`` mean landmarks
    #: ``(R, 136)`` principal components of the landmarks, and displacement for one unit of each.
    components: np.ndarray
    displacements: np.ndarray
    offset: np.ndarray  # ``(136,)`` displacement of the mean landmarks

    def displacement(self, points: np.ndarray) -> np.ndarray:
        """Return the displacement from the neutral face of landmarks ``(N, 68, 2)``, same shape."""
        scores = (points.reshape(len(points), -1) - self.mean) @ self.components.T
        return np.asarray((scores @ self.displacements + self.offset).reshape(points.shape))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: np.round(value, _PLACES).tolist() for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ShapeModel":
        """Read plain values; ValueError, TypeError or KeyError if they are malformed."""
        found = {name: np.asarray(values[name], float) for name in cls.__dataclass_fields__}
        rank = len(found["components"])
        for name, value in found.items():
            shape = (_COORDINATES,) if name in ("mean", "offset") else (rank, _COORDINATES)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} has shape {value.shape}, not {shape}, or is not finite")
        return cls(**found)


def fit_shape_model(points: np.ndarray, displacements: np.ndarray) -> ShapeModel:
    """Fit the map by ridge regression.

    `points`, `displacements`: ``(N, 68, 2)`` landmarks of faces with any expression, and their
        displacements from the neutral face of the same person.
    """
    x = np.asarray(points, float).reshape(len(points), -1)
    y = np.asarray(displacements, float).reshape(len(points), -1)
    mean, offset = x.mean(axis=0), y.mean(axis=0)
    _, scale, components = np.linalg.svd(x - mean, full_matrices=False)
    components = components[: min(_COMPONENTS, int((scale > 1e-9).sum()))]
    scores = (x - mean) @ components.T
    largest = float(scale[0]) ** 2
    square = scores.T @ scores + (_PENALTY * largest + 1e-12) * np.eye(len(components))
    weights = np.linalg.solve(square, scores.T @ (y - offset))
    return ShapeModel(mean, components, weights, offset)
