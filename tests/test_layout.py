"""The layout of the package and of its tests, as CONTRIBUTING.md describes it."""

import ast
import statistics
from pathlib import Path

import faceprep

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "faceprep"
TESTS = ROOT / "tests"

#: Tests of the project as a whole, which mirror no module.
WHOLE_PROJECT = {"test_docs", "test_kept", "test_language", "test_layout"}

#: Tests on a real Slurm cluster, and of the hints of all verbs.
CLUSTER, HINTS = TESTS / "cluster", TESTS / "hints"


def _mirrored(test: Path) -> bool:
    """Whether ``tests/a/test_b_aspect.py`` has a module or package ``faceprep/a/b``."""
    folder = PACKAGE / test.parent.relative_to(TESTS)
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:end]) for end in range(len(words), 0, -1)]
    return any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for name in names)


def test_every_test_file_mirrors_a_module() -> None:
    whole = {CLUSTER, HINTS}
    tests = [path for path in TESTS.rglob("test_*.py") if not whole & {*path.parents}]
    lost = [path for path in tests if path.stem not in WHOLE_PROJECT and not _mirrored(path)]
    assert [str(path.relative_to(ROOT)) for path in lost] == []


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {str(path): n for path, n in lengths.items() if n > 400} == {}
    assert statistics.median(lengths.values()) <= 150


def test_every_folder_is_a_package_with_one_line_on_what_it_does() -> None:
    for folder in {path.parent for path in PACKAGE.rglob("*.py")}:
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert docstring, folder


def test_exported_names() -> None:
    public = {name for name in vars(faceprep) if not name.startswith("_")}
    subpackages = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert public - subpackages == set()
    assert faceprep.__version__
