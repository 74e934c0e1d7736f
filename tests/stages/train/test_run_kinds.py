"""``train`` with kinds of generators that the package does not know."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from builders.toy_generators import ActionUnitToy, LandmarkToy, ToyNetwork, registered
from builders.training import LABELS, toy_workspace

from faceprep.config import Config, TrainConfig
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.generators.base import Generator, HasExpressionCode, MakesNewFaces, Target
from faceprep.generators.registry import kinds
from faceprep.generators.store import load_trained
from faceprep.report.training import PICTURES
from faceprep.stages.train.run import run_train
from faceprep.workspace.artifacts import generator_folder

QUIET = Progress(quiet=True)
BOTH = pytest.mark.parametrize("network", [ActionUnitToy, LandmarkToy])


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with registered():
        yield


def configured(root: Path, kind: str, **train: object) -> Config:
    choices: dict[str, object] = {"generator": kind, "steps": 6, "batch": 4, "calibrate": 0}
    return Config(workspace=root, workers=1, train=TrainConfig(**{**choices, **train}))


@BOTH
def test_a_kind_is_trained_and_comes_back_for_use(
    network: type[ToyNetwork], tmp_path: Path
) -> None:
    toy_workspace(tmp_path, measured=True)
    pictures = replace(PICTURES, losses=lambda _history, path, _panels: path)
    result = run_train(configured(tmp_path, network.kind, steps=40), QUIET, pictures)
    assert result.plan.steps == {"edits": 40}
    assert sum(result.plan.parameters.values()) > 100
    folder = generator_folder(tmp_path, network.kind)
    assert json.loads((folder / "train.json").read_text())["config"]["generator"] == network.kind
    assert (folder / "samples" / "step-000040.png").is_file()
    model, file = load_trained(tmp_path, network.kind)
    assert isinstance(model, Generator)
    assert not isinstance(model, MakesNewFaces | HasExpressionCode)
    assert (model.kind, model.classes, file.progress["step"]) == (network.kind, LABELS, 40)
    values = torch.zeros(1, 17) if network is ActionUnitToy else torch.zeros(1, 68, 2)
    target = {network.driver: values + 1, f"source_{network.driver}": values}
    x = torch.zeros(1, 3, 32, 32)
    assert model.edit(x, Target(**target)).images.shape == x.shape


@BOTH
def test_the_file_has_reference_faces_of_every_expression(
    network: type[ToyNetwork], tmp_path: Path
) -> None:
    toy_workspace(tmp_path, measured=True)
    run_train(configured(tmp_path, network.kind), QUIET)
    references = load_trained(tmp_path, network.kind)[1].extra["references"]
    assert set(references) - {"shape"} == {network.driver}
    faces = references[network.driver]
    assert set(faces) == set(LABELS)
    for label, name in enumerate(LABELS):
        values = torch.tensor(faces[name])
        assert len(values) == 4  # one face of each person in training
        if network is ActionUnitToy:
            assert values.shape[1:] == (17,)
            assert (values == label).all()
        else:  # the displacement from the person's neutral face, in units of the side
            assert values.shape[1:] == (68, 2)
            moved = (label - LABELS.index("neutral")) / 32
            assert torch.allclose(values, torch.full_like(values, moved), atol=1e-4)


@BOTH
def test_stopped_half_way_it_ends_as_if_undisturbed(
    network: type[ToyNetwork], tmp_path: Path
) -> None:
    for name, parts in (("whole", (6,)), ("parts", (3, 6))):
        toy_workspace(tmp_path / name, measured=True)
        for steps in parts:
            run_train(configured(tmp_path / name, network.kind, steps=steps), QUIET)
    folders = [generator_folder(tmp_path / name, network.kind) for name in ("whole", "parts")]
    for file in ("training.safetensors", "generator.safetensors"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()


def test_another_setting_is_another_training(tmp_path: Path) -> None:
    toy_workspace(tmp_path, measured=True)
    config = configured(tmp_path, LandmarkToy.kind)
    run_train(config, QUIET)
    with pytest.raises(UsageError, match=r"train.learning_rate: none → 0.5"):
        run_train(configured(tmp_path, LandmarkToy.kind, learning_rate=0.5), QUIET)


def test_what_a_kind_cannot_do_is_refused_with_what_it_can(tmp_path: Path) -> None:
    toy_workspace(tmp_path)
    with pytest.raises(UsageError, match="no generator is called 'stargan'") as caught:
        run_train(configured(tmp_path, "stargan"), QUIET)
    assert caught.value.hint == f"one of: {', '.join(kinds())}"
    with pytest.raises(UsageError, match="'toy-aus' has no preset 'paper'") as caught:
        run_train(configured(tmp_path, "toy-aus", preset="paper"), QUIET)
    assert caught.value.hint == "one of: modern, tiny"
    with pytest.raises(UsageError, match="aus has not run"):
        run_train(configured(tmp_path, "toy-aus"), QUIET)
