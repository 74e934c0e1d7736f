"""Read the convolutions of a VGG network from several file formats.

The first bytes of a file, not its name, determine its format:

* MATLAB 5 (``.mat``), as MatConvNet saves networks;
* Torch7 (``.t7``), as the authors of VGG-Face published it;
* PyTorch (``.pth``, ``.pt``): a state dict, read with ``weights_only``, which creates only
  tensors and plain containers;
* safetensors.

Code in a file is never executed. Every reader checks sizes and raises ``ValueError`` for damaged or
other files.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from faceprep.faces.features.matlab import Skipped, read_matlab
from faceprep.faces.features.torch7 import Torch7Object, read_torch7

Channels = Literal["rgb", "bgr"]

_HEAD_BYTES = 128
_TORCH7_STARTS = (struct.pack("<i", 3), struct.pack("<i", 4))
_WRAPPERS = ("state_dict", "model_state_dict", "model")
# The ports of VGG_FACE.t7 have its blue-green-red order: modules by number, or conv_1_1 etc.
_TORCH7_PORT = re.compile(r"^\d+$|(^|\.)conv_\d_\d$")
_TORCHVISION = re.compile(r"^features\.\d+$")


@dataclass(frozen=True, slots=True)
class VggWeights:
    """Hold the 3×3 convolutions of a file, in forward order."""

    # Filters ``(out, in, 3, 3)`` and biases ``(out,)``, float32. The
    # first has 3 input channels, the others the output channels of the previous one.
    convolutions: list[tuple[Tensor, Tensor]]
    classes: int | None  # outputs of the last dense layer, if there is one
    # order of the colours in the first convolution, according to the layout
    channels: Channels
    torchvision: bool = False  # whether the layers have the names of torchvision


def read_vgg_weights(path: Path) -> VggWeights:
    """Read the convolutions of a VGG network.

    Raises
    ------
    ValueError
        If the file is damaged, of another kind, or not a plain VGG network.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(b"MATLAB 5.0"):
        weights = _from_matconvnet(read_matlab(path, ("layers", "net")))
    elif head.startswith(b"MATLAB 7.3"):
        raise ValueError("MATLAB 7.3 files are not read: save it again with -v7")
    elif head[8:9] == b"{":
        weights = _from_safetensors(path)
    elif head.startswith((b"PK\x03\x04", b"\x80")):
        weights = _from_state_dict(_load_state_dict(path, zipped=head.startswith(b"PK")))
    elif head.startswith(_TORCH7_STARTS):
        weights = _from_torch7(read_torch7(path))
    else:
        raise ValueError("none of .mat (MatConvNet), .t7, .pth or .safetensors, by its content")
    _check_chain(weights.convolutions)
    return weights


def _check_chain(convolutions: list[tuple[Tensor, Tensor]]) -> None:
    """Check that the convolutions are finite and their channels match."""
    inputs = 3
    for number, (filters, biases) in enumerate(convolutions, 1):
        if tuple(filters.shape[1:]) != (inputs, 3, 3) or biases.shape != filters.shape[:1]:
            raise ValueError(
                f"convolution {number} has filters {tuple(filters.shape)} and biases"
                f" {tuple(biases.shape)}, and {inputs} input channels"
            )
        if not (torch.isfinite(filters).all() and torch.isfinite(biases).all()):
            raise ValueError(f"a weight of convolution {number} is not finite")
        inputs = len(filters)


def _from_matconvnet(variables: Mapping[str, Any]) -> VggWeights:
    net = variables.get("net", variables)
    layers = net.get("layers") if isinstance(net, dict) else None
    if not isinstance(layers, list):
        raise ValueError("no list of layers: not a network of MatConvNet")
    convolutions: list[tuple[Tensor, Tensor]] = []
    classes = None
    for layer in layers:
        if not isinstance(layer, dict) or layer.get("type") != "conv":
            continue
        filters, biases = layer.get("weights") or (layer.get("filters"), layer.get("biases"))
        if not isinstance(filters, np.ndarray | Skipped):
            raise ValueError(f"layer {layer.get('name')} has no filters")
        shape = (*filters.shape, 1, 1)[:4]  # MATLAB removes trailing ones
        if shape[:2] != (3, 3):
            classes = shape[3]
        elif not isinstance(filters, np.ndarray) or not isinstance(biases, np.ndarray):
            raise ValueError(f"layer {layer.get('name')} is too large for a VGG network")
        else:
            ordered = filters.reshape(shape, order="F").transpose(3, 2, 0, 1)
            convolutions.append((_tensor(ordered), _tensor(biases.ravel(order="F"))))
    return VggWeights(convolutions, classes, "rgb")


