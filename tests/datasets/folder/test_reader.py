import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, UsageError
from faceprep.core.tree import OWN_FOLDER
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report


def table(*lines: str) -> dict[str, str]:
    return {"labels.csv": "\n".join(lines) + "\n"}


def test_folders_name_expressions_in_any_case_and_depth(plant, read):
    root = plant("Happy/1.jpg", "set/ANGER/2.PNG", "sad/old/3.webp", "4.jpg", "holiday/5.jpg")
    rows, report = read("folder", root)
    assert {row.path: row.expression for row in rows} == {
        "4.jpg": None,
        "Happy/1.jpg": "happiness",
        "holiday/5.jpg": None,
        "sad/old/3.webp": "sadness",
        "set/ANGER/2.PNG": "anger",
    }
    assert report.notes["folder that names no expression: its images are unlabelled"].examples == [
        "holiday"
    ]
    assert {row.role for row in rows} == {"still"}


def test_any_folder_of_photographs_will_do(plant, read):
    rows, report = read("folder", plant("a.jpg", "trip/Zoë am See.jpeg"))
    assert [row.face_id for row in rows] == ["folder/a", "folder/trip/Zoë am See"]
    assert {row.subject for row in rows} == {"a", "trip/Zoë am See"}
    assert vars(report.people) == {"source": None, "unknown": 2}


def test_files_that_are_no_images_are_left_out_but_broken_images_are_not(plant, read):
    root = plant("a.jpg", "b.heic", "notes.txt", ".hidden.jpg", texts={"c.jpg": "text"})
    rows, report = read("folder", root)
    assert [row.path for row in rows] == ["a.jpg", "c.jpg"]
    assert report.left_out["file that is no image"].count == 2


def test_names_that_differ_by_their_ending(plant, read):
    rows, _ = read("folder", plant("a.jpg", "a.png", "b__c.jpg", "b/c.jpg"))
    assert [row.face_id for row in rows] == [
        "folder/a.jpg",
        "folder/a.png",
        "folder/b/c",
        "folder/b%5F%5Fc",
    ]


def test_a_workspace_inside_the_folder_is_not_read(plant, read):
    root = plant("1.jpg", "out/align/images/00000/folder__1.png", "out/select/stage.json")
    rows, _ = read("folder", root)
    assert [row.path for row in rows] == ["1.jpg"]


@pytest.mark.parametrize("place", ["", "out/", "deep/er/out/"])
def test_a_workspace_at_or_below_the_root_is_never_selected(plant, read, place):
    parts = [f"{place}{stage}/part-00000{suffix}" for stage in ("select", "align", "heatmaps")
             for suffix in (".json", ".parquet")]  # fmt: skip
    crops = [f"{place}align/images/00000/folder__1.png", f"{place}heatmaps/images/00000/a.png"]
    more = [
        f"{place}align/part-00001.host-7.tmp/images/b.png",
        f"{place}align/from-00400/part-00400.json",
        f"{place}align/from-00400/part-00400.parquet",
        f"{place}align/from-00400/images/00400/c.png",
        f"{place}classify/accuracy.png",
        f"{place}classify/accuracy.parquet",
        f"{place}classify/predictions.parquet",
        f"{place}train/exprgan/samples/1.png",
        f"{place}train/exprgan/history.parquet",
        f"{place}train/exprgan/training.safetensors",
    ]
    rows, report = read("folder", plant("1.jpg", "train/2.jpg", *parts, *crops, *more))
    assert [row.path for row in rows] == ["1.jpg", "train/2.jpg"]
    assert report.left_out[OWN_FOLDER].count >= 1


def test_crops_of_a_workspace_without_its_selection_are_not_selected(plant, read):
    root = plant("1.jpg", "crops/align/part-00000.json", "crops/align/part-00000.parquet",
                 "crops/align/images/00000/2.png")  # fmt: skip
    rows, report = read("folder", root)
    assert [row.path for row in rows] == ["1.jpg"]
    assert report.left_out[OWN_FOLDER].examples == ["crops/align"]


def test_files_with_names_like_ours_are_no_workspace(plant, read):
    files = ("x1/part-00000.json", "x2/stage.json", "x3/training.safetensors")
    rows, _ = read("folder", plant(*files, "x1/1.jpg", "x2/2.jpg", "x3/3.jpg"))
    assert len(rows) == 3


@pytest.mark.parametrize("below", ["align", "align/images", "align/images/00000"])
def test_crops_as_the_root_are_refused(plant, below):
    texts = {"select/stage.json": '{"root": "/photographs"}'}
    root = plant("align/part-00000.json", "align/part-00000.parquet", "align/images/00000/1.png",
                 texts=texts)  # fmt: skip
    with pytest.raises(UsageError, match="which faceprep wrote") as caught:
        open_dataset("folder", root / below, SelectConfig(), Report())
    assert caught.value.hint == Again({"select.root": "/photographs"})


