from pathlib import Path

import pytest

from faceprep.config import Config
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.stages.select.result import SelectResult
from faceprep.stages.select.run import run_select
from faceprep.workspace import Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Photographs with copies: in one part, across the split, and under another expression."""
    contents = {
        "train/happy/a.jpg": "1",
        "train/happy/a copy.jpg": "1",
        "train/sad/b.jpg": "22",
        "test/sad/b.jpg": "22",
        "train/anger/c.jpg": "33",
        "train/fear/c.jpg": "33",
        "train/fear/d.jpg": "44",
        "test/fear/e.jpg": "55",
        "test/happy/empty.jpg": "",
        "test/sad/empty.jpg": "",
    }
    for name, content in contents.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "data"


def select(root: Path, duplicates: str, dry_run: bool = False, **settings: object) -> SelectResult:
    section = {"dataset": "folder", "root": root, "duplicates": duplicates, **settings}
    workspace = root.parent / "out"
    config = Config.model_validate({"workspace": workspace, "shard_size": 3, "select": section})
    return run_select(config, Options(dry_run=dry_run), Progress(quiet=True))


def paths(root: Path) -> set[str]:
    tables = Workspace(root.parent / "out").tables("select")
    return {path for table in tables for path in table.column("path").to_pylist()}


@pytest.mark.parametrize("runs", [1, 2])
def test_copies_are_kept_counted_and_said(root, runs):
    for _ in range(runs):
        result = select(root, "keep")
    summary = Workspace(root.parent / "out").info("select")["summary"]
    assert summary["duplicates"] == {
        "images": 6,
        "pictures": 3,
        "across_splits": 1,
        "several_expressions": 1,
    }
    assert len(paths(root)) == 10
    notes = " ".join(result.summary.report.notes)
    assert "6 images are copies of each other: 3 pictures" in notes
    assert "train/happy/a copy.jpg = train/happy/a.jpg" in notes
    assert "1 picture in several parts of the split" in notes
    assert "1 picture with several expressions" in notes


def test_drop_keeps_the_tested_one_and_none_with_two_expressions(root):
    result = select(root, "drop")
    assert paths(root) == {
        "train/happy/a copy.jpg",
        "test/sad/b.jpg",
        "train/fear/d.jpg",
        "test/fear/e.jpg",
        "test/happy/empty.jpg",
        "test/sad/empty.jpg",
    }
    left_out = result.summary.report.left_out
    assert left_out["copy of another image"].count == 2
    assert "train/sad/b.jpg = test/sad/b.jpg" in left_out["copy of another image"].examples
    assert left_out["image whose copy has another expression: none is taken"].count == 2
    assert result.summary.duplicates.images == 0


def test_an_error_names_the_copies_and_writes_nothing(root):
    with pytest.raises(UsageError, match="6 images are copies of each other: 3 pictures") as error:
        select(root, "error")
    assert "test/sad/b.jpg = train/sad/b.jpg" in error.value.message
    assert error.value.hint.overrides == {"select.duplicates": "drop"}
    assert not (root.parent / "out/select/stage.json").exists()
    for name in ("train/happy/a.jpg", "train/sad/b.jpg", "train/fear/c.jpg"):
        (root / name).unlink()
    assert select(root, "error").rows == 7


def test_a_dry_run_drops_too(root):
    assert select(root, "drop", dry_run=True).rows == 6


def test_rows_of_one_photograph_are_no_copies(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (root / "a.jpg").write_text("1")
    lines = ["image,expression,box", "a.jpg,happy,1 2 30 40", "a.jpg,sad,50 2 30 40"]
    (root / "labels.csv").write_text("\n".join(lines))
    for duplicates in ("keep", "drop", "error"):
        result = select(root, duplicates)
        assert (result.rows, result.summary.duplicates.images) == (2, 0)
