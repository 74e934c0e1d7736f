"""Expression classifiers learn, repeat, and keep their best evaluation."""

import numpy as np
import pytest
import torch
from builders.classify import face_pool
from builders.training import LABELS

from faceprep.config import ClassifyConfig
from faceprep.config.classify import ARMS
from faceprep.core.errors import FaceprepError
from faceprep.stages.classify.batches import Pool
from faceprep.stages.classify.runs import LOGISTIC
from faceprep.stages.classify.training import train_classifier

QUICK = ClassifyConfig(updates=40, batch=16, look_every=10)


def right(found, faces: Pool) -> float:
    return float((found.log_probabilities(faces).argmax(1) == faces.labels.numpy()).mean())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != LOGISTIC])
def test_every_arm_learns_and_repeats(arm: str) -> None:
    real, held, test = face_pool(0, 12), face_pool(50, 3), face_pool(100, 10)
    state = torch.get_rng_state()
    first = train_classifier(real, held, LABELS, QUICK, arm=arm, seed=3)
    again = train_classifier(real, held, LABELS, QUICK, arm=arm, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    scores = first.log_probabilities(test)
    assert np.array_equal(scores, again.log_probabilities(test))
    assert np.allclose(np.exp(scores).sum(1), 1, atol=1e-5)
    assert right(first, test) > 0.6
    other = train_classifier(real, held, LABELS, QUICK, arm=arm, seed=4)
    assert not np.array_equal(scores, other.log_probabilities(test))


def test_all_updates_are_done_and_the_best_evaluation_is_kept() -> None:
    held = face_pool(50, 3)
    found = train_classifier(
        face_pool(0, 12), held, LABELS, QUICK.model_copy(update={"updates": 45}), seed=0
    )
    assert [one.update for one in found.evaluations] == [10, 20, 30, 40, 45]
    least = min(one.loss for one in found.evaluations)
    assert [one.loss for one in found.evaluations if one.update == found.best_update] == [least]
    scores = found.log_probabilities(held)
    assert -scores[np.arange(12), held.labels].mean() == pytest.approx(least, rel=1e-4)


def test_a_loss_that_is_no_number_is_told() -> None:
    wild = QUICK.model_copy(update={"learning_rate": 1e30, "updates": 10})
    with pytest.raises(FaceprepError, match="loss is"):
        train_classifier(face_pool(0, 4), face_pool(50, 2), LABELS, wild)
