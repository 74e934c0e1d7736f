"""Let equal commands work in one workspace at once, and refuse different ones."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceprep.core.errors import TYPED, UsageError
from faceprep.workspace.at_work import at_work

OTHER = """
import sys
from pathlib import Path
from faceprep.core.errors import TYPED
from faceprep.workspace.at_work import at_work
TYPED.set(("align", "--set", "align.size=64"))
makes, settings = {"align": "a", "select": "s"}, {"align.size": 64, "align.turns": 1}
with at_work(Path(sys.argv[1]), makes, settings):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process at work on align in the folder."""
    words = [sys.executable, "-c", OTHER, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        if process.poll() is None:
            process.communicate("")


def files(root: Path) -> list[Path]:
    return sorted((root / ".working").glob("*.json"))


def test_other_work_is_refused_and_its_author_named(
    other: subprocess.Popen[str], tmp_path: Path
) -> None:
    with (
        pytest.raises(UsageError, match=f"makes align in .* process {other.pid} on ") as caught,
        at_work(tmp_path, {"align": "b", "aus": "x"}, {"align.size": 32, "align.turns": 1}),
    ):
        raise AssertionError
    assert "its command: align --set align.size=64" in caught.value.message
    assert caught.value.message.endswith("align.size: 64 there, 32 here")
    assert len(files(tmp_path)) == 1


def test_equal_and_unrelated_work_goes_on_beside_it(
    other: subprocess.Popen[str], tmp_path: Path
) -> None:
    with at_work(tmp_path, {"align": "a"}, {}), at_work(tmp_path, {"train/exprgan": "b"}, {}):
        assert len(files(tmp_path)) == 3
    other.communicate("")
    assert not files(tmp_path)


def test_a_killed_process_is_not_in_the_way(other: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert len(files(tmp_path)) == 1
    with at_work(tmp_path, {"align": "b"}, {}):
        assert [json.loads(path.read_text())["makes"] for path in files(tmp_path)] == [
            {"align": "b"}
        ]
    assert not files(tmp_path)


def test_the_words_that_were_typed_are_recorded(tmp_path: Path) -> None:
    token = TYPED.set(("train", "--quiet"))
    try:
        with at_work(tmp_path, {"train/exprgan": "1"}, {}):
            assert json.loads(files(tmp_path)[0].read_text())["typed"] == ["train", "--quiet"]
    finally:
        TYPED.reset(token)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_the_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    done = []
    with at_work(tmp_path, {"align": "a"}, {}), at_work(tmp_path, {"align": "b"}, {}):
        done.append(True)
    assert done


def test_a_file_in_place_of_the_workspace_is_left_to_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with at_work(tmp_path / "file" / "ws", {"align": "a"}, {}):
        pass
