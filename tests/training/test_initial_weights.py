"""Weights of an earlier training: which tensors fit, and which values they get."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from builders.toy_generators import ActionUnitToy, LandmarkToy, ToyConfig, registered
from torch import nn

from faceprep.core.errors import UsageError
from faceprep.core.files import file_sha256
from faceprep.generators.base import build_network
from faceprep.generators.store import save_generator
from faceprep.training.ema import EMA
from faceprep.training.initial_weights import freeze, match_weights

CONFIG = ToyConfig(preset="tiny", classes=("anger", "happiness"), size=32)
KIND = ActionUnitToy.kind


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with registered():
        yield


def networks(seed: int = 0, **changes: object) -> ActionUnitToy:
    values = {**CONFIG.to_json(), **changes}
    return build_network(ActionUnitToy, ToyConfig.from_json(values), seed=seed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Raw weights of seed 7; the average of the last layer is 9."""
    path, model = tmp_path / "earlier.safetensors", networks(7)
    average = EMA(model, names=("last",)).state
    for value in average.values():
        value.fill_(9)
    save_generator(path, KIND, model, CONFIG.to_json(), average=average)
    return path


def test_equal_networks_get_every_tensor_and_averages_where_there_are_any(file: Path) -> None:
    model, earlier = networks(), networks(7)
    start = match_weights(file, KIND, networks())
    start.copy_to(model)
    assert start.fresh == ()
    assert start.sha256 == file_sha256(file)
    for name, value in model.state_dict().items():
        expected = torch.full_like(value, 9) if "last" in name else earlier.state_dict()[name]
        assert torch.equal(value, expected), name
    assert start.summary() == "6 tensors kept (condition 2, first 2, last 2), 0 fresh"


def test_tensors_of_another_shape_or_name_stay_fresh(file: Path) -> None:
    model = networks(width=4)
    model.head = nn.Linear(2, 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    start = match_weights(file, KIND, model)
    start.copy_to(model)
    # The colours do not depend on the width.
    assert start.kept == ("last.bias",)
    kept = "1 tensors kept (last 1)"
    assert start.summary() == f"{kept}, 7 fresh (condition 2, first 2, last 1, head 2)"
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) == (name != "last.bias")


def test_what_cannot_be_a_start_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is of the generator 'toy-aus', not 'toy-landmarks'"):
        match_weights(file, LandmarkToy.kind, networks())
    with pytest.raises(UsageError, match="no tensor with the name and shape"):
        match_weights(file, KIND, nn.Linear(3, 3))
    with pytest.raises(UsageError, match="is not a file"):
        match_weights(tmp_path / "nowhere", KIND, networks())


def test_parameters_are_frozen_by_the_beginning_of_their_names() -> None:
    model = networks()
    assert freeze(model, ["cond", "first.bias"]) == 17 * 8 + 8 + 8
    trained = [name for name, value in model.named_parameters() if value.requires_grad]
    assert trained == ["first.weight", "last.weight", "last.bias"]


def test_freezing_nothing_or_everything_is_refused() -> None:
    with pytest.raises(UsageError, match="no parameter begins with 'encoder'") as caught:
        freeze(networks(), ["first", "encoder"])
    assert caught.value.hint == "one of: condition, first, last"
    with pytest.raises(UsageError, match="no parameter is left to train"):
        freeze(networks(), ["condition", "first", "last"])
