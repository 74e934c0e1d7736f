"""Targets of every kind of generator."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from builders.edits import copy
from builders.toy_generators import ActionUnitToy, LandmarkToy, ToyConfig, registered

from faceprep.core.errors import UsageError
from faceprep.generators.shapes import fit_shape_model
from faceprep.generators.targets import (
    REFERENCES,
    Measurements,
    References,
    TargetMaker,
    references_of,
)

CONFIG = ToyConfig(preset="tiny", classes=("anger", "happiness"), size=32)
PEAKS = np.stack([np.full(17, 2.0), np.full(17, 4.0)])
MOVES = np.stack([np.full((68, 2), 0.1), np.full((68, 2), 0.3)])


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered():
        yield


def test_codes_have_the_intensity_in_the_active_block_or_given_magnitudes() -> None:
    maker = TargetMaker(copy())
    assert (maker.elements, maker.measured) == (5, frozenset())
    target = maker.make(["happiness", "neutral"], np.array([0.4, 0.5]))
    blocks = target.require("code").unflatten(1, (3, 5))
    assert torch.equal(blocks[0, :, 0], torch.tensor([-0.4, 0.4, -0.4]))
    assert (blocks[1] == -0.5).all()  # neutral is no class: all are absent
    assert target.require("expression").tolist() == [[0, 1, 0], [0, 0, 0]]
    given = maker.make(["anger"], np.ones(1), magnitudes=np.arange(5.0)[None] / 5)
    assert torch.allclose(given.require("code")[0, :5], torch.arange(5) / 5)


def test_action_units_go_from_the_source_to_a_reference_face() -> None:
    maker = TargetMaker(ActionUnitToy(CONFIG), References(action_units={"anger": PEAKS}))
    sources = Measurements(action_units=np.ones((2, 17)))
    half = maker.make(["anger", "neutral"], np.full(2, 0.5), sources=sources)
    assert half.require("action_units")[:, 0].tolist() == [2.0, 0.5]  # mean peak 3; neutral 0
    assert half.require("source_action_units")[:, 0].tolist() == [1, 1]
    donors = np.array([0.0, 0.99])
    full = maker.make(["anger"] * 2, np.ones(2), sources=sources, donors=donors)
    assert full.require("action_units")[:, 0].tolist() == [2, 4]


def test_landmarks_are_moved_by_the_displacement_of_a_reference_face() -> None:
    maker = TargetMaker(LandmarkToy(CONFIG), References(landmarks={"anger": MOVES}))
    sources = Measurements(landmarks=np.full((2, 68, 2), 0.5))
    target = maker.make(["anger", "neutral"], np.array([0.5, 1.0]), sources=sources)
    assert target.require("landmarks")[:, 0, 0].tolist() == pytest.approx([0.6, 0.5])


def test_the_own_expression_of_the_source_is_removed() -> None:
    shown = np.stack([np.full((68, 2), 0.4), np.full((68, 2), 0.6)])
    model = fit_shape_model(shown, shown - 0.4)  # the first is neutral
    maker = TargetMaker(LandmarkToy(CONFIG), References(landmarks={"anger": MOVES}, shape=model))
    target = maker.make(
        ["anger", "neutral", "anger"], np.array([1, 1, 0.0]),
        sources=Measurements(landmarks=shown[[1, 1, 1]]),
    )  # fmt: skip
    assert target.require("landmarks")[:, 0, 0].tolist() == pytest.approx([0.6, 0.4, 0.6], abs=4e-3)


def test_the_mean_displacement_is_as_long_as_one_face_on_average() -> None:
    moves = np.zeros((2, 68, 2))
    moves[:, :, 0], moves[0, :, 1], moves[1, :, 1] = 0.1, 0.1, -0.1  # they agree in x
    sources = Measurements(landmarks=np.zeros((1, 68, 2)))
    for common, expected in ((0.1, 0.1 * 2**0.5), (0.02, 0.02)):
        moves[:, :, 0] = common
        maker = TargetMaker(LandmarkToy(CONFIG), References(landmarks={"anger": moves.copy()}))
        wanted = maker.make(["anger"], np.ones(1), sources=sources).require("landmarks")
        assert wanted[0, 0].tolist() == pytest.approx([expected, 0])


def test_landmarks_are_requested_as_they_are() -> None:
    maker = TargetMaker(LandmarkToy(CONFIG))
    wanted, sources = np.full((1, 68, 2), 0.7), Measurements(landmarks=np.full((1, 68, 2), 0.5))
    target = maker.make_landmarks(wanted, ["happiness"], sources)
    assert target.require("expression").tolist() == [[0, 1]]
    assert float(target.require("landmarks").min()) == pytest.approx(0.7)
    assert float(target.require("source_landmarks").max()) == pytest.approx(0.5)


def test_what_is_missing_is_named() -> None:
    maker = TargetMaker(ActionUnitToy(CONFIG), References(action_units={"anger": PEAKS}))
    with pytest.raises(UsageError, match="driven by action units; those of the faces"):
        maker.make(["anger"], np.ones(1))
    sources = Measurements(action_units=np.ones((1, 17)))
    with pytest.raises(UsageError, match="no reference faces of happiness"):
        maker.make(["happiness"], np.ones(1), sources=sources)
    with pytest.raises(UsageError, match="does not know 'joy'"):
        maker.make(["joy"], np.ones(1), sources=sources)


def test_measurements_are_taken_and_joined() -> None:
    all_of_them = Measurements(np.arange(51.0).reshape(3, 17))
    some = all_of_them.take([2, 0])
    assert some.action_units is not None
    assert some.action_units[:, 0].tolist() == [34, 0]
    assert some.landmarks is None
    joined = Measurements.concatenate([some, all_of_them])
    assert joined.action_units is not None
    assert len(joined.action_units) == 5
    assert Measurements.concatenate([some, Measurements()]).action_units is None


def test_reference_faces_are_read_and_malformed_ones_refused():
    stored = {"action_units": {"anger": [[1.0] * 17]}, "landmarks": {"anger": [[[0.1, 0.2]] * 68]}}
    found = references_of({REFERENCES: stored})
    assert found.action_units["anger"].shape == (1, 17)
    assert found.landmarks["anger"].shape == (1, 68, 2)
    assert references_of({}).action_units == {}
    for wrong in (
        {"action_units": {"anger": [[1.0] * 16]}},
        {"action_units": {"anger": []}},
        {"landmarks": {"anger": [[[float("nan"), 0]] * 68]}},
        {"landmarks": [1]},
        {"shape": {}},
        3,
    ):
        with pytest.raises(UsageError, match="reference faces"):
            references_of({REFERENCES: wrong})
