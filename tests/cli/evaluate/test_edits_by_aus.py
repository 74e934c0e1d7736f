"""``faceprep evaluate edits`` for a generator driven by Action Units."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.toy_generators import ActionUnitToy, registered
from builders.training import toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.evaluation.edits import au_control

KIND = ActionUnitToy.kind
SMALL = ("--sources", 3, "--intensities", "0.2,0.6,1", "--identities", 0)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(au_control, "SWEPT", ("AU12",))
    with registered():
        yield


def run(*words: object, code: int = 0):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output + result.stderr
    return result


def test_tables_json_and_a_plot_of_two_generators(tmp_path: Path) -> None:
    toy_workspace(tmp_path / "ws", measured=True)
    sets = ["--set", "train.steps=2", "--set", "train.batch=4", "--set", "train.calibrate=0"]
    run("train", "--generator", KIND, "--only", "--workspace", "ws", "--device", "cpu", *sets)
    evaluate = ["evaluate", "edits", "ws", "--generator", KIND, *SMALL]
    found = json.loads(run(*evaluate, "--json").stdout, parse_constant=pytest.fail)
    aus = found["action_units"]
    assert len(aus["aus"]) == 17
    assert [point["intensity"] for point in aus["curve"]] == [0.2, 0.6, 1]
    assert aus["sweep_faces"] == found["sources"] == 3
    # These people have no face that the landmarks predictor knows, but always points.
    assert aus["error"]["edit"] > 0
    (tmp_path / "other.json").write_text(json.dumps({**found, "generator": "other"}))
    text = run(*evaluate, "--plot", "curves.png", "--beside", "other.json").output
    for words in ("Action Units", "ρ of single-AU sweeps", "identity at equal AU error", "AU12"):
        assert words in text
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert "--plot curves.png" in run(*evaluate, "--beside", "other.json", code=2).stderr
    (tmp_path / "other.json").write_text("{}")
    words = [*evaluate, "--plot", "curves.png", "--beside", "other.json"]
    assert "other.json is not the result" in run(*words, code=2).stderr
