"""Expression classifiers on drawn faces."""

import numpy as np
import pytest
import torch
from builders.edits import CLASSES, draw_people

from faceprep.core.errors import UsageError
from faceprep.metrics.expression_classifier import network_classifier
from faceprep.metrics.expression_classifier.aligned_faces import (
    AlignedFaces,
)
from faceprep.metrics.expression_classifier.base import log_odds, normalise
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.expression_classifier.network_classifier import NetworkClassifier


def test_log_odds_and_probabilities():
    p = normalise(np.log(np.array([[2.0, 6.0, 2.0]])))
    assert np.exp(p) == pytest.approx(np.array([[0.2, 0.6, 0.2]]))
    assert log_odds(p, 1) == pytest.approx([np.log(0.6 / 0.4)])
    assert np.isfinite(log_odds(np.array([[0.0, -1000.0]]), 0)).all()


def test_the_prior_of_the_training_faces_is_divided_out():
    faces = draw_people(0, 10)
    rare = faces.take((faces.expressions != "anger") | (faces.subjects < "S004"))
    some = draw_people(100, 5)
    read = LandmarkClassifier.fit(rare, CLASSES).log_probabilities(some)
    recall = (read.argmax(1) == 0)[some.expressions == "anger"].mean()
    assert recall >= 0.6


def test_mirror_images_are_classified_alike():
    faces = draw_people(0, 6)
    judge = LandmarkClassifier.fit(faces, CLASSES)
    mirrored = AlignedFaces(np.ascontiguousarray(faces.images[:, :, ::-1]))
    here, there = judge.log_probabilities(faces), judge.log_probabilities(mirrored)
    assert (here.argmax(1) == there.argmax(1)).mean() > 0.8
    assert judge.log_probabilities(faces.take(np.zeros(18, bool))).shape == (0, 3)


@pytest.mark.parametrize("train", [LandmarkClassifier.fit, NetworkClassifier.fit])
def test_a_classifier_needs_two_expressions_and_faces_of_each(train):
    faces = draw_people(0, 2)
    with pytest.raises(UsageError, match="no training face shows fear"):
        train(faces, (*CLASSES, "fear"))
    with pytest.raises(UsageError, match="one expression only"):
        train(faces, ("anger",))


def test_the_network_learns_and_repeats_without_touching_the_random_state(monkeypatch):
    monkeypatch.setattr(network_classifier, "STEPS", 60)
    faces = draw_people(0, 8)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    judge = NetworkClassifier.fit(faces, CLASSES)
    assert torch.equal(torch.random.get_rng_state(), before)
    read = judge.log_probabilities(faces)
    truth = [CLASSES.index(name) for name in faces.expressions]
    assert (read.argmax(1) == truth).mean() > 0.7
    assert np.exp(read).sum(1) == pytest.approx(np.ones(24))
    again = NetworkClassifier.fit(faces, CLASSES)
    assert (again.log_probabilities(faces) == read).all()
    assert judge.subjects == frozenset(faces.subjects)
