from pathlib import Path

import cv2
import numpy as np
import pytest
from builders.image_tables import fer2013, grey, hugging_face, png

from faceprep.config import Config
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.datasets.embedded.extract import RECORD
from faceprep.execution.plan import Options
from faceprep.stages.select.result import SelectResult
from faceprep.stages.select.run import run_select
from faceprep.workspace import Workspace
from faceprep.workspace.discover import dataset_root, dataset_source


def select(root: Path, **options: bool) -> SelectResult:
    values = {"dataset": "table", "root": root}
    config = Config.model_validate({"workspace": root.parent / "out", "select": values})
    return run_select(config, Options(**options), Progress(quiet=True))


def images(root: Path) -> dict[str, int]:
    found = sorted((root.parent / "out/dataset").rglob("*.png"))
    return {path.name: path.stat().st_mtime_ns for path in found}


def test_pixels_become_images_of_the_same_values(tmp_path):
    path = fer2013(tmp_path / "fer2013.csv", rows=7)
    result = select(path)
    assert (result.rows, result.summary.missing.count) == (7, 0)
    written = cv2.imread(str(tmp_path / "out/dataset/fer2013/000003.png"), cv2.IMREAD_UNCHANGED)
    assert (written == grey(3)).all()
    info = Workspace(tmp_path / "out").info("select")
    assert info["root"] == str(tmp_path / "out/dataset")
    assert dataset_root(Workspace(tmp_path / "out")) == tmp_path / "out/dataset"
    assert dataset_source(Workspace(tmp_path / "out")) == path


def test_embedded_files_keep_their_bytes(tmp_path):
    select(hugging_face(tmp_path / "train.parquet", range(7)))
    assert (tmp_path / "out/dataset/train/000002.png").read_bytes() == png(2)


def test_colours_of_pixels_and_a_column_for_each(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("label,pixels\nhappy," + " ".join(map(str, range(12))) + "\nsad,[1 2 3 4]\n")
    assert select(path).summary.missing.count == 0
    colours = cv2.imread(str(tmp_path / "out/dataset/t/000000.png"), cv2.IMREAD_UNCHANGED)
    assert (colours[..., ::-1] == np.arange(12).reshape(2, 2, 3)).all()


def test_broken_pixels_are_rows_without_an_image(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("label,pixels\nhappy,1 2 3 4\nsad,1 2 3 4 5\nfear,a b c d\nanger,\n")
    result = select(path)
    assert (result.rows, result.summary.missing.count) == (4, 3)


def test_images_are_written_once_and_an_interrupted_run_goes_on(tmp_path):
    path = fer2013(tmp_path / "fer2013.csv", rows=7)
    select(path)
    before = images(path)
    assert select(path).todo == []
    assert images(path) == before
    (tmp_path / "out/dataset" / RECORD / "extracted.json").unlink()
    (tmp_path / "out/dataset/fer2013/000004.png").unlink()
    select(path)
    after = images(path)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"000004.png"}


def test_another_table_is_refused_or_replaces_the_images(tmp_path):
    select(fer2013(tmp_path / "fer2013.csv", rows=7))
    other = fer2013(tmp_path / "other.csv", rows=8)
    with pytest.raises(UsageError, match="holds the images of other tables"):
        select(other)
    assert select(other, overwrite=True).rows == 8
    assert not (tmp_path / "out/dataset/fer2013").exists()


def test_a_dry_run_writes_nothing(tmp_path):
    result = select(fer2013(tmp_path / "fer2013.csv", rows=7), dry_run=True)
    assert (result.rows, result.summary.missing.count) == (7, 0)
    assert not (tmp_path / "out").exists()
