"""The networks of AdaIN-GANimation."""

import pytest
import torch
from builders.action_units import networks

from faceprep.generators.registry import spec_of


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 8_812_352),
        ({"upsampling": "nearest"}, 8_525_632),
        ({"conditioning": "concat", "stem_norm": True}, 8_471_296),
    ],
)
def test_parameters_at_128(settings: dict[str, object], count: int) -> None:
    spec = spec_of("ganimation")
    config = spec.parse({"preset": "paper", "classes": ["a", "b"], "size": 128, **settings})
    model = spec.build(config, "meta")
    assert sum(weight.numel() for weight in model.generator.parameters()) == count
    assert sum(weight.numel() for weight in model.critic.parameters()) == 44_860_352


def test_a_residual_starts_as_the_source() -> None:
    x, labels = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 17)
    model = networks("ganimation")
    edited = model.edit_parts(x, labels, labels.flip(0))
    assert torch.allclose(edited.images, x, atol=1e-6)
    assert set(edited.parts) == {"mask", "colour", "painted"}
