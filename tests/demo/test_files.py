from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faceprep.demo.files import find_truth, read_truth
from faceprep.demo.layouts.ck_plus import facs_grade


def test_the_truth_is_found_from_the_dataset_and_from_its_images(tmp_path: Path) -> None:
    images = tmp_path / "demo" / "OriginalImg" / "VL"
    images.mkdir(parents=True)
    assert find_truth(tmp_path / "demo") is None
    (tmp_path / "demo" / "faceprep_demo").mkdir()
    table = pa.table({"path": ["a.jpeg"], "AU12_r": [2.5]})
    pq.write_table(table, tmp_path / "demo" / "faceprep_demo" / "truth.parquet")
    for root in (tmp_path / "demo", images.parent, images):
        assert find_truth(root) == tmp_path / "demo"
    assert find_truth(tmp_path) is None
    assert read_truth(tmp_path / "demo").equals(table)


@pytest.mark.parametrize(
    ("au", "intensity", "grade"),
    [
        ("AU12", 0.0, None),
        ("AU12", 0.49, None),
        ("AU12", 0.5, 1),
        ("AU12", 3.6, 4),
        ("AU12", 5.0, 5),
        ("AU25", 1.9, 0),
        ("AU25", 2.0, 2),
        ("AU05", 0.4, None),
    ],
)
def test_a_coder_grades_to_the_nearest_letter(au: str, intensity: float, grade: int | None) -> None:
    assert facs_grade(au, intensity) == grade
