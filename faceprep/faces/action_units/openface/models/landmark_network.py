"""Load and apply the network that refines landmarks.

``tools/learn_openface_landmarks.py`` writes ``landmarks.npz`` and documents its training data. The
file contains nothing of OpenFace's files.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np

#: File beside this module with the weights of the network.
WEIGHTS = "landmarks.npz"

POINTS = 68

SLOPE = np.float32(0.2)
"""Slope of the local layer's leaky rectifier below zero."""
SHAPE_GAIN = 2.0
"""Factor of the shape among the inputs of the hidden layer."""


@dataclass(frozen=True)
class LandmarkNetwork:
    """Hold the weights of the network, float32."""

    # (68, 2): mean shape, relative to its weighted centre; unit: distance between the outer eye
    # corners
    mean_shape: np.ndarray
    # (68, 128, 16); layer on the features of each point
    local: np.ndarray
    local_bias: np.ndarray  # (68, 16)
    # (1224, 256); layer on the outputs for all points and the shape
    hidden: np.ndarray
    hidden_bias: np.ndarray  # (256,)
    # (256, 136); layers from the hidden layer and from its inputs to the displacements
    output: np.ndarray
    straight: np.ndarray  # (1224, 136)
    output_bias: np.ndarray  # (136,)

    def displacements(self, features: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Return the displacements of the points ``(68, 2)``, in eye distances.

        `features` are ``(68, 128)``, `shape` the points ``(68, 2)`` in the coordinates of
        `mean_shape`.
        """
        # One face at a time, because a matrix product over a batch rounds differently.
        local = (features[:, None] @ self.local)[:, 0] + self.local_bias
        local = np.where(local > 0, local, SLOPE * local)
        seen = np.concatenate([local.ravel(), SHAPE_GAIN * shape.ravel()], dtype=np.float32)
        hidden = np.maximum(seen @ self.hidden + self.hidden_bias, 0)
        moves = hidden @ self.output + seen @ self.straight + self.output_bias
        return moves.reshape(POINTS, 2).astype(np.float64)


@cache
def load_network() -> LandmarkNetwork:
    """Load the network."""
    with np.load(io.BytesIO(_file().read_bytes())) as stored:
        return unpack(dict(stored))


def unpack(stored: dict[str, np.ndarray]) -> LandmarkNetwork:
    """Convert the arrays of the file, where matrices are int8 with a scale for each column."""
    arrays = {}
    for name in LandmarkNetwork.__dataclass_fields__:
        array = stored[name].astype(np.float32)
        scale = stored.get(f"{name}_scale")
        arrays[name] = array if scale is None else array * scale.astype(np.float32)
    return LandmarkNetwork(**arrays)


@cache
def network_digest() -> str:
    """Return the hash of the weights, 16 characters."""
    return hashlib.sha256(_file().read_bytes()).hexdigest()[:16]


def _file() -> Traversable:
    return files(__package__).joinpath(WEIGHTS)
