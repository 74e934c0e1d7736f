"""A training is replaced with ``--overwrite`` only, and one at a time writes a generator."""

import json
from pathlib import Path

import pytest
from builders.training import WITHOUT_FEATURES, toy_workspace

from faceprep.cli.remedies import spell
from faceprep.config import Config, TrainConfig
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.stages.train import run as train
from faceprep.training.loop import Training
from faceprep.workspace.artifacts import generator_folder
from faceprep.workspace.trainings import note_of_unfinished

QUIET = Progress(quiet=True)
NETWORKS = {"width": 4, "d_width": 4, "path_width": 4, "d_features": 16}


def configured(root: Path, **changes: object) -> Config:
    choices: dict[str, object] = {
        "preset": "tiny", "size": 32, "steps": 1, "batch": 4, "calibrate": 0,
        "weights": WITHOUT_FEATURES, "networks": NETWORKS,
    }  # fmt: skip
    return Config(
        workspace=root, workers=1, train=TrainConfig.model_validate({**choices, **changes})
    )


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    toy_workspace(tmp_path)
    train.run_train(configured(tmp_path), QUIET)
    return tmp_path


def kill(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_consent_survives_a_kill(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = generator_folder(trained)
    before = (folder / "training.safetensors").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(train, "_make_folder", kill)
        with pytest.raises(KeyboardInterrupt):
            train.run_train(configured(trained, seed=7), QUIET, overwrite=True)
    assert (folder / "training.safetensors").read_bytes() == before
    with pytest.raises(UsageError, match=r"train.seed: 0 → 8\n  train/exprgan: a training of 1 "):
        train.run_train(configured(trained, seed=8), QUIET)
    done = train.run_train(configured(trained, seed=7), QUIET)
    assert done.outcome is not None
    assert done.outcome.began == 0
    assert not (folder / "asked.json").exists()
    assert train.run_train(configured(trained, seed=7), QUIET).finished_before


@pytest.mark.parametrize("seed", [0, 7])
def test_a_training_stays_whole_until_the_first_checkpoint_of_its_successor(
    trained: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    folder = generator_folder(trained)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(Training, "_one_step", kill)
        with pytest.raises(KeyboardInterrupt):
            train.run_train(configured(trained, seed=seed), QUIET, overwrite=True)
    assert {path: path.read_bytes() for path in before} == before
    assert note_of_unfinished(trained, folder / "generator.safetensors") is None
    done = train.run_train(configured(trained, seed=seed), QUIET)  # it goes on as it was begun
    assert done.outcome is not None
    assert done.outcome.began == 0
    assert json.loads((folder / "train.json").read_text())["config"]["seed"] == seed
    assert not (folder / "asked.json").exists()


def test_a_kill_at_the_first_checkpoint_loses_no_generator(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = generator_folder(trained)
    before = (folder / "training.safetensors").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("faceprep.training.history.History.write", kill)
        with pytest.raises(KeyboardInterrupt):
            train.run_train(configured(trained), QUIET, overwrite=True)
    assert (folder / "training.safetensors").read_bytes() == before
    assert train.run_train(configured(trained), QUIET).outcome is not None  # generator and record
    assert train.run_train(configured(trained), QUIET).finished_before


def test_an_unfinished_training_of_other_settings_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_workspace(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(train, "_times", kill)  # after the checkpoint, before train.json
        with pytest.raises(KeyboardInterrupt):
            train.run_train(configured(tmp_path), QUIET)
    with pytest.raises(UsageError, match=r"train.batch: 4 → 5") as caught:
        train.run_train(configured(tmp_path, batch=5), QUIET)
    assert "--set train.batch=4: keeps to the finished results" in spell(caught.value.hint)
    with pytest.raises(UsageError, match=r"train.batch: 4 → 5"):
        train.run_train(configured(tmp_path, batch=5), QUIET, dry_run=True)
    assert train.run_train(configured(tmp_path, steps=2), QUIET).plan.done == 1


def test_a_shorter_training_is_refused(trained: Path) -> None:
    train.run_train(configured(trained, steps=3), QUIET)
    with pytest.raises(UsageError, match="already trained 3 steps, which is more than") as caught:
        train.run_train(configured(trained, steps=2), QUIET)
    back, again = spell(caught.value.hint).splitlines()
    assert "--set train.steps=3" in back
    assert "--overwrite" in again
    assert train.run_train(configured(trained, steps=3), QUIET).finished_before


def test_a_generator_without_its_training_stays(trained: Path) -> None:
    folder = generator_folder(trained)
    (folder / "training.safetensors").unlink()
    before = (folder / "generator.safetensors").read_bytes()
    with pytest.raises(UsageError, match=r"training\.safetensors is missing"):
        train.run_train(configured(trained), QUIET)
    assert (folder / "generator.safetensors").read_bytes() == before
    train.run_train(configured(trained), QUIET, overwrite=True)


@pytest.mark.parametrize("seed", [0, 7])
def test_a_second_training_at_once_is_refused(tmp_path: Path, seed: int) -> None:
    toy_workspace(tmp_path)
    seen: list[UsageError] = []
    real = Training.run

    def run(self: Training, *words: object) -> object:
        with pytest.raises(UsageError) as caught:
            train.run_train(configured(tmp_path, seed=seed), QUIET)
        seen.append(caught.value)
        return real(self, *words)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "run", run)
        train.run_train(configured(tmp_path), QUIET)
    assert "another command makes train/exprgan" in seen[0].message
    assert ("train.seed: 0 there, 7 here" in seen[0].message) == (seed == 7)
