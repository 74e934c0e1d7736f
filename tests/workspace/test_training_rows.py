"""The faces that a training may see."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from builders.training import LABELS, toy_workspace

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.stages.train.faces import read_crops
from faceprep.workspace.training_rows import training_rows

NETWORKS = {"width": 4, "d_width": 4, "path_width": 4, "d_features": 16}
QUIET = Progress(quiet=True)


def test_test_subjects_are_not_among_the_training_rows(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=6, S3="val")
    rows = training_rows(tmp_path)
    assert set(rows["subject"]) == {"S0", "S1", "S2"}
    assert set(training_rows(tmp_path, "val")["subject"]) == {"S3"}
    crops = read_crops(rows, LABELS, 32)
    assert set(crops.subjects) == {"folder/S0", "folder/S1", "folder/S2"}
    assert crops.counts() == dict.fromkeys(LABELS, 3)
    with pytest.raises(UsageError, match="does not look at 'test'"):
        training_rows(tmp_path, "test")


def test_a_subject_in_train_and_test_is_refused(tmp_path: Path) -> None:
    workspace = toy_workspace(tmp_path)
    path = workspace.part("select", 0)
    table = pq.read_table(path)
    split = ["test", *table["split"].to_pylist()[1:]]  # one frame of S0
    place = table.column_names.index("split")
    pq.write_table(table.set_column(place, table.schema.field("split"), [split]), path)
    with pytest.raises(FaceprepError, match="S0 is in train and in test"):
        training_rows(tmp_path)
