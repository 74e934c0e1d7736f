"""What is printed to be typed next can be typed: paths with spaces in them are quoted."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.remedies import spell
from faceprep.core.errors import Again, UsageError
from faceprep.report.show import page
from faceprep.workspace.discover import file_for_use
from faceprep.workspace.synthetic import load_synthetic


def hint_of(stderr: str) -> list[str]:
    (line,) = [line for line in stderr.splitlines() if "→" in line]
    return shlex.split(line.partition("→")[2])


def test_after_a_stage_and_a_look(aligned_workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    root = aligned_workspace(faces=10, shard_size=10, name="my faces").root
    words = ["heatmaps", "--only", "--workspace", str(root), "-j", "1"]
    done = CliRunner().invoke(app, words)
    assert hint_of(done.stderr) == ["faceprep", "show", str(root), "--sheet", "sheet.png"]
    monkeypatch.setattr(page, "show", lambda path, spell: ([], {**looked, "workspace": str(root)}))
    looked = {"kind": "workspace", "next": None}
    done = CliRunner().invoke(app, ["show", str(root)])
    assert hint_of(done.stderr) == ["faceprep", "show", str(root), "--sheet", "sheet.png"]


def test_in_errors(tmp_path: Path) -> None:
    root = tmp_path / "my faces"
    with pytest.raises(UsageError) as none:
        load_synthetic(root, "exprgan")
    assert shlex.split(spell(none.value.hint))[:4] == [
        "faceprep",
        "augment",
        "--workspace",
        str(root),
    ]
    other = root / "generator.safetensors"
    root.mkdir()
    other.touch()
    with pytest.raises(UsageError) as lost:
        file_for_use(root / "generatr.safetensors", None)
    assert lost.value.hint == Again({"generator": other})
