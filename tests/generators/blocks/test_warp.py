import pytest
import torch

from faceprep.generators.blocks.warp import (
    bounded_flow,
    composed_flow,
    folded_share,
    identity_grid,
    smooth,
    warp,
)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_no_flow_gives_the_image_bit_for_bit(size: int) -> None:
    x = torch.randn(2, 3, size, size)
    assert torch.equal(warp(x, torch.zeros(2, 2, size, size)), x)


def test_a_flow_of_one_pixel_moves_the_image_by_one_pixel() -> None:
    x = torch.rand(1, 3, 32, 32)
    flow = torch.zeros(1, 2, 32, 32)
    flow[:, 0] = 1
    moved = warp(x, flow)
    assert torch.allclose(moved[..., :-1], x[..., 1:], atol=1e-5)
    assert torch.allclose(moved[..., -1], x[..., -1], atol=1e-5)  # the border continues
    flow = flow.flip(1)
    assert torch.allclose(warp(x, flow)[:, :, :-1], x[:, :, 1:], atol=1e-5)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    x = torch.randn(1, 1, 16, 16)
    flow = torch.zeros(1, 2, 16, 16)
    flow[:, 0] = 0.5
    wanted = (x[..., :-1] + x[..., 1:]) / 2
    assert torch.allclose(warp(x, flow)[..., :-1], wanted, atol=1e-5)


def test_gradients_reach_image_and_flow() -> None:
    x = torch.randn(1, 2, 12, 12, dtype=torch.float32, requires_grad=True)
    flow = torch.full((1, 2, 12, 12), 0.3, requires_grad=True)
    warp(x, flow).square().sum().backward()
    assert flow.grad is not None
    assert flow.grad.abs().sum() > 0
    # Away from the borders the weights of every source pixel add to one.
    x.grad = None
    warp(x, flow.detach()).sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad[..., 2:-2, 2:-2], torch.ones(8, 8), atol=1e-5)


def test_the_grid_is_that_of_align_corners() -> None:
    grid = identity_grid(3, 5)
    assert grid.shape == (1, 3, 5, 2)
    assert grid[0, 0, 0].tolist() == [-1, -1]
    assert grid[0, 2, 4].tolist() == [1, 1]
    assert grid[0, 1, 2].tolist() == [0, 0]


def test_the_flow_keeps_its_bound_and_starts_at_zero() -> None:
    u = torch.randn(2, 2, 16, 16) * 50
    flow = bounded_flow(u, 64, limit=0.1, sigma=1.0)
    assert flow.shape == (2, 2, 64, 64)
    assert float(flow.abs().max()) <= 6.4 + 1e-5
    assert not bounded_flow(torch.zeros(1, 2, 16, 16), 64, 0.1, 1.0).any()


def test_smoothing_keeps_a_constant_and_spreads_a_point() -> None:
    assert torch.allclose(smooth(torch.full((1, 2, 8, 8), 3.0), 1.0), torch.full((1, 2, 8, 8), 3.0))
    point = torch.zeros(1, 1, 9, 9)
    point[0, 0, 4, 4] = 1
    spread = smooth(point, 1.0)
    assert float(spread.sum()) == pytest.approx(1, abs=1e-5)
    assert spread[0, 0, 4, 3] == pytest.approx(float(spread[0, 0, 3, 4]))
    # exp(-1/2) between neighbours, the definition of sigma = 1
    assert float(spread[0, 0, 4, 3] / spread[0, 0, 4, 4]) == pytest.approx(0.60653, rel=1e-4)


def test_folding_is_seen() -> None:
    flow = torch.zeros(1, 2, 8, 8)
    assert float(folded_share(flow)) == 0
    flow[:, 0] = torch.arange(8) * -2.0  # x runs backwards
    assert float(folded_share(flow)) == 1


def test_autocast_does_not_coarsen_the_grid() -> None:
    x = torch.randn(1, 3, 128, 128)
    flow = torch.full((1, 2, 128, 128), 0.37)
    plain = warp(x, flow)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(warp(x, flow), plain)


def test_a_flow_that_is_not_a_number_spoils_its_pixels_and_no_memory() -> None:
    x = torch.rand(2, 3, 16, 16)
    flow = torch.zeros(2, 2, 16, 16)
    flow[0, 1, 3:9, 4] = torch.nan
    flow[1, 0, 5, 5] = torch.inf
    flow.requires_grad_()
    moved = warp(x, flow)
    moved.sum().backward()
    broken = torch.zeros(2, 16, 16, dtype=torch.bool)
    broken[0, 3:9, 4] = broken[1, 5, 5] = True
    assert torch.equal(moved.isnan().any(1), broken)
    assert torch.equal(moved[1, :, 6:], x[1, :, 6:])


def test_a_flow_composed_with_its_inverse_is_nothing() -> None:
    across = torch.zeros(1, 2, 16, 16)
    across[:, 0] = 2 / 15  # one pixel
    assert float(composed_flow(across, -across).abs().max()) < 1e-6
    assert torch.allclose(composed_flow(across, across), 2 * across, atol=1e-6)
