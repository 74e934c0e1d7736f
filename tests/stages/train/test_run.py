"""``train`` over a workspace: whose faces it sees, what it leaves, what it refuses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from builders.training import LABELS, WITHOUT_FEATURES, toy_workspace

from faceprep.cli.remedies import spell
from faceprep.config import Config, TrainConfig
from faceprep.core.errors import FaceprepError, MissingToolError, Remedy, UsageError
from faceprep.core.progress import Progress
from faceprep.generators.store import load_trained
from faceprep.report.training import PICTURES
from faceprep.stages.train.faces import classes_of
from faceprep.stages.train.run import run_train
from faceprep.workspace.artifacts import generator_file, generator_folder, generator_name
from faceprep.workspace.training_rows import training_rows

NETWORKS = {"width": 4, "d_width": 4, "path_width": 4, "d_features": 16}
QUIET = Progress(quiet=True)


def configured(root: Path, **train: object) -> Config:
    choices: dict[str, object] = {
        "preset": "tiny",
        "size": 32,
        "steps": 2,
        "batch": 4,
        "calibrate": 0,
        "weights": WITHOUT_FEATURES,
        "networks": NETWORKS,
    }
    return Config(workspace=root, workers=1, train=TrainConfig(**{**choices, **train}))


def test_a_fold_is_left_out_whatever_the_split_says(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=6)  # S4 and S5 are the split's test, S1 and S4 fold 1
    assert set(training_rows(tmp_path, fold=1)["subject"]) == {"S0", "S2", "S3", "S5"}
    assert not len(training_rows(tmp_path, "val", fold=1))
    with pytest.raises(UsageError, match="there is no fold 7: these faces have folds 0 to 2"):
        training_rows(tmp_path, fold=7)
    run_train(configured(tmp_path, fold=1), QUIET)
    folder = generator_folder(tmp_path, "exprgan-fold01")
    seen = ["folder/S0", "folder/S2", "folder/S3", "folder/S5"]
    assert json.loads((folder / "train.json").read_text())["subjects"] == seen
    assert load_trained(tmp_path, generator_name("exprgan", 1))[1].extra["subjects"] == seen
    with pytest.raises(UsageError, match="no trained exprgan-fold02") as caught:
        load_trained(tmp_path, generator_name("exprgan", 2))
    assert spell(caught.value.hint).endswith("--set train.fold=2")
    shutil.copytree(folder, generator_folder(tmp_path))
    with pytest.raises(FaceprepError, match="it is of another training: data"):
        run_train(configured(tmp_path), QUIET)


def test_one_person_is_not_enough(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=3)
    with pytest.raises(UsageError, match="all training faces show one person"):
        run_train(configured(tmp_path), QUIET)


def test_expressions_are_those_of_the_training_rows(tmp_path: Path) -> None:
    toy_workspace(tmp_path)
    rows = training_rows(tmp_path)
    assert classes_of(rows, TrainConfig()) == LABELS
    without = tuple(name for name in LABELS if name != "neutral")
    assert classes_of(rows, TrainConfig(neutral=False)) == without
    assert classes_of(rows, TrainConfig(preset="paper")) == without
    assert classes_of(rows, TrainConfig(classes=("surprise", "anger"))) == ("surprise", "anger")
    with pytest.raises(UsageError, match="no training face shows 'disgust'") as caught:
        classes_of(rows, TrainConfig(classes=("anger", "disgust")))
    assert "anger, happiness" in caught.value.message


def test_a_training_leaves_everything_that_is_promised(tmp_path: Path) -> None:
    toy_workspace(tmp_path, size=64)
    result = run_train(configured(tmp_path, weights={}), QUIET, PICTURES)
    folder = generator_folder(tmp_path)
    assert generator_file(tmp_path).is_file()
    names = {path.name for path in folder.iterdir()}
    assert {"generator.safetensors", "training.safetensors", "history.parquet"} <= names
    assert {"losses.png", "train.json"} <= names
    assert [path.name for path in (folder / "samples").iterdir()] == ["step-000002.png"]
    info = json.loads((folder / "train.json").read_text())
    assert info["training"]["features"]["name"] == "dlib-resnet"
    assert len(info["training"]["features"]["sha256"]) == 64
    assert len(info["training"]["data"]) == 64
    assert info["config"]["preset"] == "tiny"
    assert info["networks"]["classes"] == list(LABELS)
    assert info["steps"] == 2
    assert info["images_per_second"] > 0
    assert info["versions"]["torch"]
    assert 0 <= info["expression_head"]["accuracy"] <= 1
    assert result.outcome is not None
    assert result.outcome.images == 8
    model, file = load_trained(tmp_path)
    assert model.classes == LABELS
    assert file.progress["step"] == 2


def test_a_dry_run_says_what_it_would_do_and_leaves_nothing(tmp_path: Path) -> None:
    toy_workspace(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    plan = run_train(configured(tmp_path), QUIET, dry_run=True).plan
    assert sorted(tmp_path.rglob("*")) == before
    assert (plan.steps, plan.batch, plan.people) == ({"joint": 2}, 4, 4)
    assert plan.parameters["encoder"] > 1000
    assert plan.memory["faces"] == 16 * 3 * 32 * 32
    assert plan.memory["networks"] == 20 * sum(plan.parameters.values())
    larger = run_train(configured(tmp_path, batch=8), QUIET, dry_run=True).plan
    assert larger.memory["activations"] == 2 * plan.memory["activations"]


def test_a_finished_training_stays_until_it_is_overwritten(tmp_path: Path) -> None:
    toy_workspace(tmp_path)
    config = configured(tmp_path)
    run_train(config, QUIET)
    path = generator_folder(tmp_path) / "generator.safetensors"
    before = path.stat().st_mtime_ns
    again = run_train(config, QUIET)
    assert again.finished_before
    assert again.outcome is None
    assert path.stat().st_mtime_ns == before
    longer = run_train(configured(tmp_path, steps=3), QUIET)
    assert longer.outcome is not None
    assert (longer.outcome.began, longer.outcome.steps) == (2, 3)
    sheets = replace(PICTURES, losses=lambda _history, path, _panels: path)
    repeated = run_train(config, QUIET, sheets, overwrite=True)
    assert repeated.outcome is not None
    assert (repeated.outcome.began, repeated.outcome.steps) == (0, 2)
    assert [p.name for p in (generator_folder(tmp_path) / "samples").iterdir()] == [
        "step-000002.png"
    ]


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    toy_workspace(tmp_path)
    run_train(configured(tmp_path), QUIET)
    for changes, message in (
        ({"preset": "modern"}, "train.preset: tiny → modern"),
        ({"seed": 5}, "train.seed: 0 → 5"),
        ({"networks": {**NETWORKS, "max_flow": 0.05}}, "train.networks.max_flow: none → 0.05"),
        ({"weights": {**WITHOUT_FEATURES, "tv": 1.0}}, "train.weights.tv: none → 1.0"),
        ({"classes": ("anger", "surprise")}, "train.classes: none → anger,surprise"),
        ({"seed": 5, "batch": 9}, "train.batch: .* → 9\n  train.seed: 0 → 5\n  train/exprgan: "),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            run_train(configured(tmp_path, **changes), QUIET)
        assert "--overwrite" in spell(caught.value.hint)


def test_a_pickle_under_the_checkpoints_name_is_refused(tmp_path: Path) -> None:
    toy_workspace(tmp_path)
    generator_folder(tmp_path).mkdir(parents=True)
    (generator_folder(tmp_path) / "training.safetensors").write_bytes(b"\x80\x04" + bytes(100))
    with pytest.raises(FaceprepError, match="it is a pickle"):
        run_train(configured(tmp_path), QUIET)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no workspace"):
        run_train(configured(tmp_path / "nothing"), QUIET)
    toy_workspace(tmp_path)
    with pytest.raises(UsageError, match="has no trained exprgan") as caught:
        load_trained(tmp_path)
    assert spell(caught.value.hint) == f"faceprep train --only --workspace {tmp_path}"
    with pytest.raises(MissingToolError, match=r"none\.dat"):
        run_train(configured(tmp_path, weights={}, features=str(tmp_path / "none.dat")), QUIET)
    with pytest.raises(UsageError, match="no loss is called 'pixels'"):
        run_train(configured(tmp_path, weights={"pixels": 1.0}), QUIET)


def test_a_damaged_crop_is_named_with_what_to_type(tmp_path: Path) -> None:
    workspace = toy_workspace(tmp_path)
    next(iter(sorted(workspace.images("align", 0).iterdir()))).write_bytes(b"no picture")
    with pytest.raises(FaceprepError, match=r"the crop .* cannot be read") as caught:
        run_train(configured(tmp_path), QUIET)
    assert caught.value.hint == Remedy("align", tmp_path, {"overwrite": True}, resume=True)
