"""Output that the terminal cannot show, closed outputs, outputs that cannot be written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.remedies.words import commands
from faceprep.cli.streams import _spelled

WRONG = ("config", "show", "--set", "align.detectr=mtcnn")


def shell(folder: Path, command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command of the shell, in which FACEPREP stands for the program."""
    text = command.replace("FACEPREP", f"{sys.executable} -m faceprep")
    return subprocess.run(
        ["bash", "-c", text],
        cwd=folder, env={**os.environ, **variables}, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sign", "text"),
    [("→", "->"), ("×", "x"), ("±", "+-"), ("é", "e"), ("顔", "?"), ("\udcff", "\\udcff")],
)
def test_signs_have_a_spelling(sign: str, text: str) -> None:
    assert _spelled(sign) == text


@pytest.mark.parametrize("verb", ["", *commands()])
def test_help_is_neither_cut_nor_too_wide_for_80_columns(verb: str) -> None:
    done = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert "…" not in done.stdout
    assert "..." not in done.stdout.replace(",...", "").replace("]...", "").replace("ARGS...", "")
    spelled = ("".join(c if ord(c) < 128 else _spelled(c) for c in x) for x in _lines(done.stdout))
    assert max(map(len, spelled)) <= 80


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_ascii_tables_and_hints_are_readable(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = shell(tmp_path, "FACEPREP config show", **ascii_only)
    assert done.returncode == 0
    assert b"| align.detector" in done.stdout
    done = shell(tmp_path, f"FACEPREP {' '.join(WRONG)}", **ascii_only)
    assert done.returncode == 2
    assert b"\n  -> faceprep config show --set align.detector=mtcnn" in done.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("FACEPREP config show >&-", 0),
        ("FACEPREP config show 2>&-", 0),
        ("FACEPREP config show <&- >&- 2>&-", 0),
        ("FACEPREP config show --json 2>/dev/full", 0),
        (f"FACEPREP {' '.join(WRONG)} 2>&-", 2),
        (f"FACEPREP {' '.join(WRONG)} 2>/dev/full", 2),
        ("FACEPREP config show >/dev/full", 1),
        ("FACEPREP --version >/dev/full", 1),
        ("FACEPREP config show | head -1; exit ${PIPESTATUS[0]}", 0),
    ],
)
def test_outputs_that_cannot_be_written_leave_the_exit_code(
    tmp_path: Path, command: str, code: int
) -> None:
    done = shell(tmp_path, command)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"ignored" not in done.stderr
    if command.endswith(">/dev/full") and code == 1:
        assert done.stderr == b"error: cannot print the result: No space left on device\n"


def test_a_closed_output_gives_its_number_to_no_file(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from faceprep.cli.streams import open_streams\n"
        "open_streams()\n"
        "with open('data.json', 'w') as file:\n"
        "    file.write('{}')\n"
        "    os.system('echo a message; echo another >&2')\n"
        "    print('a third', flush=True)\n"
    )
    (tmp_path / "write.py").write_text(code)
    done = shell(tmp_path, f"{sys.executable} write.py >&- 2>&-")
    assert done.returncode == 0
    assert json.loads((tmp_path / "data.json").read_text()) == {}
