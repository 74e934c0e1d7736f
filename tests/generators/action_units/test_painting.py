"""Composition of colour and base by a mask."""

import torch

from faceprep.generators.action_units.painting import compose

BASE, COLOUR = torch.rand(2, 3, 8, 8) * 2 - 1, torch.rand(2, 3, 8, 8) * 2 - 1


def test_a_mask_of_zero_is_the_base_and_of_one_the_colour() -> None:
    mask = torch.zeros(2, 1, 8, 8)
    assert torch.equal(compose(mask, COLOUR, BASE), BASE)
    assert torch.equal(compose(mask + 1, COLOUR, BASE), COLOUR)


def test_gradients_reach_the_colour_where_the_image_is_saturated() -> None:
    colour = torch.full((1, 3, 4, 4), 3.0, requires_grad=True)
    image = compose(torch.ones(1, 1, 4, 4), colour, torch.zeros(1, 3, 4, 4))
    assert float(image.detach().max()) == 1
    image.sum().backward()
    assert colour.grad is not None
    assert float(colour.grad.min()) == 1
