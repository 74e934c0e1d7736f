"""The integral grid."""

import torch

from faceprep.generators.blocks.warp import folded_share, warp
from faceprep.generators.defgan.grid import enlarged, integral_flow

NONE = torch.zeros(1, 2)


def test_no_output_is_no_displacement() -> None:
    assert not integral_flow(torch.zeros(1, 2, 16, 16), NONE, 2.5).any()


def test_rows_and_columns_stay_in_order() -> None:
    flow = integral_flow(torch.randn(4, 2, 16, 16) * 10, torch.zeros(4, 2), 2.5)
    assert float((flow[:, 0, :, 1:] - flow[:, 0, :, :-1]).min()) >= -1 - 1e-5
    assert float((flow[:, 1, 1:] - flow[:, 1, :-1]).min()) >= -1 - 1e-5
    wide = integral_flow(torch.full((1, 2, 16, 16), 50.0), NONE, 2.5)
    assert float((wide[:, 0, :, 1:] - wide[:, 0, :, :-1]).max()) <= 1.5 + 1e-4
    assert float(folded_share(wide)) == 0


def test_a_shift_moves_the_whole_image() -> None:
    x = torch.rand(1, 3, 16, 16)
    one_pixel = torch.atanh(torch.tensor([[1 / 2.5, 0.0]]))
    moved = warp(x, integral_flow(torch.zeros(1, 2, 16, 16), one_pixel, 2.5))
    assert torch.allclose(moved[..., :-1], x[..., 1:], atol=1e-5)


def test_enlarging_keeps_corners() -> None:
    u = torch.arange(4.0).view(1, 1, 2, 2)
    large = enlarged(u, 8)
    assert large.shape == (1, 1, 8, 8)
    assert large[0, 0, 0, 0] == 0
    assert large[0, 0, -1, -1] == 3
