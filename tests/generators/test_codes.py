"""Labels and expression codes of any generator."""

import pytest
import torch

from faceprep.core.errors import UsageError
from faceprep.generators.codes import absent_code, active_block, clamp_code, one_hot
from faceprep.generators.exprgan.codes import expression_code, intensity_code

SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def test_names_and_indices_give_the_same_labels() -> None:
    by_name = one_hot(["fear", "anger"], SIX)
    assert torch.equal(by_name, one_hot(torch.tensor([2, 0]), SIX))
    with pytest.raises(UsageError, match="boredom"):
        one_hot(["boredom"], SIX)


def test_the_active_block_is_that_of_the_label() -> None:
    y = one_hot(["happiness", "happiness", "sadness"], SIX)
    level = torch.tensor([0.0, 0.4, 1.0])
    assert torch.equal(active_block(intensity_code(y, level, 5), y), level[:, None].expand(-1, 5))


def test_the_code_of_no_class() -> None:
    assert torch.equal(absent_code(2, 6, 5), torch.full((2, 30), -1.0))


def test_a_code_read_by_q_is_clamped_to_the_range_of_training() -> None:
    y = torch.eye(6)
    c = clamp_code(torch.randn(6, 30, generator=torch.Generator().manual_seed(0)) * 2, y)
    blocks = c.unflatten(1, (6, 5))
    active = y.bool()
    assert blocks[active].min() >= 0
    assert blocks[active].max() <= 1
    assert blocks[~active].max() <= 0
    assert blocks[~active].min() >= -1
    inside = expression_code(y, torch.rand(6, 5))
    assert torch.equal(clamp_code(inside, y), inside)
