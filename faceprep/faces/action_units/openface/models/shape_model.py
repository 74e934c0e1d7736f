"""Hold the 3-D point distribution model of OpenFace."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

POINTS = 68
MODES = 34


@dataclass(frozen=True)
class PointDistributionModel:
    """Hold the mean shape of 68 points in millimetres and its modes of variation."""

    # (204,) float64: x of all points, then y, then z; y downwards, centroid at the origin
    mean: np.ndarray
    modes: np.ndarray  # (204, 34) float64: orthonormal columns
    eigenvalues: np.ndarray  # (34,) float64: variance along each mode

    @cached_property
    def whole(self) -> "VisiblePart":
        """Model with all points visible."""
        return VisiblePart(self, np.ones(POINTS, dtype=bool))


class VisiblePart:
    """Hold the visible points of the model and products that each iteration needs.

    Attributes
    ----------
    mean : (3 P,), modes : (3 P, 34)
        Mean and modes of the P visible points.
    products : (9, 34 * 34)
        Pairwise products of the x, y and z of the modes.
    stiffness : (34,)
        Weights of the regularization of the parameters.
    """

    def __init__(self, model: PointDistributionModel, visible: np.ndarray) -> None:
        self.mean = model.mean.reshape(3, POINTS)[:, visible].ravel()
        modes = model.modes.reshape(3, POINTS, MODES)[:, visible]
        self.modes = modes.reshape(-1, MODES)
        self.products = np.einsum("apm,bpn->abmn", modes, modes).reshape(9, -1)
        self.stiffness = 1 / model.eigenvalues

    def shape(self, parameters: np.ndarray) -> np.ndarray:
        """Return the points ``(N, 3, P)`` of shapes with parameters ``(N, 34)``."""
        return np.asarray(self.mean + parameters @ self.modes.T).reshape(len(parameters), 3, -1)
