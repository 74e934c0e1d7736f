"""Write small VGG networks in all file formats, and crops for them."""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

BLOCKS = {"vgg-face": (2, 2, 3, 3, 3), "vgg-19": (2, 2, 4, 4, 4)}
WIDTHS = (4, 5, 6, 7, 8)

Convolutions = list[tuple[str, Tensor, Tensor]]


def convolutions(network: str = "vgg-face", seed: int = 0) -> Convolutions:
    """Return names (conv1_1 …), filters and biases of a narrow network."""
    generator = torch.Generator().manual_seed(seed)
    made, inputs = [], 3
    for block, (count, width) in enumerate(zip(BLOCKS[network], WIDTHS, strict=True), 1):
        for number in range(1, count + 1):
            filters = torch.randn(width, inputs, 3, 3, generator=generator) / (3 * inputs**0.5)
            biases = torch.randn(width, generator=generator) / 10
            made.append((f"conv{block}_{number}", filters, biases))
            inputs = width
    return made


def reference(layers: Convolutions) -> dict[str, nn.Sequential]:
    """Return the torch network up to each convolution, before its ReLU."""
    modules: list[nn.Module] = []
    made = {}
    for name, filters, biases in layers:
        convolution = nn.Conv2d(filters.shape[1], len(filters), 3, padding=1)
        convolution.weight.data, convolution.bias.data = filters, biases
        if name.endswith("_1") and modules:
            modules.append(nn.MaxPool2d(2))
        modules.append(convolution)
        made[name] = nn.Sequential(*modules).requires_grad_(False)
        modules.append(nn.ReLU())
    return made


