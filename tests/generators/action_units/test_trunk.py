"""Adaptive instance norm, and why constant maps need a first layer without a norm."""

import pytest
import torch
from builders.action_units import networks
from torch import nn

from faceprep.generators.action_units.trunk import Trunk


def labels(value: float) -> torch.Tensor:
    return torch.full((2, 34), value)


def test_labels_have_no_effect_before_the_first_step_and_an_effect_after_it() -> None:
    trunk: Trunk = networks("ganimation", modulation_start=0.0).generator.trunk
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(trunk(x, labels(0.0)).deepest, trunk(x, labels(1.0)).deepest)
    optimizer = torch.optim.Adam(trunk.parameters(), lr=1e-2)
    trunk(x, labels(1.0)).deepest.square().mean().backward()
    optimizer.step()
    none, full = trunk(x, labels(0.0)).deepest, trunk(x, labels(1.0)).deepest
    assert not torch.allclose(none, full, atol=1e-3)


@pytest.mark.parametrize(("norm", "depends"), [(True, False), (None, True)])
def test_a_norm_after_constant_maps_removes_them(norm: bool | None, depends: bool) -> None:
    model = networks("ganimation", conditioning="concat", skips=False, stem_norm=norm)
    trunk = model.generator.trunk
    stem = trunk.stem
    stem.padding_mode, stem._reversed_padding_repeated_twice = "reflect", [3, 3, 3, 3]
    x = torch.rand(2, 3, 32, 32)
    difference = (trunk(x, labels(0.0)).deepest - trunk(x, labels(1.0)).deepest).abs().max()
    assert (float(difference.detach()) > 1e-3) == depends


def test_the_embedding_is_the_only_layer_that_depends_on_the_labels() -> None:
    many = networks("ganimation").generator.state_dict()
    few = networks("ganimation", labels=["AU12", "AU04"]).generator.state_dict()
    differing = [name for name in many if many[name].shape != few[name].shape]
    assert differing == ["trunk.embedding.labels.weight"]


def test_instance_norms_have_no_running_statistics() -> None:
    for module in networks("defgan").modules():
        if isinstance(module, nn.InstanceNorm2d):
            assert not module.track_running_stats
