"""A dataset is complete, or the same command completes it, or an error explains why not."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faceprep.core.errors import UsageError
from faceprep.demo import DemoSettings, render_demo
from faceprep.demo.layouts import base

SETTINGS = DemoSettings(subjects=3, frames=1, size=160, seed=4)


def contents(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store") / "demo"
    render_demo(root, SETTINGS)
    return root


def test_two_workers_write_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    render_demo(tmp_path / "two", SETTINGS, workers=2)
    assert contents(tmp_path / "two") == contents(finished)


def test_the_first_people_of_a_larger_dataset_are_those_of_a_smaller(
    finished: Path, tmp_path: Path
) -> None:
    render_demo(tmp_path / "one", DemoSettings(subjects=1, frames=1, size=160, seed=4))
    small, large = contents(tmp_path / "one"), contents(finished)
    images = [path for path in small if path.endswith(".jpeg")]
    assert len(images) == 6
    assert all(small[path] == large[path] for path in images)


def test_a_complete_dataset_is_left_alone(finished: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    render_demo(finished, SETTINGS)
    assert before == {p: p.stat().st_mtime_ns for p in finished.rglob("*")}


def test_a_killed_command_is_finished_by_the_same_command(finished: Path, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    code = (
        "from pathlib import Path; from faceprep.demo import *;"
        f"render_demo(Path({str(root)!r}), DemoSettings(subjects=3, frames=1, size=160, seed=4))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    first = root / "faceprep_demo" / "parts" / "00000.json"
    deadline = time.monotonic() + 60
    while child.poll() is None and not first.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (root / "faceprep_demo" / "demo.json").exists()
    render_demo(root, SETTINGS)
    assert contents(root) == contents(finished)


def test_a_process_that_is_not_the_first_to_finish_changes_nothing(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process finishes the dataset while an image is being written."""
    root, write, others = tmp_path / "both", base.write_file, iter([True])
    times: dict[Path, int] = {}

    def write_late(place: Path, path: str, data: bytes) -> None:
        if next(others, False):
            render_demo(root, SETTINGS)
            times.update({p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()})
        write(place, path, data)

    monkeypatch.setattr(base, "write_file", write_late)
    render_demo(root, SETTINGS)
    assert contents(root) == contents(finished)
    assert times == {p: p.stat().st_mtime_ns for p in times}
    assert {p.name for p in (root / "faceprep_demo").iterdir()} == {"demo.json", "truth.parquet"}


def test_other_settings_are_refused_with_the_difference(finished: Path) -> None:
    with pytest.raises(UsageError, match="frames is 1 there, 2 asked for"):
        render_demo(finished, DemoSettings(subjects=3, frames=2, size=160, seed=4))


def test_a_folder_of_something_else_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(UsageError, match=r"thesis\.txt") as error:
        render_demo(tmp_path, SETTINGS)
    assert error.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        render_demo(tmp_path / "demo", SETTINGS)


@pytest.mark.parametrize(
    ("field", "value"),
    [("subjects", 0), ("subjects", 81), ("size", 20), ("difficulty", 2.0), ("layout", "lfw")],
)
def test_settings_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=field if field != "layout" else "lfw"):
        DemoSettings(**{field: value})  # type: ignore[arg-type]
