"""``faceprep check`` as a user meets it."""

import json
from pathlib import Path

from builders.accuracy_table import TABLE, planted_table, table_workspace
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.evaluation.check.baseline import read_baseline
from faceprep.evaluation.check.workspace import update_baseline

RUNNER = CliRunner()


def faceprep(*words: object, code: int):
    result = RUNNER.invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output + result.stderr
    return result


def test_an_update_replaces_a_baseline_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = table_workspace(Path("ws"), TABLE)
    words = ("check", "--workspace", root, "--baseline")
    update = ("--update", "--reason", "x")
    whole = json.dumps({"version": 1, "entries": []})
    spoilt = {"cut off": whole[:-1], "merged": f"<<<<<<< HEAD\n{whole}", "other.json": "{}"}
    for name, text in {**spoilt, "notes.toml": "a = 1\n", "empty": ""}.items():
        Path(name).write_text(text)
        error = faceprep(*words, name, *update, code=1).stderr
        assert f"not written over: the baseline {name} " in error
        assert "→ name another file, or remove it if it is a damaged baseline" in error
        assert Path(name).read_text() == text
        assert "name another file" in faceprep(*words, name, code=1).stderr
    table = (root / "classify" / "accuracy.parquet").read_bytes()
    faceprep(*words, "ws/classify/accuracy.parquet", *update, code=1)
    assert (root / "classify" / "accuracy.parquet").read_bytes() == table
    for name in (".", "ws/classify"):
        for more in ((), update):
            error = faceprep(*words, name, *more, code=2).stderr
            assert "is a directory" in error
            assert "checkout" not in error
    for text in (whole, json.dumps({"version": 2, "entries": None})):  # by hand, of another version
        Path("demo.json").write_text(text)
        faceprep(*words, "demo.json", *update, code=0)
        faceprep(*words, "demo.json", code=0)


def test_the_command_passes_fails_and_updates(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    root, path = table_workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    words = ("check", "--baseline", path, "--workspace", root)
    missing = faceprep(*words, code=2)
    assert "no baseline" in missing.stderr
    update_command = f"faceprep check --workspace {root} --baseline {path} --update"
    update_command += " --reason 'this change is meant'   # if it is meant\n"
    assert missing.stderr.endswith(update_command)
    needs = faceprep(*words, "--update", code=2).stderr
    assert "needs a reason" in needs
    assert needs.endswith(update_command)
    assert not path.exists()
    alone = faceprep(*words, "--reason", "x", code=2).stderr
    assert "goes with --update" in alone
    assert alone.endswith(f"--workspace {root} --reason x --update\n")
    faceprep(*words, "--update", "--reason", "the  first", code=0)
    assert read_baseline(path).reason == "the first"
    passed = faceprep(*words, code=0).output
    assert "rose" not in passed
    assert "passed: 4 numbers compared with" in passed
    table_workspace(root, planted_table({0: 0.70, 3000: 0.60}))
    fell = faceprep(*words, code=4)
    assert fell.output.count("FELL") == 2
    assert "passed" not in fell.output
    assert "−0.200" in fell.output
    assert "2 of 4 numbers fell below the baseline" in fell.stderr
    assert fell.stderr.endswith(update_command)
    data = json.loads(faceprep(*words, "--json", code=4).stdout)
    assert [row["regressed"] for row in data["rows"]] == [False, False, True, True]
    before = path.read_text()
    (root / "classify" / "accuracy.parquet").write_bytes(b"PAR1 cut off")
    assert "cannot be read" in faceprep(*words, "--update", "--reason", "x", code=1).stderr
    assert path.read_text() == before
    (root / "classify" / "accuracy.parquet").unlink()
    (root / "select").mkdir()
    (root / "select" / "stage.json").write_text("{}")
    nothing = faceprep(*words, code=2).stderr
    assert "no accuracy table" in nothing
    table = f"faceprep classify --only --workspace {root} --sweep 0,3000 --seeds 5"
    assert nothing.endswith(f"{table} --set classify.updates=600\n")


def test_a_missing_workspace_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for more in ((), ("--update", "--reason", "x")):
        words = ("check", "--baseline", "demo.json", "--workspace", "nope", *more)
        assert "there is no workspace nope" in faceprep(*words, code=2).stderr
    assert not Path("demo.json").exists()


def test_rows_that_the_baseline_lacks_are_named_and_measures_fit_80_columns(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    root, path = table_workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    update_baseline(root, path, "the first")
    table_workspace(root, planted_table({0: 0.70, 3000: 0.80, 6000: 0.9}))
    words = ("check", "--baseline", path, "--workspace", root)
    text = faceprep(*words, code=0).stdout
    assert "not in the baseline, so not compared: exprgan, flips, 6000 synthetic" in text
    assert " balanced " in text
    assert "…" not in text
    data = json.loads(faceprep(*words, "--json", code=0).stdout)
    assert data["more"] == ["exprgan, flips, 6000 synthetic"]
