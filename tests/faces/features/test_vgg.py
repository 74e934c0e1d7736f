"""Test VGG networks from all file formats, and malicious files."""

import contextlib
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.features import (
    Convolutions,
    Torch7Writer,
    convolutions,
    crops,
    reference,
    state_dict,
    torchvision_names,
    write_matlab,
    write_torch7,
)
from safetensors.torch import save_file

from faceprep.core.errors import MissingToolError
from faceprep.faces.features import EMBEDDING, FaceFeatures, load_features
from faceprep.faces.features.torch7 import Torch7Object, read_torch7

FACE_MEAN = torch.tensor([129.1863, 104.7624, 93.5940])[:, None, None]
LAYERS = tuple(f"conv{block}_2" for block in range(1, 6))

Writer = Callable[[Path, Convolutions], None]


def save_pth(path: Path, layers: Convolutions, *, style: str = "{}", **options: bool) -> None:
    names = [style.format(name) for name, *_ in layers]
    torch.save(state_dict(layers, names, 2622), path, **options)


def save_numbered(path: Path, layers: Convolutions) -> None:
    names = [name.removeprefix("features.") for name in torchvision_names("vgg-face")]
    torch.save(state_dict(layers, names, 2622), path)


def save_checkpoint(path: Path, layers: Convolutions) -> None:
    names = [f"module.{name}" for name, *_ in layers]
    torch.save({"epoch": 3, "state_dict": state_dict(layers, names, 2622)}, path)


def save_safetensors(path: Path, layers: Convolutions) -> None:
    save_file(state_dict(layers, [name for name, *_ in layers], 2622), path)


FILES: dict[str, tuple[str, Writer]] = {
    "mat": ("rgb", lambda p, n: write_matlab(p, n, compress=True, nested=False)),
    "mat of the authors": ("rgb", lambda p, n: write_matlab(p, n, compress=True, nested=True)),
    "mat -v6": ("rgb", lambda p, n: write_matlab(p, n, compress=False, nested=False)),
    "mat, old fields": (
        "rgb",
        lambda p, n: write_matlab(p, n, compress=True, nested=True, old_fields=True),
    ),
    "t7": ("bgr", lambda p, n: write_torch7(p, n, flat=False)),
    "t7, matrices": ("bgr", lambda p, n: write_torch7(p, n, flat=True)),
    "pth": ("rgb", save_pth),
    "pth, before 1.6": ("rgb", lambda p, n: save_pth(p, n, _use_new_zipfile_serialization=False)),
    "pth of a t7": ("bgr", save_numbered),
    "pth, checkpoint": ("rgb", save_checkpoint),
    "safetensors": ("rgb", save_safetensors),
}


def saved(path: Path, kind: str, layers: Convolutions | None = None) -> Path:
    FILES[kind][1](path, layers or convolutions())
    return path


def pixels(crop: torch.Tensor) -> torch.Tensor:
    return (crop + 1) * 127.5


