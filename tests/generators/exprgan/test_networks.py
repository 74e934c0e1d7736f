"""Shapes and counts of the official code, on the device that needs no memory."""

import pytest
import torch
from builders.exprgan import SIX, images, labels, smallest
from torch import nn

from faceprep.generators.exprgan import ExprGAN, build, modern, paper, tiny
from faceprep.generators.exprgan.schedule import modern_phases, paper_phases


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_counts_of_the_official_code() -> None:
    model = build(paper(SIX), device="meta")
    assert count(model.encoder) == 18_234_034
    assert count(model.decoder) == 11_331_066
    assert count(model.decoder.fc) == 4_767_744
    assert count(model.decoder.convs) == 6_563_322
    assert count(model.d_latent) == 6_001
    assert count(model.d_image) == 9_275_349
    assert count(model) == 38_846_450


def test_parameter_counts_with_scales_in_the_norms() -> None:
    model = build(paper(SIX, bn_scale=True), device="meta")
    assert count(model.d_latent) == 6_113
    assert count(model.d_image) == 9_277_125
    assert count(model) == 38_848_338


def shapes_after(network: nn.Module, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda _m, _x, out: found.append(tuple(out.shape[1:])))
    return found


def test_shapes_of_the_official_tables() -> None:
    model = build(paper(SIX), device="meta")
    x, y = torch.empty(2, 3, 128, 128, device="meta"), torch.empty(2, 6, device="meta")
    down = shapes_after(model.encoder, nn.Conv2d)
    g = model.encode(x)
    assert g.shape == (2, 50)
    assert down == [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (1024, 4, 4)]

    up = shapes_after(model.decoder, nn.Conv2d)
    c = model.controller(y, torch.empty(2, 5, device="meta"))
    assert c.shape == (2, 30)
    assert model.decode(g, c).shape == (2, 3, 128, 128)
    assert up == [
        (512, 8, 8),
        (256, 16, 16),
        (128, 32, 32),
        (64, 64, 64),
        (32, 128, 128),
        (16, 128, 128),
        (3, 128, 128),
    ]
    assert [conv.in_channels for conv in model.decoder.convs] == [1054, 542, 286, 158, 94, 62, 46]
    assert model.decoder.fc.in_features == 290

    trunk = shapes_after(model.d_image, nn.Conv2d)
    judged = model.d_image(x, y)
    assert trunk == [(16, 64, 64), (32, 32, 32), (64, 16, 16), (128, 8, 8)]
    assert [conv.in_channels for conv in model.d_image.convs] == [9, 22, 38, 70]
    assert model.d_image.fc.in_features == 8576
    assert judged.logit.shape == (2,)
    assert judged.code.shape == (2, 30)
    assert judged.features.shape == (2, 128)
    assert judged.classes is None
    assert model.d_latent(g).shape == (2,)


@pytest.mark.parametrize("preset", [paper, modern, tiny])
@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("classes", [("a", "b"), SIX, tuple("abcdefgh")])
def test_every_size_and_number_of_classes(preset, size: int, classes: tuple[str, ...]) -> None:
    model = build(preset(classes, size, projected_channels=(8,)), device="meta")
    x, y = (
        torch.empty(2, 3, size, size, device="meta"),
        torch.empty(2, len(classes), device="meta"),
    )
    c = model.controller(y, torch.empty(2, 5, device="meta"))
    g = model.encode(x)
    assert model.decode(g, c).shape == x.shape
    assert model.decode(g, c, x).shape == x.shape
    assert model.q(x, y).shape == (2, 5 * len(classes))
    assert (model.size, model.classes, model.identity) == (size, classes, 50)


