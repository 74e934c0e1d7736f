"""Batches: shares of synthetic faces, epochs, even draws and class weights."""

import pytest
import torch
from builders.classify import face_pool

from faceprep.config import ClassifyConfig
from faceprep.stages.classify.batches import Batches, Pool, class_weights


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
