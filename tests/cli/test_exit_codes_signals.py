"""End every verb and its workers on a signal, with one line and its own exit code."""

import signal
from pathlib import Path

import pytest
from builders.augment import generator_workspace
from builders.stopped import stop
from builders.training import toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def check(code: int, said: str, number: signal.Signals) -> None:
    words = "interrupted" if number == INT else f"stopped by {number.name}"
    assert code == 128 + number, said
    assert f"\n{words}\n  → faceprep " in f"\n{said}"
    assert "# resumes where it stopped" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("signals") / "data"
    drawn = ["demo", str(root), "--subjects", "1", "--frames", "4", "-q"]
    assert CliRunner().invoke(app, drawn).exit_code == 0
    return root


@pytest.mark.parametrize(("number", "group"), [(INT, True), (TERM, False), (HUP, True)])
def test_run(photographs: Path, tmp_path: Path, number: signal.Signals, group: bool) -> None:
    words = ["run", "--dataset", "oulu-casia", "--root", photographs, "--workspace", tmp_path]
    words += ["--set", "shard_size=4", "-j", 2]
    code, said = stop(words, lambda: any(tmp_path.glob("align/*.tmp")), number, group)
    check(code, said, number)
    assert not list(tmp_path.glob("heatmaps/part-*"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_augment(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    words = ["augment", "--n", 100_000, "--workspace", root, "-j", 2, "--device", "cpu"]
    begun = (root / "augment" / "exprgan").glob
    check(*stop(words, lambda: any(begun("*.tmp")), TERM, False), TERM)


def test_classify(tmp_path: Path) -> None:
    toy_workspace(tmp_path / "ws", people=8)
    words = ["classify", "--only", "--workspace", tmp_path / "ws", "-j", 2, "--device", "cpu"]
    words += ["--seeds", 8, "--set", "classify.size=32", "--set", "classify.updates=300"]
    cells = tmp_path / "ws" / "classify" / "cells"
    check(*stop(words, lambda: any(cells.glob("*.parquet")), TERM, False), TERM)
    assert not (tmp_path / "ws" / "classify" / "accuracy.parquet").exists()
