import math

import pytest
import torch
from builders.exprgan import SIX

from faceprep.generators.blocks import losses
from faceprep.generators.codes import one_hot
from faceprep.generators.exprgan import codes
from faceprep.training.health import q_floor


def test_non_saturating_is_cross_entropy() -> None:
    logits = torch.tensor([-1.5, 0.0, 2.0])
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    assert torch.allclose(losses.real_loss(logits), entropy(logits, torch.ones(3)))
    assert torch.allclose(losses.fake_loss(logits), entropy(logits, torch.zeros(3)))
    assert torch.allclose(losses.generator_loss(logits), entropy(logits, torch.ones(3)))


def test_hinge() -> None:
    logits = torch.tensor([-3.0, 0.5, 4.0])
    assert float(losses.real_loss(logits, "hinge")) == pytest.approx((4 + 0.5 + 0) / 3)
    assert float(losses.fake_loss(logits, "hinge")) == pytest.approx((0 + 1.5 + 5) / 3)
    assert float(losses.generator_loss(logits, "hinge")) == pytest.approx(-0.5)


def test_heads_count_alike_whatever_their_size_and_number() -> None:
    heads = [torch.full((2, 1, 8, 8), 1.0), torch.full((2, 1, 3, 3), -3.0)]
    assert float(losses.generator_loss(heads, "hinge")) == pytest.approx(1.0)
    assert float(losses.real_loss(heads, "hinge")) == pytest.approx((0 + 4) / 2)
    assert torch.equal(
        losses.fake_loss([heads[0]] * 3, "hinge"), losses.fake_loss(heads[0], "hinge")
    )


def test_identity_loss_of_the_official_code_is_the_mean_divided_by_the_area() -> None:
    made = [torch.randn(2, 4, 28, 28), torch.randn(2, 8, 14, 14)]
    wanted = [torch.randn(2, 4, 28, 28), torch.randn(2, 8, 14, 14)]
    means = [float((a - b).abs().mean()) for a, b in zip(made, wanted, strict=True)]
    assert float(losses.identity_loss(made, wanted)) == pytest.approx(sum(means))
    official = losses.identity_loss(made, wanted, "mean_over_hw")
    assert float(official) == pytest.approx(means[0] / 784 + means[1] / 196)
    weighted = losses.identity_loss(made, wanted, weights=[2.0, 0.0])
    assert float(weighted) == pytest.approx(2 * means[0])


def test_relative_identity_loss_does_not_depend_on_the_scale_of_the_features() -> None:
    a, b = [torch.randn(2, 4, 7, 7)], [torch.randn(2, 4, 7, 7)]
    plain = losses.identity_loss(a, b, "relative")
    scaled = losses.identity_loss([a[0] * 50], [b[0] * 50], "relative")
    assert torch.allclose(plain, scaled)


def test_embedding_loss_leaves_a_margin() -> None:
    here, there = torch.zeros(2, 128), torch.zeros(2, 128)
    there[0, 0], there[1, 3] = 0.2, 0.65
    assert float(losses.embedding_loss(here, there)) == pytest.approx((0.2 + 0.65) / 2, abs=1e-5)
    assert float(losses.embedding_loss(here, there, 0.25)) == pytest.approx(0.2, abs=1e-5)
    here.requires_grad_(True)
    losses.embedding_loss(here, here.detach().clone()).backward()
    assert torch.isfinite(here.grad).all()


def test_q_that_ignores_the_image_sits_at_its_floor() -> None:
    y = one_hot(torch.arange(60_000) % 6, SIX)
    c = codes.expression_code(y, codes.uniform_noise(60_000, 5, torch.Generator().manual_seed(0)))
    knows_the_label = codes.expression_code(y, torch.full((60_000, 5), 0.5))
    assert float(losses.q_loss(knows_the_label, c, 6)) == pytest.approx(0.5, abs=0.005)
    assert q_floor(6) == pytest.approx(0.5)
    assert float(losses.q_loss(torch.zeros_like(c), c, 6)) == pytest.approx(2.0, abs=0.02)
    knows_nothing = c.mean().expand_as(c)
    floor = q_floor(6, sees_label=False)
    assert float(losses.q_loss(knows_nothing, c, 6)) == pytest.approx(floor, abs=0.01)


