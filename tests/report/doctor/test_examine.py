import io
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.report.doctor import check as check_module
from faceprep.report.doctor import faces
from faceprep.report.doctor.check import ALL_THERE, SOMETHING_MISSING, Check, exit_code
from faceprep.report.doctor.examine import doctor_tables, examine


class Without:
    """An import finder that sees everything another one does, save some packages."""

    def __init__(self, finder: Any, names: Sequence[str]) -> None:
        self.finder = finder
        self.names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name in self.names or not hasattr(self.finder, "find_spec"):
            return None
        found: ModuleSpec | None = self.finder.find_spec(name, path, target)
        return found


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Without(finder, names) for finder in sys.meta_path])


def states(checks: Sequence[Check]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


def test_everything_needed_is_there_where_the_tests_run(tmp_path: Path) -> None:
    started = time.process_time()
    checks = examine(tmp_path)
    assert time.process_time() - started < 3
    assert exit_code(checks) == ALL_THERE
    wanted = {"detector mtcnn", "detector dlib", "68 landmarks", "engine local"}
    assert wanted <= set(states(checks))
    assert not [check for check in checks if check.needed and check.state == "missing"]


@pytest.mark.parametrize(
    ("package", "check", "command"),
    [
        ("mtcnn", "detector mtcnn", "pip install mtcnn"),
        ("face_recognition_models", "68 landmarks", "pip install face_recognition_models"),
        ("dlib", "detector dlib, and the 68 landmarks", "pip install dlib-bin"),
        ("lz4", "lz4", "pip install lz4"),
        ("loky", "engine local", "pip install loky"),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str, check: str, command: str
) -> None:
    without(monkeypatch, package)
    checks = examine(tmp_path)
    assert states(checks)[check] == "missing"
    assert spell(next(c for c in checks if c.name == check).hint) == command
    assert exit_code(checks) == SOMETHING_MISSING == 5


def test_what_is_optional_does_not_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = faces.dlib_model

    def without_cnn(name: str) -> Path:
        if name.startswith("mmod"):
            raise MissingToolError("no such file", "pip install it")
        return find(name)

    monkeypatch.setattr(faces, "dlib_model", without_cnn)
    without(monkeypatch, "av")
    checks = examine(tmp_path)
    assert states(checks)["detector dlib, cnn"] == states(checks)["video"] == "missing"
    assert exit_code(checks) == ALL_THERE


def test_every_au_backend_is_listed_with_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    checks = {check.name: check for check in examine(tmp_path, Config(name="t"))}
    assert checks["AUs, landmarks"].state == "ok"
    assert checks["AUs, auto"].detail == "landmarks"
    for name, reason in (("openface", "FaceLandmarkImg"), ("openface-csv", "aus.openface_csv")):
        check = checks[f"AUs, {name}"]
        assert (check.state, check.needed) == ("missing", False)
        assert reason in check.detail
        assert check.hint is not None
        assert "aus.openface" in spell(check.hint)
    assert exit_code(list(checks.values())) == ALL_THERE


def test_a_build_of_openface_is_found_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for tool in ("FaceLandmarkImg", "FeatureExtraction"):
        (tmp_path / tool).touch(mode=0o755)
    monkeypatch.setenv("FACEPREP_OPENFACE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = {check.name: check for check in examine(tmp_path)}
    assert found["AUs, openface"].state == "ok"
    assert found["AUs, auto"].detail == "openface"


def test_the_backend_that_was_asked_for_is_needed(tmp_path: Path) -> None:
    config = Config(name="t", aus={"backend": "openface-csv"})
    checks = examine(tmp_path, config)
    assert states(checks)["AUs, openface-csv"] == "missing"
    assert exit_code(checks) == SOMETHING_MISSING


def test_a_check_that_breaks_is_a_line_not_a_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(name: str) -> ModuleSpec:
        raise RuntimeError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(check_module, "find_spec", broken)
    checks = examine(tmp_path)
    assert "libGL" in " ".join(check.detail for check in checks)
    assert exit_code(checks) == SOMETHING_MISSING


def test_a_place_that_takes_no_files_is_missing(tmp_path: Path) -> None:
    place = Path("/proc/faceprep")
    if not Path("/proc").is_dir():
        pytest.skip("no /proc to fail on")
    checks = examine(place)
    assert states(checks)["workspace"] == "missing"
    assert exit_code(checks) == SOMETHING_MISSING
    assert states(examine(tmp_path / "not" / "made" / "yet"))["workspace"] in ("ok", "warning")
    assert not (tmp_path / "not").exists()


def test_tables_and_json_say_the_same(tmp_path: Path) -> None:
    checks = examine(tmp_path)
    renderables, data = doctor_tables(checks, spell)
    console = Console(width=200, file=io.StringIO(), record=True)
    for renderable in renderables:
        console.print(renderable)
    text = console.export_text()
    data = json.loads(json.dumps(data))
    assert data["exit_code"] == 0
    assert all(check["name"] in text for check in data["checks"])
    assert "everything needed is there" in text


def test_torch_built_for_the_cpu_is_not_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from faceprep.report.doctor.examine import "
        "examine; from faceprep.report.doctor.machine import built_for_gpu;"
        "examine(Path(sys.argv[1]));"
        "sys.exit(not built_for_gpu() and 'torch' in sys.modules or 'dlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 0
