import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faceprep.core.errors import UsageError


def lines(*rows: str) -> dict[str, str]:
    return {"labels.csv": "\n".join(rows) + "\n"}


def labels(rows) -> dict[str, str | None]:
    return {row.path: row.expression for row in rows}


def test_without_a_column_of_expressions_folders_name_them(plant, read):
    files = [f"{word}/{k}.jpg" for word in ("happy", "sad", "smirk") for k in range(2)]
    text = lines("image,subject", *(f"{file},P{file[-5]}" for file in files))
    rows, report = read("folder", plant(*files, texts=text))
    assert labels(rows)["happy/0.jpg"] == "happiness"
    assert labels(rows)["smirk/1.jpg"] is None
    assert {row.subject for row in rows} == {"P0", "P1"}
    assert any("they are those of the folders' names" in note for note in report.notes)
    assert any("unknown words, so unlabelled: smirk (2)" in note for note in report.notes)


def test_a_table_without_expressions_says_so(plant, read):
    rows, report = read("folder", plant("a.jpg", "b.jpg", texts=lines("image", "a.jpg", "b.jpg")))
    assert labels(rows) == {"a.jpg": None, "b.jpg": None}
    assert any("no expressions, so every image is unlabelled" in note for note in report.notes)
    # Names of the files may be expressions.
    names = [f"s0{person}_{word}.jpg" for person in (1, 2) for word in ("happy", "fear", "sad")]
    rows, report = read("folder", plant(*names, texts=lines("image", *names), root="named"))
    assert labels(rows)["s01_fear.jpg"] == "fear"
    assert not any("unlabelled" in note for note in report.notes)


@pytest.mark.parametrize("header", ["image,emotion,label", "image,label,emotion", "path,class,y"])
def test_words_win_over_numbers_and_contradictions_are_said(plant, read, header):
    words = ("happy", "sad", "anger", "fear")
    number = {"happy": 3, "sad": 4, "anger": 0, "fear": 2}
    swap = header == "image,label,emotion"
    rows = [(f"{k}.jpg", number[words[k % 4]], words[k % 4]) for k in range(12)]
    rows[5] = ("5.jpg", 6, "sad")
    text = [header, *(f"{a},{c},{b}" if swap else f"{a},{b},{c}" for a, b, c in rows)]
    found, report = read("folder", plant(*(f"{k}.jpg" for k in range(12)), texts=lines(*text)))
    assert labels(found)["5.jpg"] == "sadness"
    assert labels(found)["0.jpg"] == "happiness"
    if header != "path,class,y":
        assert any(
            "contradicts the expressions in 1 of 12 rows" in note and "5.jpg: 6 but sadness" in note
            for note in report.notes
        )


def test_numbers_that_agree_with_words_are_said_to_agree(plant, read):
    rows = ["0.jpg,7,neutral", "1.jpg,1,surprise", "2.jpg,4,happy"]
    _, report = read("folder", plant("0.jpg", "1.jpg", "2.jpg", texts=lines("img,y,label", *rows)))
    assert "labels.csv: the expression is column label" in report.notes
    rows = lines("img,emotion,label", *rows)
    _, report = read("folder", plant("0.jpg", "1.jpg", "2.jpg", texts=rows))
    assert "column emotion agrees with the expressions and is not used" in report.notes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Usage", ("Training", "PublicTest", "PrivateTest")),
        ("set", ("train", "dev", "test")),
        ("partition", ("0", "1", "2")),
        ("subset", ("TRAIN", "Valid", "eval")),
        ("split", ("tr", "val", "Private Test")),
    ],
)
def test_columns_of_parts_are_taken_and_said(plant, read, name, words):
    rows = [f"{k}.jpg,happy,{words[k % 3]}" for k in range(6)]
    text = lines(f"file_name,emotion,{name}", *rows)
    found, report = read("folder", plant(*(f"{k}.jpg" for k in range(6)), texts=text))
    assert [row.split for row in sorted(found)] == ["train", "val", "test"] * 2
    assert any(note.startswith(f"the split is column {name}") for note in report.notes)


def test_a_column_that_is_called_set_but_is_none_is_not_used(plant, read):
    text = lines("image,emotion,set", "a.jpg,happy,A", "b.jpg,sad,B")
    _, report = read("folder", plant("a.jpg", "b.jpg", texts=text))
    assert "labels.csv: columns not used: set" in report.notes


def test_one_image_with_two_expressions_is_listed_and_left_out(plant, read):
    images = [f"{k}.jpg" for k in range(6)]
    twice = [f"{k}.jpg,sad" for k in range(4)]
    text = lines("image,expression", *(f"{image},happy" for image in images), *twice)
    rows, report = read("folder", plant(*images, texts=text))
    assert list(labels(rows)) == ["4.jpg", "5.jpg"]
    left = report.left_out["image listed with several values of expression: none is taken"]
    assert (left.count, left.examples[0]) == (4, "0.jpg: happiness, sadness")
    assert any("3.jpg: happiness, sadness" in note for note in report.notes)


