"""``train`` from the weights of another generator, and with frozen networks."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from builders.toy_generators import ActionUnitToy, registered
from builders.training import LABELS, WITHOUT_FEATURES, Silent, toy_workspace

from faceprep.config import Config, TrainConfig
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import file_sha256
from faceprep.core.progress import Progress
from faceprep.generators.base import Target
from faceprep.generators.store import load_generator, load_trained
from faceprep.stages.train.run import run_train
from faceprep.training.checkpoint import read_checkpoint
from faceprep.workspace.artifacts import generator_file, generator_folder

QUIET = Progress(quiet=True)
EXPRGAN = {
    "generator": "exprgan",
    "preset": "tiny",
    "size": 32,
    "weights": WITHOUT_FEATURES,
    "networks": {"width": 4, "d_width": 4, "path_width": 4, "d_features": 16},
}


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    with registered():
        yield


def configured(root: Path, **train: object) -> Config:
    choices = {"generator": ActionUnitToy.kind, "steps": 4, "batch": 4, "calibrate": 0}
    return Config(workspace=root, workers=1, train=TrainConfig(**{**choices, **train}))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a generator by Action Units, trained on another workspace."""
    root = tmp_path_factory.mktemp("toy")
    toy_workspace(root, measured=True)
    run_train(configured(root, steps=20, seed=1), QUIET)
    return generator_file(root, ActionUnitToy.kind)


@pytest.fixture(scope="module")
def exprgan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exprgan")
    toy_workspace(root)
    run_train(configured(root, **EXPRGAN, seed=1), QUIET)
    return generator_file(root)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path).load()


def test_without_learning_it_edits_like_the_file(toy: Path, tmp_path: Path) -> None:
    toy_workspace(tmp_path, measured=True)
    run_train(configured(tmp_path, init_from=toy, learning_rate=1e-12, steps=1), QUIET)
    models = [load_generator(toy)[0], load_trained(tmp_path, ActionUnitToy.kind)[0]]
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    target = Target(action_units=torch.full((2, 17), 3.0), source_action_units=torch.zeros(2, 17))
    edits = [model.edit(x, target).images for model in models]
    assert not torch.allclose(edits[0], x, atol=0.01)
    assert torch.allclose(*edits, atol=1e-6)


def test_a_generator_of_codes_starts_from_averages_and_other_expressions_fit_in_part(
    exprgan: Path, tmp_path: Path
) -> None:
    toy_workspace(tmp_path)
    fewer = {"classes": LABELS[:3], "learning_rate": 1e-12, "steps": 1}
    settings = {**EXPRGAN, **fewer, "init_from": exprgan}
    reporter = Silent()
    run_train(configured(tmp_path, **settings), reporter)
    [said] = [line for line in reporter.said if "tensors kept (encoder" in line]
    assert "fresh" in said
    folder = generator_folder(tmp_path)
    start = json.loads((folder / "train.json").read_text())["init_from"]
    assert start["sha256"] == file_sha256(exprgan)
    assert start["classes"] == list(LABELS)
    assert not {*start["kept"]} & {*start["fresh"]}
    before, after = weights(exprgan), weights(folder / "generator.safetensors")
    name = next(name for name in start["kept"] if name.startswith("encoder") and "weight" in name)
    averaged, raw = (before[f"network/{kind}/{name}"] for kind in ("average", "generator"))
    assert not torch.equal(averaged, raw)
    assert torch.allclose(after[f"network/generator/{name}"], averaged, atol=1e-6)
    assert any(name.startswith("decoder") for name in start["fresh"])


@pytest.mark.parametrize("frozen", [("encoder", "d_image"), ("decoder", "path", "encoder")])
def test_frozen_networks_keep_their_weights_and_the_others_learn(
    exprgan: Path, tmp_path: Path, frozen: tuple[str, ...]
) -> None:
    toy_workspace(tmp_path)
    settings = {**EXPRGAN, "init_from": exprgan, "freeze": frozen, "steps": 3}
    plan = run_train(configured(tmp_path, **settings), QUIET).plan
    assert plan.frozen == sum(plan.parameters[name] for name in frozen)
    before, after = weights(exprgan), weights(generator_file(tmp_path))
    learned = set()
    # Parameters only: a frozen network's running statistics still follow the faces.
    for key, _ in load_trained(tmp_path)[0].named_parameters():
        raw, averaged = f"network/generator/{key}", f"network/average/{key}"
        if not torch.equal(after[raw], before.get(averaged, before[raw])):
            learned.add(key.partition(".")[0])
    assert learned == {"d_image", "d_latent", "decoder", "encoder", "path"} - {*frozen}


@pytest.mark.parametrize("kind", [ActionUnitToy.kind, "exprgan"])
def test_stopped_half_way_it_ends_as_if_undisturbed(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    known: Path = request.getfixturevalue("exprgan" if kind == "exprgan" else "toy")
    settings = {**EXPRGAN, "freeze": ("encoder",)} if kind == "exprgan" else {"freeze": ("first",)}
    for name, parts in (("whole", (4,)), ("parts", (2, 4))):
        toy_workspace(tmp_path / name, measured=True)
        for steps in parts:
            # The place of the file does not matter.
            copy = tmp_path / f"{name}{steps}.safetensors"
            shutil.copy(known, copy)
            run_train(configured(tmp_path / name, **settings, init_from=copy, steps=steps), QUIET)
    folders = [generator_folder(tmp_path / name, kind) for name in ("whole", "parts")]
    for file in ("training.safetensors", "generator.safetensors"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()


def test_another_start_is_another_training(toy: Path, exprgan: Path, tmp_path: Path) -> None:
    toy_workspace(tmp_path, measured=True)
    run_train(configured(tmp_path, init_from=toy), QUIET)
    with pytest.raises(FaceprepError, match="init_from"):
        run_train(configured(tmp_path, steps=5), QUIET)
    with pytest.raises(UsageError, match=r"train.freeze: first → none|train.freeze"):
        run_train(configured(tmp_path, init_from=toy, freeze=("first",)), QUIET)
    with pytest.raises(UsageError, match="is of the generator 'exprgan'"):
        run_train(configured(tmp_path, init_from=exprgan, steps=5), QUIET)
    own = generator_file(tmp_path, ActionUnitToy.kind)
    with pytest.raises(UsageError, match="the file that this training writes"):
        run_train(configured(tmp_path, init_from=own), QUIET)


def test_a_dry_run_counts_what_is_kept_and_frozen(toy: Path, tmp_path: Path) -> None:
    toy_workspace(tmp_path, measured=True)
    config = configured(tmp_path, init_from=toy, freeze=("last",))
    plan = run_train(config, QUIET, dry_run=True).plan
    assert plan.start == "6 tensors kept (condition 2, first 2, last 2), 0 fresh"
    assert plan.frozen == 3 * 8 * 9 + 3
