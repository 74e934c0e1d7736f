"""``faceprep evaluate aus`` as a user meets it."""

import json

import pytest
from builders.evaluation import estimate
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.core.vocabulary import PRESENCE_AUS

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def workspace(select, truth):
    return estimate(
        select("manifests/ck-plus"),
        lambda row: None if row["subject"] == "S006" else truth[row["path"]],
    )


def evaluate(*words: object, code: int = 0):
    result = RUNNER.invoke(app, ["evaluate", "aus", *map(str, words)])
    assert result.exit_code == code, result.output + result.stderr
    return result


def test_the_only_workspace_is_evaluated_and_every_au_has_a_line(workspace):
    result = evaluate()
    for au in PRESENCE_AUS:
        assert f" {au} " in result.output
    assert "against FACS codes" in result.output
    assert "have no estimate: au_failed" in result.output
    assert "faceprep evaluate aus --plot aus.png" in result.stderr


def test_json_has_null_where_a_number_is_not_defined(workspace):
    found = json.loads(evaluate(workspace.root, "--json").output, parse_constant=pytest.fail)
    assert found["kind"] == "evaluation"
    assert [one["au"] for one in found["aus"]] == list(PRESENCE_AUS)
    by_au = {one["au"]: one for one in found["aus"]}
    assert by_au["AU28"]["r"] is None
    assert by_au["AU12"]["f1"] == 1
    assert by_au["AU12"]["r"] > 0.98
    assert found["mean"]["mae"] < 0.3
    assert found["subjects"] == 5


def test_a_plot_is_drawn_and_named(workspace, tmp_path):
    result = evaluate("--against", "demo", "--role", "peak", "--plot", "aus.png")
    assert (tmp_path / "aus.png").stat().st_size > 10_000
    assert result.output.splitlines()[-1] == "aus.png"
    assert "→" not in result.stderr


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["nowhere"], "nowhere does not exist", "faceprep evaluate aus manifests/ck-plus"),
        (
            ["--against", "nowhere"],
            "nowhere does not exist",
            "evaluate aus --against manifests/ck-plus",
        ),
        (["--plot", "aus.gif"], "a PNG or a PDF, not aus.gif", "--plot aus.png"),
        (["--split", "holdout"], "no split 'holdout'", "train, val, test"),
        (["--role", "neutral"], "no face of role neutral is known", "peak"),
    ],
)
def test_an_error_has_a_hint(workspace, words, message, hint):
    result = evaluate(*words, code=2)
    assert message in result.stderr
    assert hint in result.stderr


def test_a_damaged_manifest_is_no_usage_error(workspace):
    workspace.part("aus", 0).write_bytes(b"PAR1")
    assert "not readable Parquet" in evaluate(code=1).stderr
