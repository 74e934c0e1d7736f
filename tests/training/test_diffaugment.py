import pytest
import torch

from faceprep.training.diffaugment import ALL, WITHOUT_CUTOUT, Draw, augment, draw


def only(**numbers: list[float]) -> Draw:
    values = {key: torch.tensor([value]) for key, value in numbers.items()}
    return Draw(**{**dict.fromkeys(("colour", "translation", "cutout")), **values})


def test_pairs_get_the_same_draw() -> None:
    x = torch.randn(6, 3, 32, 32)
    numbers = draw(6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(augment(x, numbers), augment(x.clone(), numbers))
    other = draw(6, generator=torch.Generator().manual_seed(1))
    assert not torch.equal(augment(x, numbers), augment(x, other))


def test_an_image_and_its_heatmap_move_together() -> None:
    x = torch.zeros(8, 3, 32, 32)
    heat = torch.zeros(8, 1, 32, 32)
    x[:, :, 15, 18] = heat[:, :, 15, 18] = 1
    numbers = draw(8, ("colour", "translation"), torch.Generator().manual_seed(2))
    moved = augment(x, numbers, colour=False)
    assert torch.equal(moved[:, :1], augment(heat, numbers, colour=False))
    assert augment(heat, numbers, colour=False).sum() == 8  # values of a heatmap stay


def test_the_stream_moves_alike_whatever_the_policy() -> None:
    states = []
    for policy in (ALL, WITHOUT_CUTOUT, ()):
        generator = torch.Generator().manual_seed(4)
        draw(5, policy, generator)
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])
    x = torch.randn(5, 3, 16, 16)
    assert torch.equal(augment(x, draw(5, ())), x)


def test_translation_shifts_by_whole_pixels_and_fills_with_gray() -> None:
    x = torch.randn(1, 2, 32, 32)
    moved = augment(x, only(translation=[1.0, -0.5]))  # 4 pixels right, 2 up
    assert torch.equal(moved[:, :, :-2, 4:], x[:, :, 2:, :-4])
    assert not moved[..., :4].any()
    assert not moved[:, :, -2:].any()


def test_a_cutout_covers_a_quarter_around_its_centre() -> None:
    x = torch.ones(1, 3, 32, 32)
    holed = augment(x, only(cutout=[0.5, 0.5]))
    assert not holed[:, :, 8:24, 8:24].any()
    assert holed.sum() == 3 * (32 * 32 - 16 * 16)
    corner = augment(x, only(cutout=[0.0, 1.0]))
    assert not corner[:, :, 24:, :8].any()
    assert corner.sum() == 3 * (32 * 32 - 8 * 8)


def test_colours() -> None:
    x = torch.rand(1, 3, 8, 8)
    brighter = augment(x, only(colour=[0.25, 1.0, 1.0]))
    assert torch.allclose(brighter, x + 0.25, atol=1e-6)
    gray = augment(x, only(colour=[0.0, 0.0, 1.0]))
    assert torch.allclose(gray, x.mean(1, keepdim=True).expand_as(x), atol=1e-6)
    flatter = augment(x, only(colour=[0.0, 1.0, 0.5]))
    assert float(flatter.mean()) == pytest.approx(float(x.mean()), abs=1e-6)
    assert float(flatter.std()) == pytest.approx(0.5 * float(x.std()), rel=1e-4)


def test_draws_stay_in_their_ranges() -> None:
    numbers = draw(2000, generator=torch.Generator().manual_seed(0))
    low, high = numbers.colour.amin(0), numbers.colour.amax(0)
    assert torch.allclose(low, torch.tensor([-0.5, 0.0, 0.5]), atol=0.01)
    assert torch.allclose(high, torch.tensor([0.5, 2.0, 1.5]), atol=0.01)
    assert numbers.translation.abs().max() <= 1
    assert numbers.cutout.min() >= 0
    assert numbers.cutout.max() <= 1


def test_the_gradient_is_that_of_finite_differences() -> None:
    x = torch.rand(2, 3, 8, 8, dtype=torch.float32, requires_grad=True)
    numbers = draw(2, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(2, 3, 8, 8)
    (gradient,) = torch.autograd.grad((augment(x, numbers) * weight).sum(), x)
    step = torch.randn_like(x)
    with torch.no_grad():
        up = (augment(x + 0.5 * step, numbers) * weight).sum()
        down = (augment(x - 0.5 * step, numbers) * weight).sum()
    assert float(up - down) == pytest.approx(float((gradient * step).sum()), abs=1e-3)