def test_equal_rows_count_once_and_an_empty_label_contradicts_nothing(plant, read):
    text = lines("image,expression", "a.jpg,", "./a.jpg,Happy", "a.jpg,happiness", "b.jpg,sad")
    rows, report = read("folder", plant("a.jpg", "b.jpg", texts=text))
    assert labels(rows) == {"a.jpg": "happiness", "b.jpg": "sadness"}
    assert report.left_out["row that repeats another"].count == 2


@pytest.mark.parametrize("column", ["subject", "split", "fold"])
def test_one_image_of_two_people_or_parts_is_left_out(plant, read, column):
    values = {"subject": "AB", "split": ("train", "test"), "fold": "12"}[column]
    rows = [f"a.jpg,happy,{value}" for value in values]
    text = lines(f"image,expression,{column}", *rows, f"b.jpg,sad,{values[0]}")
    rows, report = read("folder", plant("a.jpg", "b.jpg", texts=text))
    assert list(labels(rows)) == ["b.jpg"]
    assert f"image listed with several values of {column}: none is taken" in report.left_out


def test_faces_of_one_photograph_are_rows_of_their_own(plant, read):
    text = lines("image,expression,box", "a.jpg,happy,1 2 30 40", "a.jpg,sad,50 2 30 40")
    rows, _ = read("folder", plant("a.jpg", texts=text))
    assert [(row.expression, row.box[0]) for row in rows] == [("happiness", 1), ("sadness", 50)]
    assert len({row.face_id for row in rows}) == 2
    assert len({row.subject for row in rows}) == 1  # the photograph is on one side of the split


def test_subjects_that_name_nobody_are_not_one_person(plant, read):
    words = ["nan", "NaN", "-", "?", "N/A", "none", "", " unknown", "Anna", "Anna"]
    images = [f"{k}.jpg" for k in range(len(words))]
    text = lines("image,participant", *(f"{a},{b}" for a, b in zip(images, words, strict=True)))
    rows, report = read("folder", plant(*images, texts=text))
    assert len({row.subject for row in rows}) == 9
    assert (report.people.source, report.people.unknown) == ("column participant", 8)
    assert any("nobody is meant by nan (2), - (1), ? (1)" in note for note in report.notes)


def test_among_initials_na_is_a_person(plant, read):
    names = ["KA", "NA", "NM", "NA"]
    images = [f"{k}.jpg" for k in range(4)]
    text = lines("image,subject", *(f"{a},{b}" for a, b in zip(images, names, strict=True)))
    rows, report = read("folder", plant(*images, texts=text))
    assert {row.subject for row in rows} == {"KA", "NA", "NM"}
    assert report.people.unknown == 0


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "Metadata.parquet"])
def test_metadata_of_hugging_face(plant, read, name):
    root = plant("train/a.jpg", "train/b.jpg")
    columns = {"file_name": ["train/a.jpg", "train/b.jpg"], "label": ["happy", "sad"]}
    if name.endswith("parquet"):
        pq.write_table(pa.table(columns), root / name)
    elif name.endswith("jsonl"):
        text = '{"file_name": "train/a.jpg", "label": "happy"}\n'
        (root / name).write_text(text + text.replace("a.jpg", "b.jpg").replace("happy", "sad"))
    else:
        (root / name).write_text("file_name,label\ntrain/a.jpg,happy\ntrain/b.jpg,sad\n")
    rows, report = read("folder", root)
    assert labels(rows) == {"train/a.jpg": "happiness", "train/b.jpg": "sadness"}
    assert f"{name}: columns taken: image = file_name" in report.notes


def test_a_list_without_header_and_the_split_of_its_names(plant, read):
    root = plant(*(f"Image/aligned/{n}_aligned.jpg" for n in ("train_1", "test_1", "train_2")))
    (root / "list_patition_label.txt").write_text("train_1.jpg 5\ntest_1.jpg 1\ntrain_2.jpg 7\n")
    rows, report = read("folder", root, table="list_patition_label.txt")
    assert {(row.path[14:21], row.expression, row.split) for row in rows} == {
        ("train_1", "sadness", "train"),
        ("test_1_", "surprise", "test"),
        ("train_2", "neutral", "train"),
    }
    assert "the split is in the names of the images; is this right?" in report.notes


def test_more_than_a_fifth_missing_is_an_error_with_examples(plant, read):
    names = [f"{k}.jpg" for k in range(10)]
    text = lines("image,expression", *(f"{name},happy" for name in names))
    rows, _ = read("folder", plant(*names[:8], texts=text))
    assert len(rows) == 10
    with pytest.raises(UsageError, match=r"3 of its 10 images are not there; looked below") as err:
        read("folder", plant(*names[:7], root="less", texts=text))
    assert "not found: 7.jpg, 8.jpg, 9.jpg" in err.value.message
    assert err.value.hint[1].overrides == {"select.max_missing": 1}


def test_other_tables_in_the_root_are_pointed_at(plant, read):
    text = {"train.csv": "image,expression\na.jpg,sad\n", "notes.csv": "day,weather\n1,sun\n"}
    _, report = read("folder", plant("a.jpg", texts=text))
    said = "train.csv is not read, but lists images: select.table=train.csv"
    assert said in report.notes
    assert not any("notes.csv" in note for note in report.notes)