def test_adding_images_moves_nobody_to_the_other_side(plant, read):
    before, _ = read("folder", plant(*[f"{k}.jpg" for k in range(60)]))
    after, _ = read("folder", plant(*[f"{k}.jpg" for k in range(120)]))
    splits = {row.path: row.split for row in after}
    assert all(splits[row.path] == row.split for row in before)
    assert {row.split for row in before} == {"train", "test"}
    assert sorted({row.fold for row in before}) == list(range(10))


def test_folders_named_after_a_split_are_obeyed_unless_told_otherwise(plant, read):
    files = [f"{part}/happy/{k}.jpg" for part in ("train", "valid", "Test") for k in range(20)]
    rows, _ = read("folder", plant(*files))
    assert {(row.path.split("/")[0], row.split) for row in rows} == {
        ("train", "train"),
        ("valid", "val"),
        ("Test", "test"),
    }
    rows, _ = read("folder", plant(), split="random")
    assert {row.split for row in rows if row.path.startswith("train")} == {"train", "test"}


def test_another_dataset_is_recognised(plant, read):
    _, report = read("folder", plant("OriginalImg/VL/Strong/P001/Anger/000.jpeg"))
    assert any("--dataset oulu-casia" in note for note in report.notes)


def test_labels_csv_is_used_and_images_are_found_below_images(plant, read):
    root = plant(
        "images/a.jpg",
        "images/b.jpg",
        "images/not listed.jpg",
        texts=table("image,subject,expression", "b.jpg,Bo,happy", "a.jpg,Al,neutral"),
    )
    rows, report = read("folder", root)
    assert [(row.face_id, row.subject, row.expression) for row in rows] == [
        ("folder/images/a", "Al", "neutral"),
        ("folder/images/b", "Bo", "happiness"),
    ]
    assert any("labels.csv" in note for note in report.notes)


@pytest.mark.parametrize(
    "text",
    [
        "image,expression\r\na.jpg,fear\r\n",
        "\ufeffimage,expression\na.jpg,fear\n",
        "Expression;Image\nfear;a.jpg\n",
        "path\temotion\na.jpg\tFearful",
        'image,expression\n"a.jpg"," fear "\n',
    ],
)
def test_dialects_of_csv(plant, read, text):
    rows, _ = read("folder", plant("a.jpg", texts={"Labels.CSV": text}))
    assert [(row.path, row.expression) for row in rows] == [("a.jpg", "fear")]


def test_all_columns(plant, read):
    eyes = "1 2 3 4 5 6 7 8 9 10"
    lines = table(
        "image,expression,subject,sequence,frame,split,fold,role,box,landmarks5,mood",
        f'a.jpg,anger,S1,q,2,test,3,peak,"1, 2, 30, 40",{eyes},good',
        "b.jpg,neutral,S1,q,1,test,3,neutral,,,",
        "c.jpg,,S2,,,Validation,,,,1 2 3,",
    )
    rows, report = read("folder", plant("a.jpg", "b.jpg", "c.jpg", texts=lines))
    b, a, c = rows  # by subject, sequence and frame
    assert (a.frame, a.split, a.fold, a.role) == (2, "test", 3, "peak")
    assert a.box == [1, 2, 30, 40]
    assert a.landmarks5 == list(range(1, 11))
    assert (b.frame, b.role, b.box) == (1, "neutral", None)
    assert (c.split, c.fold, c.role, c.landmarks5, c.expression) == ("val", -1, "still", None, None)
    assert any("columns not used: mood" in note for note in report.notes)
    assert any("landmarks5 that is not 10 numbers" in note for note in report.notes)


def test_parquet_with_numbers_and_lists(plant, read):
    root = plant("a.jpg", "b.jpg")
    columns = {
        "image": ["a.jpg", "b.jpg"],
        "subject": [7, 8],
        "frame": [1.0, None],
        "landmarks68": [[0.5] * 136, None],
        "landmarks5": [[[1.0, 2.0]] * 5, None],
    }
    pq.write_table(pa.table(columns), root / "mine.parquet")
    rows, _ = read("folder", root, table=str(root / "mine.parquet"))
    assert [(row.subject, row.frame) for row in rows] == [("7", 1), ("8", None)]
    assert rows[0].landmarks68 == [0.5] * 136
    assert rows[0].landmarks5 == [1.0, 2.0] * 5
    assert rows[1].landmarks68 is None


def test_a_subject_on_both_sides_is_refused_by_name(plant, read):
    lines = table("image,subject,split", "a.jpg,Ann,train", "b.jpg,Ann,test", "c.jpg,Bo,test")
    root = plant("a.jpg", "b.jpg", "c.jpg", texts=lines)
    with pytest.raises(UsageError, match="1 subject into more than one part: Ann") as caught:
        read("folder", root)
    assert caught.value.hint.overrides == {"select.split": "random"}
    rows, _ = read("folder", root, split="random")
    assert len({(row.subject, row.split) for row in rows}) == 2


