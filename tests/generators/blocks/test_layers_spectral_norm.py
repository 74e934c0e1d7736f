"""Spectral norm equals torch's, and is free on device ``meta``."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from faceprep.generators.blocks.layers import with_spectral_norm


def after_three_steps(
    layer: nn.Module, norm: Callable[[nn.Module], nn.Module]
) -> dict[str, Tensor]:
    """Train a layer, and return its state, an output, and the next random number."""
    torch.manual_seed(3)
    layer = norm(layer)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)
    x = torch.randn(4, 5, *((8, 8) if isinstance(layer, nn.Conv2d) else ()))
    for _ in range(3):
        (layer(x).sum() - layer(2 * x).square().sum()).backward()
        optimizer.step()
    return {**layer.state_dict(), "output": layer.eval()(x), "random": torch.rand(1)}


@pytest.mark.parametrize("make", [lambda: nn.Conv2d(5, 7, 3), lambda: nn.Linear(5, 7, bias=False)])
def test_values_names_and_random_numbers_are_torchs(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(1)
    ours = after_three_steps(make(), lambda layer: with_spectral_norm(layer, True))
    torch.manual_seed(1)
    theirs = after_three_steps(make(), spectral_norm)
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_on_meta_there_are_names_and_shapes() -> None:
    with torch.device("meta"):
        sketch = with_spectral_norm(nn.Conv2d(5, 7, 3), True)
    real = with_spectral_norm(nn.Conv2d(5, 7, 3), True)
    shapes = {name: value.shape for name, value in real.state_dict().items()}
    assert {name: value.shape for name, value in sketch.state_dict().items()} == shapes
    assert sketch(torch.empty(1, 5, 8, 8, device="meta")).shape == (1, 7, 6, 6)