@pytest.mark.parametrize(
    "switch",
    [
        {"q_sees_label": False},
        {"q_shared_layer": False},
        {"code_everywhere": False},
        {"code_repeats": 1},
        {"code_injection": "bias"},
        {"bn_scale": True},
        {"d_norm": "spectral"},
        {"class_head": True},
        {"source_path": True},
    ],
)
def test_every_switch_of_shape_changes_the_parameters(switch: dict[str, object]) -> None:
    plain = {n: p.shape for n, p in build(paper(SIX, 32), "meta").named_parameters()}
    changed = {n: p.shape for n, p in build(paper(SIX, 32, **switch), "meta").named_parameters()}
    assert plain != changed


def small_paper(**switches: object) -> ExprGAN:
    config = paper(SIX, 32, width=4, d_width=4, d_features=16, **switches)
    return build(config, seed=1)


def test_leaky_switch_reaches_the_first_layers_of_both_discriminators() -> None:
    x, y = images(4), labels(4)
    plain, leaky = small_paper(), small_paper(d_leaky=True)
    assert not torch.allclose(plain.d_image(x, y).logit, leaky.d_image(x, y).logit)
    g = torch.randn(4, 50)
    assert not torch.allclose(plain.d_latent(g), leaky.d_latent(g))


def test_encoder_tanh_switch() -> None:
    x = images(2) * 3
    bounded, free = small_paper().encode(x), small_paper(encoder_tanh=False).encode(x)
    assert torch.allclose(bounded, torch.tanh(free), atol=1e-6)


def test_untracked_norms_judge_an_image_as_at_the_start() -> None:
    for tracked in (True, False):
        model = small_paper(bn_track=tracked)
        before = {k: v.clone() for k, v in model.state_dict().items() if "running" in k}
        model.q(images(8), labels(8))
        after = {k: v for k, v in model.state_dict().items() if "running" in k}
        assert all(torch.equal(before[k], after[k]) for k in before) is not tracked


def test_a_q_without_the_label_reads_the_image_alone() -> None:
    x, y = images(4), labels(4)
    for sees in (True, False):
        model = small_paper(q_sees_label=sees).eval()
        here, there = model.d_image(x, y), model.d_image(x, y.flip(1))
        assert torch.equal(here.code, there.code) is not sees
        assert not torch.equal(here.logit, there.logit)


def test_constant_maps_and_biases_are_the_same_inside_the_image() -> None:
    """A convolution of a constant map is a constant, but where its kernel leaves the image."""
    maps = nn.Conv2d(7, 3, 3, padding=1, bias=False)
    h, c = torch.randn(1, 5, 8, 8), torch.randn(1, 2)
    joined = maps(torch.cat([h, c[:, :, None, None].expand(-1, -1, 8, 8)], dim=1))
    alone = torch.nn.functional.conv2d(h, maps.weight[:, :5], padding=1)
    bias = torch.einsum("oikl,bi->bo", maps.weight[:, 5:], c)[:, :, None, None]
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert torch.allclose(joined[inside], (alone + bias)[inside], atol=1e-5)


def test_the_code_changes_the_face() -> None:
    for injection in ("maps", "bias"):
        model = build(smallest(code_injection=injection), seed=0)
        g, z = torch.rand(2, 50), torch.rand(2, 5)
        y = labels(2)
        here, there = model.controller(y, z), model.controller(y.flip(1), z)
        assert not torch.allclose(model.decode(g, here), model.decode(g, there))


def test_stages_of_the_paper() -> None:
    controller, reconstruction, refining = paper_phases()
    # 1296 images, the last incomplete batch dropped (design table: 6900 steps in all)
    steps = [stage.epochs * (1296 // stage.batch) for stage in paper_phases()]
    assert steps == [4200, 1350, 1350]
    assert controller.weights.pixel == 0
    assert (refining.weights.adversarial, refining.weights.tv) == (0.01, 0.001)
    assert reconstruction.discriminate
    strict = paper_phases(batches=(48, 48, 48), judges_in_reconstruction=False)
    assert not strict[1].discriminate
    model = build(smallest(), device="meta")
    for stage in (*strict, *modern_phases(10)):
        for name in (*stage.makers, *stage.judges):
            assert hasattr(model, name)
