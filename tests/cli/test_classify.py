"""``faceprep classify`` as a user, and a scheduler, meets it."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from builders.classify import people, synthetic_faces, write_generator
from builders.training import toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app

RUNNER = CliRunner()

#: What a machine with a GPU and nothing else of ours does not have.
_BARE = """
import sys
for name in ("dlib", "PIL", "lz4", "mtcnn", "psutil"):
    sys.modules[name] = None
from faceprep.cli import main
main()
"""


def words(workspace: Path, *more: str) -> list[str]:
    sets = {"size": 32, "updates": 8, "batch": 8, "look_every": 4, "near_duplicates": 0}
    assigned = [
        word for key, value in sets.items() for word in ("--set", f"classify.{key}={value}")
    ]
    return ["classify", "--only", "--workspace", str(workspace), "-j", "1", *assigned, *more]


def faceprep(*arguments: str, code: int = 0):
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faceprep.report.accuracy.files.plot_accuracy", lambda *_: "none")


def prepared(root: Path) -> Path:
    workspace = toy_workspace(root, people=8)
    checkpoint = write_generator(workspace, subjects=people(0, 1, 2, 3, 4, 5))
    synthetic_faces(workspace, checkpoint)
    return root


def test_killed_with_two_workers_on_a_bare_machine_one_worker_ends_it_to_the_same_bytes(
    tmp_path: Path,
) -> None:
    whole, killed = prepared(tmp_path / "whole"), prepared(tmp_path / "killed")
    more = ("--sweep", "0,4", "--arms", "flips,classic@0", "--seeds", "2", "--quiet")
    faceprep(*words(whole, *more))
    command = [sys.executable, "-c", _BARE, *words(killed, *more, "-j", "2")]
    cells, log = killed / "classify" / "cells", tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream)
    while not any(cells.glob("*.parquet")) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.2))
    process.kill()
    assert process.wait() in (-signal.SIGKILL, 0), log.read_text()
    before = len(list(cells.glob("*.parquet")))
    assert before >= 1
    data = json.loads(faceprep(*words(killed, *more, "--json")).stdout)
    assert [row["synthetic"] for row in data["rows"]] == [0, 4, 0]
    for name in ("accuracy", "predictions", "confusion"):
        files = [folder / "classify" / f"{name}.parquet" for folder in (whole, killed)]
        tables = [pd.read_parquet(file) for file in files]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert not list(killed.rglob("*.tmp"))


def test_the_table_names_its_rows_and_the_files(tmp_path: Path) -> None:
    text = faceprep(*words(prepared(tmp_path / "ws"), "--seeds", "2", "--sweep", "4")).output
    for word in (
        "8 test faces of 2 subjects",
        "Gain over the row without synthetic faces",
        "classified as",
        "accuracy.tex",
        "best row with",
    ):
        assert word in " ".join(text.split()), word


def test_a_dry_run_says_what_it_would_train_and_writes_nothing(tmp_path: Path) -> None:
    root = prepared(tmp_path / "ws")
    data = json.loads(faceprep(*words(root, "--dry-run", "--json", "--seeds", "4")).stdout)
    assert data["rows"] == [{"arm": "flips", "synthetic": 0, "trainings": 4, "done": 0}]
    assert not (root / "classify").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--sweep", "0,3k"), "--sweep 0,3k: expected numbers"),
        (("--arms", "flip"), "no arm 'flip'"),
        (("--arms", "flips,flips"), "named twice"),
        (("--sweep", "-5"), "cannot be -5"),
        (("--times", "1", "--sweep", "3"), "both set"),
        (("--folds", "7"), "the selection has 3 folds"),
        (("--sweep", "5000"), "12 synthetic faces, not 5000"),
        (("--generator", "defgan", "--sweep", "4"), "defgan"),
        (("--set", "classify.arm=x"), "did you mean classify.arms?"),
        (("--set", "classify.classes=['anger','fear']"), "no training face shows 'fear'"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_type(
    tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    result = faceprep(*words(prepared(tmp_path / "ws"), *more), code=2)
    assert said in result.stderr
    assert "→" in result.stderr


def test_a_leak_is_exit_code_one(tmp_path: Path) -> None:
    workspace = toy_workspace(tmp_path / "ws", people=8)
    synthetic_faces(workspace, write_generator(workspace, subjects=people(0, 7)))
    result = faceprep(*words(tmp_path / "ws", "--sweep", "4"), code=1)
    assert "the generator saw test subject folder/S7" in result.stderr


def test_without_people_to_test_on_the_way_out_is_said(tmp_path: Path) -> None:
    toy_workspace(tmp_path / "ws", people=3, S1="train", S2="train")
    result = faceprep(*words(tmp_path / "ws"), code=2)
    assert "no face of the selection is in the split test" in result.stderr


def test_a_flag_takes_the_place_of_what_a_pipeline_says_otherwise(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "ws")
    file = tmp_path / "times.toml"
    file.write_text("[classify]\ntimes = [0, 0.5]\n")
    dry = words(workspace, "-c", str(file), "--json", "--dry-run")
    for more, counts in (
        ([], [0, 12]),
        (["--sweep", "0,4"], [0, 4]),
        (["--times", "0,.25"], [0, 6]),
    ):
        rows = json.loads(faceprep(*dry, *more).stdout)["rows"]
        assert [row["synthetic"] for row in rows] == counts
    said = faceprep(*dry, "--sweep", "0,4", "--arms", "classic@0").stderr
    assert "no row has synthetic faces, because --arms is classic@0" in said