def test_a_subject_in_two_folds_is_refused(plant, read):
    lines = table("image,subject,fold", "a.jpg,Ann,1", "b.jpg,Ann,2")
    with pytest.raises(UsageError, match="fold"):
        read("folder", plant("a.jpg", "b.jpg", texts=lines))


def test_images_that_are_not_there_are_rows_and_noted(plant, read):
    lines = table("image,expression", "a.jpg,anger", "gone.jpg,fear")
    rows, report = read("folder", plant("images/a.jpg", texts=lines), max_missing=0.5)
    assert [row.path for row in rows] == ["images/a.jpg", "images/gone.jpg"]
    assert any("not there" in note for note in report.notes)


def test_images_that_are_nowhere_name_the_places_looked_at(plant, read):
    with pytest.raises(UsageError, match="none of its 2 images is there; looked below"):
        read("folder", plant(texts=table("image", "a.jpg", "b.jpg")))


def test_paths_that_leave_the_root_are_left_out(plant, read, tmp_path):
    (tmp_path / "secret.jpg").touch()
    root = plant("a.jpg", "sub/b.jpg")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    names = ["image", "../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg", "sub/../a.jpg"]
    (root / "labels.csv").write_text("\n".join([*names, str(root / "sub/b.jpg")]))
    rows, report = read("folder", root)
    assert [row.path for row in rows] == ["a.jpg", "link.jpg", "sub/b.jpg"]
    assert report.left_out["image outside the dataset's folder"].count == 2


def test_a_table_elsewhere_names_images_of_the_root(plant, read, tmp_path):
    root = plant("images/a.jpg")
    (tmp_path / "mine.csv").write_text("image\na.jpg\n")
    rows, _ = read("folder", root, table=str(tmp_path / "mine.csv"))
    assert [row.path for row in rows] == ["images/a.jpg"]


def test_dirt_in_tables(plant, read):
    lines = table(
        "image,expression",
        "a.jpg,anger",
        "a.jpg, Angry",
        ",anger",
        "b.jpg,anger,one too many",
        "c.jpg,smirk",
        "sub\\d.jpg,sad",
    )
    rows, report = read("folder", plant("a.jpg", "b.jpg", "c.jpg", "sub/d.jpg", texts=lines))
    assert [(row.path, row.expression) for row in rows] == [
        ("a.jpg", "anger"),
        ("c.jpg", None),
        ("sub/d.jpg", "sadness"),
    ]
    assert report.left_out["row that repeats another"].count == 1
    assert report.left_out["row of labels.csv without an image"].count == 1
    assert report.left_out["line of labels.csv with another number of fields"].count == 1
    assert any("unknown words, so unlabelled: smirk (1)" in note for note in report.notes)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("image,split\na.jpg,holdout", "holdout"),
        ("image,frame\na.jpg,first", "frame 'first' is not a whole number"),
        ("image,fold\na.jpg,300", "fold '300'"),
        ("image,role\na.jpg,actor", "role 'actor'"),
    ],
)
def test_words_that_a_column_cannot_hold(plant, read, line, message):
    with pytest.raises(UsageError, match=message):
        read("folder", plant("a.jpg", texts={"labels.csv": line}))


@pytest.mark.parametrize(
    "text", [b"", b"name,age\nx,3\n", b"image\n\x81\x8d\n", b"PAR1 not really"]
)
def test_a_named_table_that_is_none_is_an_error_and_a_found_one_a_note(plant, read, text):
    root = plant("a.jpg", texts={"labels.csv": text})
    with pytest.raises(UsageError):
        read("folder", root, table=str(root / "labels.csv"))
    rows, report = read("folder", root)
    assert len(rows) == 1
    assert any("labels.csv is not used" in note for note in report.notes)


def test_a_missing_table_is_an_error(plant, read):
    with pytest.raises(UsageError, match="no table"):
        read("folder", plant("a.jpg"), table="nothing.csv")


def test_a_folder_without_images_says_what_is_in_it(plant):
    with pytest.raises(UsageError, match=r"no image, but 2 × \.heic"):
        open_dataset("folder", plant("a.heic", "b.HEIC"), SelectConfig(), Report())


def test_a_table_below_the_root_is_pointed_at(plant, read):
    _, report = read("folder", plant("faces/images/a.jpg", "faces/labels.csv"))
    assert any("point --root at its folder" in note for note in report.notes)


def test_real_photographs(shared, read):
    rows, report = read("folder", shared / "faces")
    assert len(rows) == 1376
    assert not report.left_out
    assert {row.expression for row in rows} >= {"anger", "happiness", "neutral"}
