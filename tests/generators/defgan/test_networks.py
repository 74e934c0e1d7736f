"""The networks of DefGAN."""

import pytest
import torch
from builders.action_units import networks

from faceprep.generators.registry import spec_of


def test_parameters_at_128() -> None:
    spec = spec_of("defgan")
    like = {"conditioning": "concat", "stem_norm": True, "condition": "both", "grid": "residual"}
    config = spec.parse({"preset": "paper", "classes": ["a", "b"], "size": 128, **like})
    model = spec.build(config, "meta")
    assert sum(weight.numel() for weight in model.deformation.parameters()) == 7_860_930
    assert sum(weight.numel() for weight in model.texture.parameters()) == 8_524_608


@pytest.mark.parametrize("grid", ["integral", "residual"])
@pytest.mark.parametrize("head", ["bilinear", "refined"])
def test_the_deformation_starts_as_the_identity_and_is_bounded(grid: str, head: str) -> None:
    model = networks("defgan", grid=grid, deformation_head=head)
    x, labels = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 17)
    edited = model.edit_parts(x, labels, labels.flip(0), paint=False)
    assert torch.equal(edited.images, x)
    with torch.no_grad():
        for weight in model.deformation.parameters():
            weight.add_(torch.randn_like(weight))
    flow = model.edit_parts(x, labels, labels.flip(0)).parts["flow"]
    assert 0.1 < float(flow.abs().max()) <= 5 * 32 / 128 + 1e-4
