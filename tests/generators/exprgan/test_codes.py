import pytest
import torch

from faceprep.core.errors import UsageError
from faceprep.generators.codes import one_hot
from faceprep.generators.exprgan import codes

SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def test_one_positive_block_and_all_share_the_magnitudes() -> None:
    y = one_hot(torch.arange(6), SIX)
    z = codes.uniform_noise(6, 5, torch.Generator().manual_seed(1))
    c = codes.expression_code(y, z)
    assert c.shape == (6, 30)
    blocks = c.unflatten(1, (6, 5))
    for face in range(6):
        for block in range(6):
            expected = z[face].abs() if block == face else -z[face].abs()
            assert torch.equal(blocks[face, block], expected)


@pytest.mark.parametrize(("classes", "elements"), [(2, 1), (5, 5), (8, 3)])
def test_any_number_of_classes(classes: int, elements: int) -> None:
    y = torch.eye(classes)
    c = codes.expression_code(y, torch.full((classes, elements), -0.5))
    assert c.shape == (classes, classes * elements)
    assert (c > 0).sum() == classes * elements


def test_intensity_is_inside_what_training_sees() -> None:
    y = one_hot(["happiness", "happiness", "sadness"], SIX)
    level = torch.tensor([0.0, 0.4, 1.0])
    c = codes.intensity_code(y, level, 5)
    assert torch.equal(c, codes.expression_code(y, level[:, None].expand(-1, 5)))
    assert torch.equal(c[0].abs(), torch.zeros(30))


@pytest.mark.parametrize("level", [-0.01, 1.01, float("nan")])
def test_intensities_outside_are_refused(level: float) -> None:
    with pytest.raises(UsageError, match="0 … 1"):
        codes.intensity_code(torch.eye(6), level, 5)


def test_one_element_of_the_active_block() -> None:
    y = one_hot(["surprise"], SIX)
    c = codes.element_code(y, 3, 5)
    assert c.sum() == 2 - 30
    assert c[0, 5 * 5 + 3] == 1
    with pytest.raises(UsageError):
        codes.element_code(y, 5, 5)


def test_variances_of_the_magnitudes() -> None:
    generator = torch.Generator().manual_seed(0)
    uniform = codes.uniform_noise(200_000, 1, generator).abs()
    assert float(uniform.var()) == pytest.approx(codes.UNIFORM_VARIANCE, rel=0.02)
    magnitudes, strength = codes.edit_magnitudes(200_000, 2, generator)
    assert float(magnitudes.var(dim=0).mean()) == pytest.approx(codes.EDIT_VARIANCE, rel=0.02)
    assert float(strength.mean()) == pytest.approx(2 / 3, rel=0.01)
    assert magnitudes.min() >= 0
    assert magnitudes.max() <= 1


def test_draws_follow_their_generator_alone() -> None:
    first = codes.uniform_noise(3, 50, torch.Generator().manual_seed(5))
    torch.manual_seed(99)
    assert torch.equal(first, codes.uniform_noise(3, 50, torch.Generator().manual_seed(5)))
    assert first.min() >= -1
    assert first.max() <= 1
