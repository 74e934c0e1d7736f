"""The filter of synthetic faces, on drawn people that it never saw."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.edits import CLASSES, draw_people
from builders.fer import write_model

from faceprep.stages.augment.quality_filter import QualityFilter, train_filter

TRAIN, TEST = draw_people(0, 8), draw_people(100, 3)


class Colours:
    """Face features that see nothing but the colours of four quarters."""

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(x, x.shape[-1] // 2).flatten(1)


@pytest.fixture(scope="module")
def quality() -> QualityFilter:
    return train_filter(TRAIN, CLASSES, classifier=True)


def test_it_knows_the_training_people_only(quality: QualityFilter) -> None:
    assert quality.subjects == frozenset(TRAIN.subjects)
    assert not quality.subjects & set(TEST.subjects)


def test_the_classifier_passes_what_was_asked_for_and_nothing_else(quality: QualityFilter) -> None:
    right = quality(TEST.images, TEST.expressions.tolist())
    assert right.passed.mean() > 0.8
    others = [CLASSES[(CLASSES.index(name) + 1) % 3] for name in TEST.expressions]
    wrong = quality(TEST.images, others)
    assert wrong.passed.mean() < 0.2
    assert (wrong.score[~wrong.passed] < right.score[right.passed].min()).all()
    assert all(note.startswith("read as ") for note in np.array(wrong.notes)[~wrong.passed])
    assert right.looks_real.all()


def test_a_higher_probability_passes_fewer(quality: QualityFilter) -> None:
    strict = QualityFilter(quality.template, quality.classifier, None, 0.999999, quality.subjects)
    passed = strict(TEST.images, TEST.expressions.tolist()).passed
    assert passed.sum() < quality(TEST.images, TEST.expressions.tolist()).passed.sum()


def test_what_lies_further_from_real_faces_than_they_from_one_another_does_not_pass() -> None:
    features = Colours()
    quality = train_filter(TRAIN, CLASSES, classifier=False, features=features, percentile=100)
    assert quality.classifier is None
    real = quality(TRAIN.images, TRAIN.expressions.tolist(), features)
    assert real.passed.all()
    green = np.zeros_like(TEST.images)
    green[..., 1] = 255
    verdict = quality(green, TEST.expressions.tolist(), features)
    assert not verdict.looks_real.any()
    assert verdict.classifier_agrees.all()
    assert "as far from real faces as allowed" in verdict.notes[0]


def test_a_judge_of_others_accepts_what_it_does_not_know(tmp_path: Path) -> None:
    file = write_model(tmp_path / "small.hdf5")
    classes = ("anger", "contempt", "surprise")
    quality = train_filter(TRAIN, classes, classifier=True, external=str(file), min_probability=0.5)
    read = [classes[::2][k] for k in quality.classifier.log_probabilities(TEST).argmax(axis=1)]
    assert quality(TEST.images, read).passed.all()
    other = [*({"anger": "surprise", "surprise": "anger"}[name] for name in read[:-1]), "contempt"]
    verdict = quality(TEST.images, other)
    assert verdict.passed.tolist() == [False] * 8 + [True]
    assert verdict.notes[0].startswith("read as ")
    again = pickle.loads(pickle.dumps(quality))
    assert np.array_equal(again(TEST.images, other).score, verdict.score)


def test_it_goes_from_process_to_process(quality: QualityFilter) -> None:
    again = pickle.loads(pickle.dumps(quality))
    names = TEST.expressions.tolist()
    assert np.array_equal(again(TEST.images, names).score, quality(TEST.images, names).score)