def _from_torch7(root: object) -> VggWeights:
    convolutions: list[tuple[Tensor, Tensor]] = []
    classes = None
    for module in _modules(root, set()):
        weight, bias = module.fields.get("weight"), module.fields.get("bias")
        if not isinstance(weight, np.ndarray) or not isinstance(bias, np.ndarray):
            continue
        if "SpatialConvolution" in module.name:
            kernel = tuple(module.fields.get(key) for key in ("kH", "kW"))
            if kernel != (3, 3) or weight.ndim not in (2, 4) or weight.size % 9:
                raise ValueError(f"a convolution of {kernel}")
            convolutions.append((_tensor(weight.reshape(len(weight), -1, 3, 3)), _tensor(bias)))
        elif module.name == "nn.Linear":
            classes = len(weight)
    return VggWeights(convolutions, classes, "bgr")


def _modules(value: object, seen: set[int]) -> list[Torch7Object]:
    """Return the modules without submodules, in forward order."""
    if not isinstance(value, Torch7Object) or id(value) in seen:
        return []
    seen.add(id(value))
    parts = value.fields.get("modules")
    if not isinstance(parts, dict):
        return [value]
    found = []
    for number in range(1, len(parts) + 1):
        found += _modules(parts.get(number), seen)
    return found


def _from_safetensors(path: Path) -> VggWeights:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: _unless_dense(file, name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"not a whole safetensors file: {error}") from error
    return _from_state_dict(tensors)


def _unless_dense(file: Any, name: str) -> Tensor:
    """Read a tensor of a safetensors file; for weights of dense layers only the shape."""
    shape = file.get_slice(name).get_shape()
    return torch.empty(shape, device="meta") if len(shape) == 2 else file.get_tensor(name)


def _load_state_dict(path: Path, *, zipped: bool) -> Mapping[str, Any]:
    """Read the mapping in a PyTorch file; pickled objects other than tensors are rejected."""
    try:
        # Memory-mapped, so that unused dense layers are not read.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except UnpicklingError as error:
        raise ValueError(
            "it holds more than weights, or is damaged, and nothing of it was executed; save a"
            " plain state dict"
        ) from error
    except Exception as error:  # torch.load raises many kinds of errors for damaged files
        raise ValueError(f"not a whole file of PyTorch ({type(error).__name__})") from error
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise ValueError("no state dict")
    return content


def _from_state_dict(tensors: Mapping[str, Any]) -> VggWeights:
    plain = {str(name).removeprefix("module."): value for name, value in tensors.items()}
    if any(name.endswith("running_mean") for name in plain):
        raise ValueError("a network with batch normalisation; the plain one is needed")
    convolutions: list[tuple[Tensor, Tensor]] = []
    classes = None
    layers = []
    for name in sorted(plain, key=_natural):
        layer, _, kind = name.rpartition(".")
        value, bias = plain[name], plain.get(f"{layer}.bias")
        if kind != "weight" or not isinstance(value, Tensor) or not isinstance(bias, Tensor):
            continue
        if value.dim() == 4:
            layers.append(layer)
            convolutions.append((_copy(value), _copy(bias)))
        elif value.dim() == 2:
            classes = len(value)
    port = bool(layers) and all(_TORCH7_PORT.search(layer) for layer in layers)
    torchvision = bool(layers) and all(_TORCHVISION.search(layer) for layer in layers)
    return VggWeights(convolutions, classes, "bgr" if port else "rgb", torchvision)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sorting key that places ``features.2`` before ``features.10``."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _copy(values: Tensor) -> Tensor:
    """Copy to float32 values that do not depend on the file."""
    return values.detach().to(torch.float32, copy=True)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32, order="C"))