def crops(count: int = 2, side: int = 64, seed: int = 0) -> Tensor:
    """Return smooth noise in [-1, 1]."""
    coarse = torch.rand(count, 3, 9, 9, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return nn.functional.interpolate(coarse, (side, side), mode="bilinear")


def state_dict(layers: Convolutions, names: Iterable[str], classes: int) -> dict[str, Tensor]:
    """Return convolutions with other names, and three dense layers with one input."""
    made = {}
    for name, (_, filters, biases) in zip(names, layers, strict=True):
        made |= {f"{name}.weight": filters, f"{name}.bias": biases}
    for name, outputs in (("fc6", 9), ("fc7", 9), ("fc8", classes)):
        made |= {f"{name}.weight": torch.zeros(outputs, 1), f"{name}.bias": torch.zeros(outputs)}
    return made


def torchvision_names(network: str) -> list[str]:
    """Return ``features.0`` etc.: convolutions, ReLUs and pools are counted."""
    names, place = [], 0
    for count in BLOCKS[network]:
        names += [f"features.{place + 2 * number}" for number in range(count)]
        place += 2 * count + 1
    return names


# MATLAB 5


def write_matlab(
    path: Path, layers: Convolutions, *, compress: bool, nested: bool, old_fields: bool = False
) -> None:
    """Write a network as MatConvNet does: ``layers`` and ``meta``, or both inside ``net``."""
    made = []
    for name, filters, biases in layers:
        values = [_numbers(filters.numpy().transpose(2, 3, 1, 0)), _numbers(biases.numpy()[None])]
        if old_fields:
            weights = {"filters": values[0], "biases": values[1]}
        else:
            weights = {"weights": _array(1, (1, 2), b"".join(values))}
        fields = {"name": _text(name), "type": _text("conv"), **weights}
        made.append(_structure(fields | {"stride": _numbers(np.array([[1.0, 1.0]]))}))
        made.append(_structure({"name": _text(f"relu{name[4:]}"), "type": _text("relu")}))
    dense = _array(1, (1, 2), _numbers(np.zeros((1, 1, 9, 2622))) + _numbers(np.zeros((1, 2622))))
    made.append(_structure({"name": _text("fc8"), "type": _text("conv"), "weights": dense}))
    cells = {"layers": (1, (1, len(made)), b"".join(made))}
    meta = {"meta": (2, (1, 1), _fields({"note": _text("small")}))}
    if nested:
        inside = {name: _array(*parts) for name, parts in (cells | meta).items()}
        variables = {"net": (2, (1, 1), _fields(inside))}
    else:
        variables = meta | cells
    data = b"MATLAB 5.0 MAT-file, written by a test".ljust(124) + struct.pack("<H", 0x100) + b"IM"
    for name, (kind, shape, content) in variables.items():
        element = _array(kind, shape, content, name)
        if compress:
            squeezed = zlib.compress(element)
            element = struct.pack("<II", 15, len(squeezed)) + squeezed
        data += element
    path.write_bytes(data)


def _element(kind: int, data: bytes) -> bytes:
    if 0 < len(data) <= 4:
        return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def _array(kind: int, shape: tuple[int, ...], content: bytes, name: str = "") -> bytes:
    head = _element(6, struct.pack("<II", kind, 0)) + _element(5, np.array(shape, "<i4").tobytes())
    return _element(14, head + _element(1, name.encode()) + content)


def _numbers(values: np.ndarray) -> bytes:
    data = values.astype("<f4").tobytes(order="F")
    return _array(7, values.shape, _element(7, data))


def _text(text: str) -> bytes:
    return _array(4, (1, len(text)), _element(16, text.encode()))


def _fields(fields: dict[str, bytes]) -> bytes:
    names = b"".join(name.encode().ljust(32, b"\0") for name in fields)
    return _element(5, struct.pack("<i", 32)) + _element(1, names) + b"".join(fields.values())


def _structure(fields: dict[str, bytes]) -> bytes:
    return _array(2, (1, 1), _fields(fields))


# Torch7


class Torch7Writer:
    """Write values in the binary format of Torch7."""

    def __init__(self) -> None:
        self._count = 0

    def value(self, value: object) -> bytes:
        """Write None, text, a number, a table or an array."""
        if value is None:
            return struct.pack("<i", 0)
        if isinstance(value, str):
            return struct.pack("<i", 2) + self._text(value)
        if isinstance(value, bool):
            return struct.pack("<ii", 5, value)
        if isinstance(value, int | float):
            return struct.pack("<id", 1, value)
        if isinstance(value, dict):
            items = b"".join(self.value(k) + self.value(v) for k, v in value.items())
            return struct.pack("<iii", 3, self._index(), len(value)) + items
        assert isinstance(value, np.ndarray)
        return self.tensor(value.shape, [s // value.itemsize for s in value.strides], value.ravel())

    def tensor(self, shape: Iterable[int], strides: Iterable[int], storage: np.ndarray) -> bytes:
        """Write a tensor of any shape and strides over a storage."""
        shape, strides = list(shape), list(strides)
        sizes = struct.pack(f"<i{2 * len(shape) + 1}q", len(shape), *shape, *strides, 1)
        content = struct.pack("<q", len(storage)) + storage.astype("<f4").tobytes()
        return self._named("torch.FloatTensor", sizes) + self._named("torch.FloatStorage", content)

    def thing(self, name: str, fields: dict[object, bytes]) -> bytes:
        """Write an object whose fields are already written."""
        items = b"".join(self.value(key) + value for key, value in fields.items())
        table = struct.pack("<iii", 3, self._index(), len(fields)) + items
        return self._named(name, table)

    def function(self) -> bytes:
        """Write a function: Lua bytecode and its upvalues."""
        return struct.pack("<iii", 8, self._index(), 5) + b"\x1bLuaR" + self.value({"x": 1})

    def _named(self, name: str, content: bytes) -> bytes:
        head = struct.pack("<ii", 4, self._index())
        return head + self._text("V 1") + self._text(name) + content

    def _text(self, text: str) -> bytes:
        return struct.pack("<i", len(text)) + text.encode()

    def _index(self) -> int:
        self._count += 1
        return self._count


def write_torch7(path: Path, layers: Convolutions, *, flat: bool) -> None:
    """Write a network like the published VGG-Face: a Sequential; `flat` filters are matrices."""
    writer = Torch7Writer()
    modules: list[bytes] = []
    for name, filters, biases in layers:
        kind = "nn.SpatialConvolutionMM" if flat else "nn.SpatialConvolution"
        array = filters.flatten(1).numpy() if flat else filters.numpy()
        fields = {"kW": 3, "kH": 3, "nInputPlane": filters.shape[1], "train": False}
        written = {key: writer.value(value) for key, value in fields.items()}
        written |= {"weight": writer.value(array), "bias": writer.value(biases.numpy())}
        if name == "conv1_1":
            written["hook"] = writer.function()
        modules += [writer.thing(kind, written), writer.thing("nn.ReLU", {})]
    dense = {"weight": np.zeros((2622, 1)), "bias": np.zeros(2622)}
    modules.append(writer.thing("nn.Linear", {k: writer.value(v) for k, v in dense.items()}))
    items = b"".join(writer.value(number) + part for number, part in enumerate(modules, 1))
    table = struct.pack("<iii", 3, 10_000, len(modules)) + items
    path.write_bytes(writer.thing("nn.Sequential", {"modules": table}))
