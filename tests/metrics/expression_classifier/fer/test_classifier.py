"""The classifier that others trained, with a small network of random weights."""

from pathlib import Path

import numpy as np
import pytest
from builders.edits import draw_people
from builders.fer import write_model

from faceprep.core.errors import UsageError
from faceprep.faces.alignment import load_template, template_names
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces
from faceprep.metrics.expression_classifier.fer.classifier import FerClassifier, prepare
from faceprep.metrics.expression_classifier.fit import held_out_accuracy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_model(tmp_path / "small.hdf5")


def test_it_decides_between_the_expressions_that_it_knows(file: Path) -> None:
    judge = FerClassifier.load(("surprise", "contempt", "anger", "surprise"), file)
    assert judge.classes == ("surprise", "anger")
    faces = draw_people(100, 2)
    logs = judge.log_probabilities(faces)
    assert np.exp(logs).sum(axis=1) == pytest.approx(np.ones(6))
    mirrored = AlignedFaces(np.ascontiguousarray(faces.images[:, :, ::-1]))
    assert judge.log_probabilities(mirrored) == pytest.approx(logs, abs=0.2)
    swapped = FerClassifier.load(("anger", "surprise"), file).log_probabilities(faces)
    assert np.array_equal(swapped[:, ::-1], logs)
    with pytest.raises(UsageError, match="fewer than two"):
        FerClassifier.load(("anger", "contempt"), file)


def test_its_accuracy_is_measured_on_the_expressions_that_it_knows(file: Path) -> None:
    found = held_out_accuracy(FerClassifier.load(("anger", "surprise"), file), draw_people(100, 2))
    assert (found.judge, found.faces, found.trained_on) == ("fer", 4, 0)


def test_images_are_gray_from_minus_one_to_one() -> None:
    colours = np.zeros((3, 64, 64, 3), np.uint8)
    colours[1], colours[2, ..., 1] = 255, 255
    levels = prepare(colours)
    assert levels.shape == (3, 1, 64, 64)
    assert levels[:2].unique().tolist() == [-1, 1]
    assert levels[2].mean() == pytest.approx(2 * 0.587 - 1, abs=0.01)


@pytest.mark.parametrize("template", template_names())
def test_the_face_has_the_same_place_for_every_template(template: str) -> None:
    crop = np.zeros((1, 256, 256, 3), np.uint8)
    x, y = load_template(template, 256)[[0, 1]].mean(axis=0).round().astype(int)
    crop[:, y - 3 : y + 4, x - 3 : x + 4] = 255
    row, column = np.argwhere(prepare(crop, template)[0, 0].numpy() > 0).mean(axis=0)
    # Between the eyes: in the middle, 0.43 of the height.
    assert column == pytest.approx(31.5, abs=1)
    assert row == pytest.approx(27, abs=2)
