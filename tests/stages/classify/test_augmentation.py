"""Augmentation of batches: each kind changes what it should, within its range."""

import pytest
import torch
from builders.classify import face_pool

from faceprep.stages.classify.augmentation import CHANGES, classic, flipped, mixup


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
