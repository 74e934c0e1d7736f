import torch
from builders.exprgan import labels

from faceprep.generators.blocks import losses
from faceprep.generators.blocks.projected import ProjectedDiscriminator, scaled


def maps(batch: int, shift: float = 0.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [
        torch.randn(batch, 8, 9, 9, generator=generator) + shift,
        100 * torch.randn(batch, 16, 5, 5, generator=generator),
    ]


def test_one_logit_for_every_place_and_one_answer_for_the_class() -> None:
    d = ProjectedDiscriminator([8, 16], classes=6, width=12)
    answer = d(maps(4), labels(4))
    assert [tuple(logit.shape) for logit in answer.logits] == [(4, 1, 9, 9), (4, 1, 5, 5)]
    assert answer.classes.shape == (4, 6)


def test_the_projection_is_saved_and_not_learned() -> None:
    d = ProjectedDiscriminator([8, 16], classes=6)
    learned = {name for name, _ in d.named_parameters()}
    projections = {name for name in d.state_dict() if name.endswith("projection")}
    assert len(projections) == 2
    assert not projections & learned


def test_the_label_matters_and_gradients_reach_the_features() -> None:
    d = ProjectedDiscriminator([8, 16], classes=6)
    features = [m.requires_grad_() for m in maps(4)]
    right, wrong = d(features, labels(4)), d(features, labels(4).flip(1))
    assert not torch.allclose(right.logits[0], wrong.logits[0])
    losses.generator_loss(right.logits, "hinge").backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in features)


def test_it_learns_to_tell_two_kinds_of_features() -> None:
    torch.manual_seed(0)
    d = ProjectedDiscriminator([8, 16], classes=6, width=8)
    optimizer = torch.optim.Adam(d.parameters(), lr=1e-2, betas=(0.5, 0.999))
    y = labels(8)
    for _ in range(30):
        optimizer.zero_grad()
        loss = losses.real_loss(d(maps(8, 1.5), y).logits, "hinge")
        loss = loss + losses.fake_loss(d(maps(8), y).logits, "hinge")
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 1.5  # 2 is no idea at all


def test_calibrated_channels_have_no_offset_and_one_scale_on_real_faces() -> None:
    torch.manual_seed(0)
    d = ProjectedDiscriminator([8, 16], classes=6)
    real = [torch.relu(m + torch.arange(m.shape[1])[:, None, None]) for m in maps(16)]
    real[1][:, 3] = 0  # silent
    d.calibrate(real)
    for level, found in zip(d.levels, real, strict=True):
        known = (scaled(found) - level.mean) / level.deviation
        alive = found.flatten(2).amax((0, 2)) > 0
        assert known.mean(dim=(0, 2, 3)).abs().max() < 1e-4
        assert torch.allclose(known.std(dim=(0, 2, 3))[alive], torch.ones(1), atol=0.05)
        assert level.deviation.min() > 0
    assert {"levels.0.mean", "levels.0.deviation"} <= set(d.state_dict())
