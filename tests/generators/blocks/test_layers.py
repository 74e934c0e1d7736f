import math

import pytest
import torch
from torch import nn

from faceprep.generators.blocks import layers


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        (128, 5, 2, (1, 2)),
        (64, 5, 2, (1, 2)),
        (7, 5, 2, (2, 2)),
        (9, 3, 1, (1, 1)),
        (4, 1, 2, (0, 0)),
    ],
)
def test_tensorflows_same_padding(
    size: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    assert layers.same_padding(size, kernel, stride) == expected


def test_same_convolution_pads_one_before_and_two_after() -> None:
    conv = layers.SameConv2d(1, 1, 5, stride=2, bias=False)
    nn.init.ones_(conv.weight)
    made = conv(torch.ones(1, 1, 128, 128))
    assert made.shape == (1, 1, 64, 64)
    # A corner sees 4 of 5 rows at the top (one is padding) and 3 of 5 at the bottom (two are).
    assert made[0, 0, 0, 0] == 4 * 4
    assert made[0, 0, -1, -1] == 3 * 3
    assert made[0, 0, 0, -1] == 4 * 3
    assert made[0, 0, 5, 5] == 25


def test_batch_norm_has_the_parameters_it_is_asked_for() -> None:
    def count(**options: bool) -> int:
        return sum(p.numel() for p in layers.BatchNorm(7, **options).parameters())

    assert count() == 7
    assert count(scale=True) == 14
    assert count(shift=False) == 0


def test_batch_norm_agrees_with_torchs() -> None:
    ours = layers.BatchNorm(3, scale=True)
    theirs = nn.BatchNorm2d(3, eps=1e-3, momentum=1e-3)
    x = torch.randn(4, 3, 5, 5)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var)
    assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-6)


def test_untracked_statistics_stay_where_they_were() -> None:
    norm = layers.BatchNorm(3, track=False)
    norm(torch.randn(8, 3) * 5 + 2)
    assert torch.equal(norm.running_mean, torch.zeros(3))
    assert torch.equal(norm.running_var, torch.ones(3))


def test_normed_code_lives_where_the_bare_one_saturates() -> None:
    x = torch.randn(64, 50) * 30 + 40
    bare, normed = layers.BoundedCode(50, norm=False)(x), layers.BoundedCode(50, norm=True)(x)
    assert float((bare.abs() > 0.99).float().mean()) > 0.9
    assert float(normed.std(dim=0).min()) > 0.4
    assert not list(layers.BoundedCode(50, norm=True).parameters())


def test_film_starts_as_a_plain_norm_and_then_depends_on_the_condition() -> None:
    film = layers.FilmNorm(16, 8)
    h = torch.randn(2, 16, 4, 4)
    here, there = film(h, torch.randn(2, 8)), film(h, torch.randn(2, 8))
    assert torch.equal(here, there)
    optimizer = torch.optim.SGD(film.parameters(), lr=1.0)
    film(h, torch.ones(2, 8)).square().sum().backward()
    optimizer.step()
    assert not torch.allclose(film(h, torch.ones(2, 8)), film(h, -torch.ones(2, 8)))


def test_official_initialisations() -> None:
    torch.manual_seed(0)
    conv, full = nn.Conv2d(64, 128, 5), nn.Linear(400, 900)
    for layer in (conv, full):
        layers.initialise(layer, "official")
        assert not layer.bias.any()
    sigma = math.sqrt(2 / (math.sqrt(64 * 128) * 25))
    assert float(conv.weight.detach().abs().max()) <= 2 * sigma
    # A normal cut at two σ has 0.88 of its standard deviation.
    assert float(conv.weight.detach().std()) == pytest.approx(0.8796 * sigma, rel=0.01)
    assert float(full.weight.detach().std()) == pytest.approx((400 * 900) ** -0.25, rel=0.01)


def test_code_maps_are_constant() -> None:
    code = torch.tensor([[1.0, -2.0]])
    made = layers.append_maps(torch.zeros(1, 3, 4, 4), code)
    assert made.shape == (1, 5, 4, 4)
    assert torch.equal(made[0, 3], torch.full((4, 4), 1.0))
    assert torch.equal(made[0, 4], torch.full((4, 4), -2.0))
