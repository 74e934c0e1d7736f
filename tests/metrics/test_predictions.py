"""Predictions of several seeds and folds."""

import numpy as np
import pytest
from builders.predictions import faces_of, predictions

from faceprep.metrics.accuracy import accuracy_of
from faceprep.metrics.predictions import concatenate, confusion


def test_confusion_counts_every_face_once() -> None:
    labels, subjects = faces_of(10, 4)
    right = np.random.default_rng(0).random((3, 40)) < 0.6
    counts = confusion(predictions(right, labels, subjects))
    assert counts.sum(axis=1).tolist() == pytest.approx([20, 20])
    assert np.trace(counts) / 40 == pytest.approx(right.mean())


def test_folds_join_to_one_table() -> None:
    labels, subjects = faces_of(10, 4)
    right = np.random.default_rng(0).random((2, 40)) < 0.6
    whole = predictions(right, labels, subjects)
    halves = [
        predictions(right[:, cut], labels[cut], subjects[cut]) for cut in (slice(20), slice(20, 40))
    ]
    assert accuracy_of(concatenate(halves)) == accuracy_of(whole)
