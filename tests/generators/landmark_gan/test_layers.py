"""Initialize networks and migration unit blocks."""

import torch
from builders.landmarks import network_config
from torch import nn

from faceprep.generators.landmark_gan.layers import InitializeNetwork, MigrationBlock


def test_the_initialize_network_and_its_ablation_end_at_a_quarter_of_the_size() -> None:
    x = torch.rand(2, 3, 32, 32)
    for initialize, sides in ((True, [32, 16, 8]), (False, [8])):
        levels = InitializeNetwork(network_config(initialize=initialize), 3)(x)
        assert [level.shape[-1] for level in levels] == sides
        assert levels[-1].shape[1] == 16


def test_a_block_follows_the_equations() -> None:
    block = MigrationBlock(network_config("paper"), 16).eval()
    image, geometry = torch.rand(2, 16, 8, 8), torch.rand(2, 16, 8, 8)
    moved = block.geometry(geometry)
    updated, next_geometry = block(image, geometry)
    assert torch.allclose(updated, torch.sigmoid(moved) * block.image(image) + image)
    assert torch.equal(next_geometry, torch.cat([moved, updated], dim=1))


def test_a_closed_mask_leaves_the_features_of_the_image() -> None:
    block = MigrationBlock(network_config("paper"), 32).eval()
    last = block.geometry[-1][1]
    assert isinstance(last, nn.Conv2d)
    block.geometry[-1][1] = closed = nn.Conv2d(32, 16, 3)
    nn.init.zeros_(closed.weight)
    nn.init.constant_(closed.bias, -1e9)
    image = torch.rand(2, 16, 8, 8)
    updated, geometry = block(image, torch.rand(2, 32, 8, 8))
    assert torch.equal(updated, image)
    assert geometry.shape[1] == 32
