"""A small network in the format of the package ``fer``, with the outputs of Keras."""

from functools import cache
from pathlib import Path

import h5py
import numpy as np
from safetensors.numpy import load_file

_GOLDEN = Path(__file__).parents[1] / "metrics/expression_classifier/fer/golden.safetensors"


@cache
def golden() -> dict[str, np.ndarray]:
    """Images, and what Keras answers, as tools/fer_golden.py wrote them."""
    return load_file(_GOLDEN)


def write_model(path: Path, **changes: np.ndarray | None) -> Path:
    """Write the small network as Keras does; layers may be changed or left out (None)."""
    with h5py.File(path, "w") as file:
        file.create_group("model_weights/input_1")
        for name, value in golden().items():
            layer, _, weight = name.partition("/")
            array = changes.get(layer, value)
            if weight and array is not None:
                file[f"model_weights/{layer}/{layer}_1/{weight}:0"] = array
    return path
