import pytest
from builders.image_tables import CLASSES, fer2013, hugging_face

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.lexicon import word_expression
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("fer2013.csv", "emotion,pixels,Usage"),
        ("icml_face_data.csv", "emotion, Usage, pixels"),
        ("mine.csv", "pixels,emotion,Usage"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_pixels_of_fer2013(tmp_path, read, name, header, whole):
    path = fer2013(tmp_path / "data" / name, header=header)
    rows, report = read("table", path.parent if whole else path)
    rows.sort()
    assert [row.expression for row in rows] == [FER2013[k % 7] for k in range(14)]
    assert [row.split for row in rows[:3]] == ["train", "val", "test"]
    assert rows[0].path == f"{path.stem}/000000.png"
    assert rows[0].face_id == f"table/{path.stem}/000000"
    assert rows[0].dataset == "table"
    assert report.people.unknown == 14
    assert any("PublicTest = val" in note for note in report.notes)


def test_numbers_of_ckextended_are_those_of_its_own_scheme(tmp_path, read):
    text = fer2013(tmp_path / "fer2013.csv", rows=7).read_text().splitlines()
    text.append(text[1].replace("0,", "7,", 1))
    path = tmp_path / "ckextended.csv"
    path.write_text("\n".join(text))
    rows, _ = read("table", path)
    assert [row.expression for row in sorted(rows)] == [*FER2013, "contempt"]


@pytest.mark.parametrize("plain", [True, False])
def test_parquet_of_hugging_face_in_parts(tmp_path, read, plain):
    root = tmp_path / "data"
    hugging_face(root / "data/train-00000-of-00002.parquet", range(7), plain)
    hugging_face(root / "data/train-00001-of-00002.parquet", range(7, 14), plain)
    hugging_face(root / "data/test-00000-of-00001.parquet", range(14, 21), plain)
    rows, _ = read("table", root)
    assert {row.split for row in rows if row.path.startswith("train")} == {"train"}
    assert [row.split for row in rows].count("test") == 7
    expected = [word_expression(word) for word in CLASSES]
    assert [row.expression for row in sorted(rows)] == expected * 3
    assert len({row.path for row in rows}) == 21


def test_names_of_embedded_files_are_kept(tmp_path, read):
    hugging_face(tmp_path / "train/0000.parquet", range(7), names=True)
    hugging_face(tmp_path / "test/0001.parquet", range(7, 9), names=True)
    rows, _ = read("table", tmp_path)
    assert {row.path for row in rows if row.split == "test"} == {"0001/7.png", "0001/8.png"}


def test_a_column_for_each_pixel(tmp_path, read):
    path = tmp_path / "t.csv"
    path.write_text("label,pixel0,pixel1,pixel2,pixel3\nhappy,1,2,3,4\nsad,5,6,7,8\n")
    rows, _ = read("table", path)
    assert [row.expression for row in sorted(rows)] == ["happiness", "sadness"]


def test_train_and_test_files_of_pixels(tmp_path, read):
    fer2013(tmp_path / "train.csv", header="emotion,pixels")
    fer2013(tmp_path / "test.csv", rows=3, header="pixels")
    rows, _ = read("table", tmp_path)
    tested = [row for row in rows if row.split == "test"]
    assert [row.expression for row in tested] == [None] * 3
    assert len(rows) == 17


def test_several_files_of_the_same_pixels_are_not_mixed(tmp_path):
    fer2013(tmp_path / "fer2013.csv")
    fer2013(tmp_path / "icml_face_data.csv")
    with pytest.raises(UsageError, match=r"fer2013.csv, icml_face_data.csv") as caught:
        open_dataset("table", tmp_path, SelectConfig(), Report())
    assert caught.value.hint.overrides == {"select.root": str(tmp_path / "fer2013.csv")}


@pytest.mark.parametrize("whole", [True, False])
def test_the_reader_of_folders_points_to_the_one_of_tables(tmp_path, whole):
    path = fer2013(tmp_path / "data/fer2013.csv")
    with pytest.raises(UsageError) as caught:
        open_dataset("folder", path.parent if whole else path, SelectConfig(), Report())
    hints = caught.value.hint if isinstance(caught.value.hint, tuple) else (caught.value.hint,)
    assert any(getattr(hint, "overrides", None) == {"select.dataset": "table"} for hint in hints)


def test_a_table_without_images_is_none(tmp_path):
    (tmp_path / "labels.csv").write_text("image,expression\na.jpg,happy\n")
    with pytest.raises(UsageError, match=r"tables without pixels or images: labels.csv"):
        open_dataset("table", tmp_path, SelectConfig(), Report())


def test_a_table_that_only_names_images_is_for_the_reader_of_folders(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("image,expression\na.jpg,happy\n")
    with pytest.raises(UsageError, match="names images and does not hold them") as caught:
        open_dataset("table", path, SelectConfig(), Report())
    assert caught.value.hint.overrides["select.table"] == str(path)
