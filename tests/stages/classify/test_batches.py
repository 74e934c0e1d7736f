"""Batches: shares of synthetic faces, epochs, even draws and class weights."""

import pytest
import torch
from builders.classify import face_pool

from faceprep.config import ClassifyConfig
from faceprep.stages.classify.batches import (
    CHANGES,
    Batches,
    Pool,
    class_weights,
    classic,
    flipped,
    mixup,
)


def test_synthetic_faces_take_their_share_of_every_batch() -> None:
    real, made = face_pool(0, 5), face_pool(100, 5)
    made.images[:] = 255
    batches = Batches(real, made, ClassifyConfig(batch=16, synthetic_share=0.25), seed=0)
    for _ in range(10):
        x, y = batches.next()
        white = (x == 1).flatten(1).all(dim=1)
        assert white.sum() == 4
        assert len(y) == 16
    for share, count in ((0.01, 1), (0.99, 15)):  # neither part is rounded away
        x = Batches(real, made, ClassifyConfig(batch=16, synthetic_share=share), seed=0).next()[0]
        assert (x == 1).flatten(1).all(dim=1).sum() == count
        assert len(x) == 16
    alone = Batches(real, None, ClassifyConfig(batch=16), seed=0).next()[0]
    assert not (alone == 1).flatten(1).all(dim=1).any()


def test_an_epoch_shows_every_face_once_and_even_draws_do_not_mind_counts() -> None:
    real = face_pool(0, 6)
    batches = Batches(real, None, ClassifyConfig(batch=8), seed=1)
    seen = torch.cat([batches.next()[0] for _ in range(3)])
    pictures = {one.contiguous().numpy().tobytes() for one in seen}
    assert len(pictures) == 24
    few = Pool(real.images, torch.tensor([0, 1, 5, 9, 13, 17, 21]), torch.tensor([0] + [1] * 6))
    y = torch.cat([
        Batches(few, None, ClassifyConfig(batch=64, even=True), seed=s).next()[1] for s in range(20)
    ])  # fmt: skip
    assert float((y == 0).float().mean()) == pytest.approx(0.5, abs=0.05)


def test_weights_make_classes_equal() -> None:
    labels = torch.tensor([0] * 30 + [1] * 10)
    weights = class_weights(labels, 3)
    assert weights.tolist() == pytest.approx([2 / 3, 2, 0])
    assert float(weights[labels].mean()) == pytest.approx(1)


def test_classic_changes_a_few_things_within_the_range() -> None:
    x = face_pool(0, 50).batch(torch.arange(200))
    changed = classic(x, torch.Generator().manual_seed(0))
    assert changed.shape == x.shape
    assert float(changed.abs().max()) <= 1
    assert bool((changed != x).flatten(1).any(dim=1).all())
    assert torch.equal(changed, classic(x, torch.Generator().manual_seed(0)))
    assert CHANGES == 2


def test_classic_of_half_strength_changes_less_and_of_none_nothing() -> None:
    x = face_pool(0, 50).batch(torch.arange(200))

    def change(strength: float) -> float:
        changed = classic(x, torch.Generator().manual_seed(0), strength)
        return float((changed - x).abs().mean())

    assert change(0) < 1e-5 < change(0.5) < 0.8 * change(1)


def test_half_of_the_faces_are_mirrored() -> None:
    x = torch.rand(400, 3, 8, 8)
    found = flipped(x, torch.Generator().manual_seed(0))
    same = (found == x).flatten(1).all(dim=1)
    mirrored = (found == x.flip(3)).flatten(1).all(dim=1)
    assert bool((same ^ mirrored).all())
    assert float(mirrored.float().mean()) == pytest.approx(0.5, abs=0.08)


def test_mixup_draws_its_weights_from_beta() -> None:
    x = torch.arange(4000.0)[:, None, None, None].expand(-1, 3, 2, 2)
    mixed = mixup(x, torch.Generator().manual_seed(0))
    weight = mixed.weight
    # Beta(0.2, 0.2): mean 1/2, variance 1/(4 (2·0.2 + 1)).
    assert float(weight.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(weight.var()) == pytest.approx(1 / 5.6, rel=0.06)
    expected = weight * torch.arange(4000.0) + (1 - weight) * mixed.other
    assert torch.allclose(mixed.x[:, 0, 0, 0], expected, rtol=1e-4, atol=1e-2)
