"""What a training adds to its generator at the end: the map of the intensity."""

from pathlib import Path

import numpy as np
import pytest
from builders.training import LABELS, WITHOUT_FEATURES, Silent, toy_workspace

from faceprep.config import Config, TrainConfig
from faceprep.core.errors import FaceprepError, MissingToolError
from faceprep.core.progress import Progress
from faceprep.faces.dlib import landmark_predictor
from faceprep.generators.editor import IntensityMap, calibration_of
from faceprep.generators.store import load_trained
from faceprep.stages.train.calibration import calibrate_trained
from faceprep.stages.train.run import run_train
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_writer import add_extra
from faceprep.workspace.artifacts import generator_folder

QUIET = Progress(quiet=True)
NETWORKS = {"width": 4, "d_width": 4, "path_width": 4, "d_features": 16}


def configured(root: Path, **train: object) -> Config:
    choices: dict[str, object] = {
        "preset": "tiny", "size": 32, "steps": 2, "batch": 4, "weights": WITHOUT_FEATURES,
        "networks": NETWORKS, "calibrate": 3,
    }  # fmt: skip
    return Config(workspace=root, workers=1, train=TrainConfig(**{**choices, **train}))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of faces that were measured; the maps are made up."""
    seen: list[int] = []

    def calibrate(editor, faces):
        seen.append(len(faces))
        assert not editor.calibration
        assert set(faces.subjects) <= {f"folder/S{k}" for k in range(4)}  # S4 and S5 are the test
        return {name: IntensityMap((0, 0.3, 1), (0, 0.6, 1)) for name in editor.generator.classes}

    monkeypatch.setattr("faceprep.metrics.intensity.calibrate", calibrate)
    return seen


def test_a_training_ends_with_maps_and_is_otherwise_the_same(tmp_path, measured) -> None:
    for name, faces in (("with", 3), ("without", 0)):
        toy_workspace(tmp_path / name)
        run_train(configured(tmp_path / name, calibrate=faces), QUIET)
    assert measured == [3]
    found = [generator_folder(tmp_path / name) for name in ("with", "without")]
    resumes = [(folder / "training.safetensors").read_bytes() for folder in found]
    assert resumes[0] == resumes[1]
    (model, file), (plain, other) = (load_trained(tmp_path / name) for name in ("with", "without"))
    maps = calibration_of(file.extra)
    assert set(maps) == set(LABELS)
    assert maps["anger"](0.3) == pytest.approx(0.6)
    assert {key: value for key, value in file.extra.items() if key != "calibration"} == other.extra
    assert (file.progress, file.config) == (other.progress, other.config)
    weights, others = model.state_dict(), plain.state_dict()
    assert all((weights[key] == others[key]).all() for key in others)
    tensors, wanted = file.load(), other.load()
    assert tensors.keys() == wanted.keys()
    assert all((tensors[key] == wanted[key]).all() for key in wanted)
    assert not list(found[0].glob("*.tmp"))


def test_what_was_interrupted_is_calibrated_by_the_same_command(tmp_path, measured) -> None:
    toy_workspace(tmp_path)
    run_train(configured(tmp_path, calibrate=0), QUIET)
    assert run_train(configured(tmp_path), QUIET).finished_before
    assert "calibration" in load_trained(tmp_path)[1].extra
    run_train(configured(tmp_path), QUIET)
    assert measured == [3]
    # Steps that are added make another generator, which is measured again.
    run_train(configured(tmp_path, steps=3), QUIET)
    assert measured == [3, 3]
    assert "calibration" in load_trained(tmp_path)[1].extra


def test_without_the_predictor_one_line_says_so(tmp_path, monkeypatch) -> None:
    toy_workspace(tmp_path)
    config = configured(tmp_path, calibrate=0)
    run_train(config, QUIET)
    file = generator_folder(tmp_path) / "generator.safetensors"
    before = file.read_bytes()

    def missing():
        raise MissingToolError("no face_recognition_models here", "pip install")

    monkeypatch.setattr(landmark_predictor, "shared_predictor", missing)
    heard = Silent()
    assert not calibrate_trained(configured(tmp_path), file, "cpu", heard)
    assert heard.said == ["train: the intensity is not calibrated: no face_recognition_models here"]
    assert file.read_bytes() == before
    assert not calibrate_trained(config, file, "cpu", heard)  # 0 faces: not even asked for
    assert len(heard.said) == 1


def test_extra_is_added_to_a_whole_file_only(tmp_path) -> None:
    toy_workspace(tmp_path)
    run_train(configured(tmp_path, calibrate=0), QUIET)
    file = generator_folder(tmp_path) / "generator.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[-5] ^= 1
    other = tmp_path / "damaged.safetensors"
    other.write_bytes(damaged)
    with pytest.raises(FaceprepError, match="SHA-256"):
        add_extra(other, {"calibration": {}})
    assert other.read_bytes() == damaged
    with pytest.raises(ValueError, match="Out of range float"):
        add_extra(file, {"x": float("nan")})
    assert read_checkpoint(file).extra.get("x") is None
    assert np.isfinite(next(iter(read_checkpoint(file).load().values())).numpy()).all()