@pytest.mark.parametrize("kind", FILES)
def test_every_file_gives_the_same_network(tmp_path, kind):
    features = load_features(saved(tmp_path / "weights.bin", kind), size="native")
    assert features.name == "vgg-face"
    assert features.provenance()["channels"] == FILES[kind][0]
    nets = reference(convolutions())
    image = pixels(crops()) - FACE_MEAN
    seen = image.flip(1) if FILES[kind][0] == "bgr" else image
    found = features.activations(crops(), features.layers)
    for name, net in nets.items():
        expected = net(seen)
        assert torch.allclose(found[name], expected, atol=1e-4), name
        assert torch.equal(found[f"relu{name[4:]}"], found[name].relu())
        assert features.layers[name] == (expected.shape[1], 64 // expected.shape[-1])
    assert torch.allclose(features.embed(crops()), found["relu5_3"].mean((2, 3)))
    assert features.perceptual_layers == LAYERS


def test_the_order_of_colours_can_be_given(tmp_path):
    path = saved(tmp_path / "weights.pth", "pth")
    colours, flipped = crops(), crops().flip(1)
    # The mean follows its colour, so that only the convolution depends on the order.
    rgb = load_features(path, size="native")
    bgr = load_features(path, size="native", channels="bgr")
    shift = (FACE_MEAN.flip(0) - FACE_MEAN) / 127.5
    first, second = (
        rgb.activations(flipped - shift, ["conv1_1"]),
        bgr.activations(colours, ["conv1_1"]),
    )
    assert torch.allclose(first["conv1_1"], second["conv1_1"], atol=1e-3)


def test_vgg_face_looks_at_224_pixels(tmp_path):
    features = load_features(saved(tmp_path / "weights.mat", "mat"))
    assert features.input_size == 224
    assert features.prepare(crops(1, 128)).shape == (1, 3, 224, 224)
    other = load_features(tmp_path / "weights.mat", size=96)
    assert other.activations(crops(1, 128))["conv2_2"].shape[-1] == 48


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
@pytest.mark.parametrize(
    ("network", "classes", "name"),
    [("vgg-face", 1000, "vgg-16"), ("vgg-face", 2622, "vgg-face"), ("vgg-19", 1000, "vgg-19")],
)
def test_networks_of_torchvision(tmp_path, kind, network, classes, name):
    layers, names = convolutions(network), torchvision_names(network)
    path = tmp_path / "vgg.weights"
    (torch.save if kind == "pth" else save_file)(state_dict(layers, names, classes), path)
    features = load_features(path, size="native")
    assert features.name == name
    if name == "vgg-face":
        image = pixels(crops()) - FACE_MEAN
    else:
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        image = (pixels(crops()) / 255 - mean) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        assert load_features(path).input_size is None
    last = layers[-1][0]
    found = features.activations(crops(), ["conv1_2", last])
    for layer, activation in found.items():
        assert torch.allclose(activation, reference(layers)[layer](image), atol=1e-3)


def test_lower_precision_keeps_the_embedding_exact(tmp_path):
    features = load_features(saved(tmp_path / "weights.mat", "mat"), size="native")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = features.activations(crops(), ["conv3_2", EMBEDDING])
    assert found["conv3_2"].dtype == torch.bfloat16
    assert found[EMBEDDING].dtype == torch.float32


def test_gradient_reaches_the_crop(tmp_path):
    features = load_features(saved(tmp_path / "weights.mat", "mat"))
    crop = crops().requires_grad_()
    sum(layer.abs().mean() for layer in features.activations(crop).values()).backward()
    assert crop.grad is not None
    assert (crop.grad != 0).float().mean() > 0.99


class Harm:
    """Create a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", ["evil.pth", "evil.safetensors", "evil.mat", "evil.t7", "evil"])
@pytest.mark.parametrize("form", ["zip", "legacy", "bare", "protocol 0", "among weights"])
def test_a_pickle_is_never_run(tmp_path, name, form):
    path, harm = tmp_path / name, tmp_path / "harm"
    if form == "zip":
        torch.save(Harm(harm), path)
    elif form == "legacy":
        torch.save(Harm(harm), path, _use_new_zipfile_serialization=False)
    elif form == "among weights":
        layers = convolutions()
        weights: dict[str, object] = dict(state_dict(layers, [n for n, *_ in layers], 2622))
        torch.save(weights | {"epoch": Harm(harm)}, path)
    else:
        path.write_bytes(pickle.dumps(Harm(harm), protocol=0 if form == "protocol 0" else 4))
    with pytest.raises(MissingToolError, match="cannot use the weights"):
        load_features(path)
    assert not harm.exists()
    if form == "bare":
        pickle.loads(path.read_bytes())
        assert harm.exists()  # without the check it would have executed


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["mat", "mat -v6", "t7", "pth", "pth, before 1.6", "safetensors"])
def test_damage_is_one_clear_error(tmp_path, kind):
    whole = saved(tmp_path / "whole", kind).read_bytes()
    random, path = np.random.default_rng(1), tmp_path / "damaged"
    survived = 0
    for trial in range(60):
        data = bytearray(whole)
        if trial % 3 == 0:
            data = data[: int(random.integers(len(data)))]
        else:
            # Positions in the structure: near the beginning, or anywhere.
            places = random.integers(0, 600 if trial % 3 == 1 else len(data), 4)
            data[places[0]] ^= 0xFF
            for place in places[1:]:
                data[place] = int(random.integers(256))
        path.write_bytes(data)
        with contextlib.suppress(MissingToolError):
            survived += isinstance(load_features(path), FaceFeatures)
    assert survived < 40  # a changed weight is still valid


@pytest.mark.parametrize("kind", ["mat", "t7", "pth", "safetensors"])
def test_weights_that_are_no_vgg_are_refused(tmp_path, kind):
    def refused(layers: Convolutions, reason: str) -> None:
        with pytest.raises(MissingToolError, match=reason):
            load_features(saved(tmp_path / "weights", kind, layers))

    layers = convolutions()
    refused(layers[:-1], "12 convolutions: neither")
    refused([*layers[:4], *layers[5:], layers[12]], "convolution 5 has filters")
    name, filters, biases = layers[3]
    refused([*layers[:3], (name, filters * float("nan"), biases), *layers[4:]], "not finite")
    refused([*layers[:3], (name, filters, biases[:-1]), *layers[4:]], "convolution 4 has filters")


def test_batch_normalisation_is_refused(tmp_path):
    layers = convolutions("vgg-19")
    weights = state_dict(layers, torchvision_names("vgg-19"), 1000)
    torch.save(weights | {"features.1.running_mean": torch.zeros(4)}, tmp_path / "bn.pth")
    with pytest.raises(MissingToolError, match="batch normalisation"):
        load_features(tmp_path / "bn.pth")


def test_imagenet_in_other_layouts_is_refused(tmp_path):
    write_matlab(tmp_path / "19.mat", convolutions("vgg-19"), compress=True, nested=False)
    with pytest.raises(MissingToolError, match="only as torchvision"):
        load_features(tmp_path / "19.mat")


def test_what_is_no_weight_file_is_refused(tmp_path):
    path = tmp_path / "x"
    with pytest.raises(MissingToolError, match="No such file"):
        load_features(path)
    with pytest.raises(MissingToolError, match="Is a directory"):
        load_features(tmp_path)
    for content in (b"", b"hello", b"MATLAB 7.3 MAT-file".ljust(600), bytes(4096), b"\x04\0\0\0"):
        path.write_bytes(content)
        with pytest.raises(MissingToolError, match="cannot use the weights"):
            load_features(path)


def test_a_bomb_does_not_unfold(tmp_path):
    """Test a megabyte of MATLAB that expands to a gigabyte, and a tensor larger than its file."""
    squeezer = zlib.compressobj(9)
    squeezed = squeezer.compress(struct.pack("<II", 14, 2**30) + bytes(2**20)) + squeezer.flush()
    head = b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x100) + b"IM"
    (tmp_path / "bomb.mat").write_bytes(head + struct.pack("<II", 15, len(squeezed)) + squeezed)
    with pytest.raises(MissingToolError):
        load_features(tmp_path / "bomb.mat")
    weight = Torch7Writer().tensor((10**6, 10**6), (0, 0), np.zeros(1))
    (tmp_path / "bomb.t7").write_bytes(weight)
    with pytest.raises(MissingToolError):
        load_features(tmp_path / "bomb.t7")


def test_torch7_objects_may_refer_to_themselves(tmp_path):
    text = struct.pack("<i", 3) + b"V 1" + struct.pack("<i", 11) + b"nn.Identity"
    itself = struct.pack("<ii", 4, 1)
    key = struct.pack("<ii", 2, 2) + b"me"
    (tmp_path / "loop.t7").write_bytes(
        struct.pack("<ii", 4, 1) + text + struct.pack("<iii", 3, 2, 1) + key + itself
    )
    value = read_torch7(tmp_path / "loop.t7")
    assert isinstance(value, Torch7Object)
    assert value.fields["me"] is value
    with pytest.raises(MissingToolError, match="0 convolutions"):
        load_features(tmp_path / "loop.t7")


def test_torch7_tables_nested_without_end_are_refused(tmp_path):
    tables = b"".join(struct.pack("<iii", 3, n, 1) + struct.pack("<id", 1, 1) for n in range(5000))
    (tmp_path / "deep.t7").write_bytes(tables)
    with pytest.raises(MissingToolError, match="too deeply"):
        load_features(tmp_path / "deep.t7")
