"""Names and output in locales other than UTF-8, and names that are not UTF-8."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ASCII = {
    "LC_ALL": "C",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for name in ("happiness/é.jpg", "anger/顔.jpg"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(b"x")
    return root


def run(folder: Path, *words: object, variables: dict[str, str] | None = None):
    command = [sys.executable, "-m", "faceprep", *map(os.fspath, words)]
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


def test_json_is_escaped_where_the_terminal_is_not_utf8(root: Path, tmp_path: Path) -> None:
    (root / "anger" / "notes.αβγ").write_text("x")
    words = ("select", "--dataset", "folder", "--root", root, "--workspace", "ws", "--json")
    for variables in (ASCII, {"PYTHONIOENCODING": "latin-1"}, {}):
        done = run(tmp_path, *words, variables=variables)
        assert done.returncode == 0, done.stderr
        (left,) = json.loads(done.stdout)["select"]["summary"]["left_out"]
        assert left["examples"] == ["anger/notes.αβγ"]
        assert done.stdout.isascii() == bool(variables)


def test_tables_replace_what_cannot_be_shown(root: Path, tmp_path: Path) -> None:
    (root / "anger" / "notes.αβγ").write_text("x")
    words = ("select", "--dataset", "folder", "--root", root, "--workspace", "ws")
    done = run(tmp_path, *words, variables=ASCII)
    assert done.returncode == 0, done.stderr
    assert b"notes.???" in done.stdout
    assert b"selected 2 frames" in done.stdout


def test_names_that_are_not_utf8_are_counted_with_the_tool_that_mends_them(
    root: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    for k in range(3):
        (bad / os.fsdecode(b"Jos\xe9%d.jpg" % k)).touch()
    words = ("select", "--dataset", "folder", "--root", bad, "--workspace", "ws")
    done = run(tmp_path, *words)
    assert done.returncode == 2
    message = done.stderr.decode()
    assert "3 × file whose name is not UTF-8" in message
    assert f"convmv -r -f cp1252 -t utf8 {bad}" in message
    (bad / "good.jpg").touch()
    done = run(tmp_path, *words, "--json")
    (left,) = json.loads(done.stdout)["select"]["summary"]["left_out"]
    assert left["count"] == 3
    assert left["commands"][0].startswith(f"convmv -r -f cp1252 -t utf8 {bad}")


def test_folders_and_variables_that_are_not_utf8(root: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"od\xff")
    root.rename(tmp_path / odd)
    words = ("select", "--dataset", "folder", "--workspace", "ws", "--json")
    done = run(tmp_path, *words, variables={"FACEPREP_SELECT_ROOT": odd})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["select"]["rows"] == 2
    done = run(tmp_path, "select", "--root", odd, "--dataset", "folder", "--workspace", odd)
    assert done.returncode == 2
    assert b"workspace od\\xff: its name is not UTF-8" in done.stderr
    done = run(tmp_path, "config", "show", "--set", f"select.root={odd}", "--json")
    assert json.loads(done.stdout)["select.root"]["value"] == odd
