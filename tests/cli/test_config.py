"""``faceprep config explain``, and the words that a shell completes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.completion import complete_assignment, complete_key


def faceprep(*words: str, code: int = 0):
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_key_is_explained_with_the_source_of_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPREP_ALIGN_DETECTOR", "dlib")
    text = faceprep("config", "explain", "align.detector").stdout
    for words in (
        "face detector",
        "mtcnn, dlib, given",
        "dlib   (from FACEPREP_ALIGN_DETECTOR)",
        "--set align.detector=dlib",
        '[align]  detector = "dlib"',
    ):
        assert words in text
    data = json.loads(faceprep("config", "explain", "align.detector", "--json").stdout)
    found = data["align.detector"]
    assert (found["value"], found["default"]) == ("dlib", "mtcnn")
    assert "--dataset oulu-casia" in faceprep("config", "explain", "select.dataset").stdout


def test_a_section_is_explained_and_a_wrong_key_names_the_nearest() -> None:
    text = faceprep("config", "explain", "heatmaps").stdout
    assert "heatmaps.sigma" in text
    assert "heatmaps.channels" in text
    wrong = faceprep("config", "explain", "heatmaps.sgima", code=2)
    assert "faceprep config explain heatmaps.sigma" in wrong.stderr


def test_keys_and_their_choices_are_completed() -> None:
    assert complete_key("heat") == ["heatmaps", "heatmaps.channels", "heatmaps.sigma"]
    assert complete_assignment("align.det") == ["align.detector="]
    assert complete_assignment("align.detector=d") == ["align.detector=dlib"]
    assert complete_assignment("nothing=") == []


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("faceprep al", "align"),
        ("faceprep align --over", "--overwrite"),
        ("faceprep align --set heatmaps.s", "heatmaps.sigma="),
        ("faceprep evaluate ", "edits"),
        ("faceprep align --dataset ck", "ck-plus"),
        ("faceprep augment --mode ", "mix"),
        ("faceprep edit --to hap", "happiness"),
    ],
)
def test_a_shell_completes(typed: str, found: str) -> None:
    words = {
        "_FACEPREP_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    code = "import sys; sys.argv = ['faceprep']; from faceprep.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **words},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found in done.stdout.split(), done.stderr
