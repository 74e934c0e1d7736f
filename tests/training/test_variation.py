"""Random variations of training faces."""

import torch

from faceprep.training.variation import Variation, draw_variation, vary

STILL = Variation(torch.eye(3)[None, :2], torch.tensor([[0.0, 1.0, 1.0]]))


def image(count: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_without_a_change_images_stay() -> None:
    torch.testing.assert_close(vary(image(), STILL), image(), atol=1e-5, rtol=0)


def test_a_shift_moves_and_a_brightness_brightens() -> None:
    matrix = STILL.matrix + torch.tensor([[[0, 0, 2 / 16], [0, 0, 0]]])  # one pixel to the left
    moved = vary(image(), Variation(matrix, STILL.colour))
    torch.testing.assert_close(moved[..., :-1], image()[..., 1:], atol=1e-5, rtol=0)
    bright = vary(image() * 0.5, Variation(STILL.matrix, torch.tensor([[0.2, 1.0, 1.0]])))
    torch.testing.assert_close(bright, image() * 0.5 + 0.2, atol=1e-5, rtol=0)


def test_equal_images_vary_equally_and_faces_of_a_batch_differently() -> None:
    variation = draw_variation(2, torch.Generator().manual_seed(1))
    x = image().expand(2, -1, -1, -1)
    first, second = vary(x, variation), vary(x.clone(), variation)
    assert torch.equal(first, second)
    assert (first[0] - first[1]).abs().mean() > 0.05
    assert first.abs().max() <= 1
