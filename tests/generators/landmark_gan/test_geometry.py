"""Heatmaps, mirrored points, and the warp that moves landmarks."""

import pytest
import torch
from builders.landmarks import request

from faceprep.core.landmarks import FLIP_68
from faceprep.generators.blocks.warp import warp
from faceprep.generators.landmark_gan.geometry import (
    heatmaps,
    landmark_flow,
    mirrored,
    to_pixels,
)


def test_a_heatmap_is_largest_at_the_rounded_landmark() -> None:
    points = torch.rand(2, 68, 2, generator=torch.Generator().manual_seed(1)) * 0.8 + 0.1
    maps = heatmaps(points, 64, "points", sigma=4.0)
    places = maps.flatten(2).argmax(2)
    found = torch.stack([places % 64, places // 64], dim=-1)
    assert torch.equal(found, to_pixels(points, 64).round().long())
    single = heatmaps(points, 64, "single", sigma=4.0)
    assert torch.equal(single[:, 0], maps.amax(1))


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_heatmaps_of_a_mirrored_face_are_the_mirrored_heatmaps(size: int) -> None:
    points = torch.rand(1, 68, 2, generator=torch.Generator().manual_seed(2))
    maps = heatmaps(points, size, "points", 2.0)
    flipped = heatmaps(mirrored(points), size, "points", 2.0)
    # The planes change places: point 0, at the left, becomes point 16.
    assert torch.allclose(flipped, maps.flip(3)[:, torch.tensor(FLIP_68)], atol=1e-4)
    assert torch.allclose(mirrored(mirrored(points)), points, atol=1e-6)


def test_pixels_of_a_smaller_image_have_another_origin() -> None:
    corner = torch.zeros(1, 1, 2)
    # The centre of pixel 0 of 128 lies a quarter of a pixel before that of pixel 0 of 64.
    assert float(to_pixels(corner, 64)[0, 0, 0]) == -0.25
    assert float(to_pixels(corner, 128)[0, 0, 0]) == 0


def test_equal_landmarks_leave_the_image() -> None:
    asked = request()
    flow = landmark_flow(asked.source, asked.source, 32)
    assert torch.equal(warp(asked.x, flow), asked.x)


def test_the_warp_moves_the_face_and_leaves_what_is_far_from_it() -> None:
    grid = torch.linspace(0.4, 0.6, 68)
    source = torch.stack([grid, grid.flip(0)], dim=1)[None]
    target = source + torch.tensor([3 / 128, 0.0])
    flow = landmark_flow(source, target, 128)
    assert float(flow[0, 0, 64, 64]) == pytest.approx(-3, abs=0.2)
    assert float(flow[0, 1].abs().max()) < 1e-4
    assert float(flow[0, :, :4, :4].abs().max()) < 0.1