def test_q_loss_sums_the_classes_means() -> None:
    read, code = torch.randn(4, 30), torch.randn(4, 30)
    by_class = [(read[:, i : i + 5] - code[:, i : i + 5]).square().mean() for i in range(0, 30, 5)]
    assert torch.allclose(losses.q_loss(read, code, 6), torch.stack(by_class).sum())


@pytest.mark.parametrize(("batch", "size"), [(1, 128), (3, 128), (2, 32)])
def test_total_variation_of_a_ramp(batch: int, size: int) -> None:
    slope = 0.01
    ramp = (torch.arange(size) * slope).expand(batch, 3, size, size)
    # size·(size − 1) steps of `slope` in each of 3 channels, squared, over 2·size, one axis only
    wanted = 3 * size * (size - 1) * slope**2 / (2 * size)
    assert float(losses.tv_loss(ramp)) == pytest.approx(wanted, rel=1e-4)
    assert float(losses.tv_loss(ramp.transpose(2, 3))) == pytest.approx(wanted, rel=1e-4)
    assert float(losses.tv_loss(torch.full((2, 3, 8, 8), 0.7))) == 0
    assert float(losses.roughness(ramp)) == pytest.approx(slope, rel=1e-3)


def test_class_loss_of_a_uniform_guess_and_its_weights() -> None:
    y = torch.eye(6)
    assert float(losses.class_loss(torch.zeros(6, 6), y)) == pytest.approx(math.log(6))
    weights = torch.tensor([1.0, 0, 0, 0, 0, 0])
    assert float(losses.class_loss(torch.zeros(6, 6), y, weights)) == pytest.approx(math.log(6) / 6)


def test_closeness_presses_on_weak_edits() -> None:
    made, source = torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    loss = losses.closeness_loss(made, source, torch.tensor([0.3, 1.0]))
    assert float(loss) == pytest.approx((1.0 + 0.3) / 2)


def test_magnitude_and_latent_cycle_are_mean_absolute_values() -> None:
    x = torch.tensor([[[[1.0, -3.0]]]])
    assert float(losses.magnitude(x)) == 2
    assert float(losses.magnitude(x, torch.tensor([1.0, 0.0]))) == 0.5
    assert float(losses.latent_cycle_loss(torch.ones(2, 50), torch.full((2, 50), 0.25))) == 0.75


def test_r1_of_a_linear_discriminator() -> None:
    w = torch.randn(3 * 4 * 4)
    x = torch.randn(5, 3, 4, 4, requires_grad=True)
    penalty = losses.r1_penalty(x.flatten(1) @ w, x)
    assert torch.allclose(penalty, 0.5 * w.square().sum())


def test_diversity_is_large_for_one_face_and_its_gradient_parts_faces() -> None:
    z = torch.randn(4, 50), torch.randn(4, 50)
    same, other = torch.zeros(4, 3, 8, 8), torch.randn(4, 3, 8, 8)
    assert losses.diversity_loss(same, same, *z) > 10 * losses.diversity_loss(same, other, *z)


def test_losses_are_float32_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits = torch.nn.functional.linear(torch.randn(4, 8), torch.randn(1, 8))[:, 0]
        assert logits.dtype == torch.bfloat16
        for loss in (losses.real_loss, losses.fake_loss, losses.generator_loss):
            for kind in ("non_saturating", "hinge"):
                assert loss(logits, kind).dtype == torch.float32


def test_the_gradient_penalty_of_a_linear_critic_has_a_closed_form() -> None:
    weight = torch.randn(3 * 4 * 4)
    real, fake = torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4)
    penalty = losses.wgan_penalty(lambda x: x.flatten(1) @ weight, real, fake, torch.rand(5))
    assert float(penalty) == pytest.approx((float(weight.norm()) - 1) ** 2, rel=1e-4)


def test_wasserstein_losses_are_means() -> None:
    logits = torch.tensor([1.0, 3.0])
    assert losses.real_loss(logits, "wasserstein") == -2
    assert losses.fake_loss(logits, "wasserstein") == 2
    assert losses.generator_loss(logits, "wasserstein") == -2