def test_words_of_which_none_is_an_expression_are_an_error(plant, read):
    text = lines("image,emotion", "a.jpg,bored", "b.jpg,sleepy", "c.jpg,bored")
    with pytest.raises(UsageError, match=r"column emotion of labels.csv: .*bored \(2\), sleepy"):
        read("folder", plant("a.jpg", "b.jpg", "c.jpg", texts=text))


def test_without_a_column_of_subjects_names_tell_the_people(plant, read):
    names = [f"{who}.{code}{k}.{n}.tiff" for n, (who, code, k) in enumerate(
        (who, code, k) for who in ("KA", "KL", "MK") for code in ("AN", "HA") for k in (1, 2)
    )]  # fmt: skip
    text = lines("image,emotion", *(f"{n},{'angry' if 'AN' in n else 'happy'}" for n in names))
    rows, report = read("folder", plant(*names, texts=text))
    assert {row.subject for row in rows} == {"KA", "KL", "MK"}
    assert report.people.unknown == 0
    assert "JAFFE" in report.people.source


def test_folders_of_people_below_a_table_without_subjects(plant, read):
    names = [f"S{p:02d}/{k}.jpg" for p in range(4) for k in range(3)]
    words = ("happy", "sad", "anger")
    text = lines("image,emotion", *(f"{n},{words[int(n[-5])]}" for n in names))
    rows, report = read("folder", plant(*names, texts=text))
    assert len({row.subject for row in rows}) == 4
    assert report.people.source is not None


def test_a_table_in_each_folder_of_a_part(plant, read):
    text = "file_name,label\n0.jpg,happy\n1.jpg,sad\n"
    texts = {"train/metadata.csv": text, "test/metadata.csv": text.replace("happy", "anger")}
    files = [f"{part}/{k}.jpg" for part in ("train", "test") for k in range(2)]
    rows, report = read("folder", plant(*files, texts=texts))
    assert {(row.path, row.expression, row.split) for row in rows} == {
        ("train/0.jpg", "happiness", "train"),
        ("train/1.jpg", "sadness", "train"),
        ("test/0.jpg", "anger", "test"),
        ("test/1.jpg", "sadness", "test"),
    }
    assert any("test/metadata.csv, train/metadata.csv" in note for note in report.notes)


def test_lists_of_images_in_the_root_are_pointed_at(plant, read):
    _, report = read("folder", plant("a.jpg", texts={"list_label.txt": "a.jpg 5\n"}))
    assert "list_label.txt is not read, but lists images: select.table=list_label.txt" in (
        report.notes
    )
    rows, _ = read("folder", plant("a.jpg", root="b", texts={"labels.txt": "a.jpg happy\n"}))
    assert labels(rows) == {"a.jpg": "happiness"}


def test_lists_of_images_in_other_folders_are_pointed_at(plant, read):
    texts = {"EmoLabel/list.txt": "a.jpg sad\n", "EmoLabel/readme.txt": "Terms"}
    _, report = read("folder", plant("Image/a_aligned.jpg", texts=texts))
    (said,) = [note for note in report.notes if "lists images" in note]
    assert said.endswith(": select.table=EmoLabel/list.txt")
    rows, _ = read("folder", plant(), table="EmoLabel/list.txt")
    assert labels(rows) == {"Image/a_aligned.jpg": "sadness"}


def test_the_split_of_folders_counts_without_a_column(plant, read):
    files = [f"{part}/{k}.jpg" for part in ("train", "test") for k in range(2)]
    text = lines("image,expression", *(f"{file},happy" for file in files))
    rows, report = read("folder", plant(*files, texts=text))
    assert all(row.split == row.path.split("/")[0] for row in rows)
    assert "the split is in the folders of the images; is this right?" in report.notes


def test_spellings_of_a_person_are_one_person(plant, read):
    names = ["Anna", "anna", "ANNA ", "7", "7.0", "Zoë", "Zoe\u0308"]
    images = [f"{k}.jpg" for k in range(len(names))]
    text = lines("image,subject", *(f"{a},{b}" for a, b in zip(images, names, strict=True)))
    rows, _ = read("folder", plant(*images, texts=text))
    assert {row.subject for row in rows} == {"Anna", "7", "Zoë"}


@pytest.mark.parametrize("column", ["name", "id"])
def test_a_name_or_id_is_a_person_if_it_repeats(plant, read, column):
    images = [f"{k}.jpg" for k in range(6)]
    text = [f"{image},happy,{k % 2}" for k, image in enumerate(images)]
    rows, report = read("folder", plant(*images, texts=lines(f"image,label,{column}", *text)))
    assert {row.subject for row in rows} == {"0", "1"}
    assert report.people.source == f"column {column}"
    text = [f"{image},happy,{k}" for k, image in enumerate(images)]
    root = plant(*images, root="b", texts=lines(f"image,label,{column}", *text))
    assert read("folder", root)[1].people.source is None
