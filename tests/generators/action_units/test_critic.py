"""The critic."""

import pytest
import torch
from builders.action_units import networks


@pytest.mark.parametrize("size", [32, 64, 128])
def test_two_by_two_logits_and_an_estimate_of_the_labels_at_every_size(size: int) -> None:
    critic = networks("ganimation", size=size).critic
    answer = critic(torch.zeros(3, 3, size, size))
    assert answer.logits.shape == (3, 1, 2, 2)
    assert answer.labels.shape == (3, 17)


def test_every_logit_sees_the_whole_image() -> None:
    critic = networks("ganimation").critic
    x = torch.zeros(1, 3, 32, 32, requires_grad=True)
    critic(x).logits[0, 0, 0, 0].backward()
    assert x.grad is not None
    assert float(x.grad[0, :, -1, -1].abs().sum()) > 0
