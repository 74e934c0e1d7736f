from collections import Counter

import numpy as np
import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.celeba.lists import read_list
from faceprep.datasets.celeba.split import SURPLUS, UNLISTED, split_codes
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

NAMES = ("5_o_Clock_Shadow", "Smiling", "Young")


def images(count: int, folder: str = "img_align_celeba", ending: str = ".jpg") -> list[str]:
    return [f"{folder}/{k:06d}{ending}" for k in range(1, count + 1)]


def lists(count: int, folder: str = "", people: int = 3, end: str = "\n") -> dict[str, str]:
    """Write text lists: partition 60/20/20 by identity, with images of mixed numbers."""
    numbers = range(1, count + 1)
    part = {0: 0, 1: 1, 2: 2}
    lines = {
        "list_eval_partition.txt": [f"{k:06d}.jpg {part[k % people % 3]}" for k in numbers],
        "identity_CelebA.txt": [f"{k:06d}.jpg {100 + k % people}" for k in numbers],
        "list_attr_celeba.txt": [str(count), " ".join(NAMES)]
        + [f"{k:06d}.jpg -1  1 {1 if k % 2 else -1}" for k in numbers],
        "list_landmarks_align_celeba.txt": [str(count), "lefteye_x lefteye_y …"]
        + [f"{k:06d}.jpg 69 109 106 113 77 142 73 152 108 154" for k in numbers],
        "list_landmarks_celeba.txt": [str(count), "lefteye_x lefteye_y …"]
        + [f"{k:06d}.jpg 165 184 244 176 196 249 194 271 266 260" for k in numbers],
        "list_bbox_celeba.txt": [str(count), "image_id x_1 y_1 width height"]
        + [f"{k:06d}.jpg    95  71 226 313" for k in numbers],
    }
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}{name}": end.join(text) + end for name, text in lines.items()}


def as_csv(texts: dict[str, str]) -> dict[str, str]:
    """Convert lists to the form on Kaggle: commas, CRLF, a header and no count."""
    header = {"partition": "image_id,partition", "attr": "image_id," + ",".join(NAMES)}
    found = {}
    for name, text in texts.items():
        lines = [line for line in text.splitlines() if line[:6].isdigit() and ".jpg" in line]
        kind = next((k for k in header if k in name), "")
        top = header.get(kind, "image_id," + ",".join(f"c{k}" for k in lines[0].split()[1:]))
        rows = [",".join(line.split()) for line in lines]
        found[name.replace(".txt", ".csv")] = "\r\n".join([top, *rows])
    return found


def test_everything_that_the_lists_say(plant, read):
    rows, report = read("celeba", plant(*images(6), texts=lists(6)))
    first = rows[0]
    assert [row.face_id for row in rows] == [f"celeba/{k:06d}" for k in range(1, 7)]
    assert first.subject == "00101"
    assert [row.split for row in rows] == ["val", "test", "train"] * 2
    assert first.attributes == {"5_o_Clock_Shadow": -1.0, "Smiling": 1.0, "Young": 1.0}
    assert first.landmarks5 == [69, 109, 106, 113, 77, 142, 73, 152, 108, 154]
    assert first.box is None  # the boxes are in pixels of the original photographs
    assert {(row.role, row.expression, row.fold, row.sequence) for row in rows} == {
        ("still", None, -1, None)
    }
    assert not report.left_out


@pytest.mark.parametrize("form", ["txt", "csv", "crlf", "no newline at the end", "bom"])
def test_forms_of_the_lists_read_the_same(plant, read, form):
    texts = lists(6)
    if form == "csv":
        texts = as_csv(texts)
    elif form == "crlf":
        texts = lists(6, end="\r\n")
    elif form == "no newline at the end":
        texts = {name: text.rstrip("\n") for name, text in texts.items()}
    elif form == "bom":
        texts = {name: "\ufeff" + text for name, text in texts.items()}
    expected, _ = read("celeba", plant(*images(6), texts=lists(6), root="plain"))
    rows, report = read("celeba", plant(*images(6), texts=texts))
    assert rows == expected
    assert not [note for note in report.notes if "does not fit" in note]


@pytest.mark.parametrize(
    ("folder", "anno"),
    [
        ("Img/img_align_celeba", "Anno"),
        ("img_align_celeba/img_align_celeba", ""),
        ("CelebA/Img/img_align_celeba", "CelebA/Eval"),
        ("celeba/IMG_ALIGN_CELEBA", "celeba"),
    ],
)
def test_where_images_and_lists_lie(plant, read, folder, anno):
    root = plant(*images(4, folder), texts=lists(4, anno))
    rows, _ = read("celeba", root)
    assert len(rows) == 4
    assert all(row.attributes and (root / row.path).is_file() for row in rows)


@pytest.mark.parametrize("level", ["Img", "Img/img_align_celeba"])
def test_lists_are_found_beside_and_above_the_root(plant, read, level):
    root = plant(*images(4, "Img/img_align_celeba"), texts=lists(4, "Anno"))
    rows, report = read("celeba", root / level)
    assert len(rows) == 4
    assert all(row.attributes and row.subject.startswith("0010") for row in rows)
    assert not report.notes


def test_photographs_as_they_were_have_boxes_and_their_own_landmarks(plant, read):
    rows, _ = read("celeba", plant(*images(3, "Img/img_celeba"), texts=lists(3)))
    assert rows[0].box == [95, 71, 226, 313]
    assert rows[0].landmarks5[:2] == [165, 184]


def test_aligned_images_come_first_and_the_others_are_reported(plant, read):
    root = plant(*images(3, "img_celeba"), *images(3), texts=lists(3))
    rows, report = read("celeba", root)
    assert rows[0].path.startswith("img_align_celeba/")
    assert any("second image folder" in reason for reason in report.left_out)


def test_png_images_match_the_lists_that_say_jpg(plant, read):
    rows, _ = read("celeba", plant(*images(3, "img_align_celeba_png", ".png"), texts=lists(3)))
    assert rows[0].path == "img_align_celeba_png/000001.png"
    assert rows[0].attributes


def test_identity_file_with_a_header(plant, read):
    texts = lists(3)
    texts["identity_CelebA.txt"] = "image_id identity\n" + texts["identity_CelebA.txt"]
    rows, _ = read("celeba", plant(*images(3), texts=texts))
    assert [row.subject for row in rows] == ["00101", "00102", "00100"]


def test_attributes_cut_short_under_a_full_count(plant, read):
    texts = lists(6)
    lines = texts["list_attr_celeba.txt"].splitlines()
    texts["list_attr_celeba.txt"] = "\n".join(lines[:5]) + "\n000004.jpg -1 1"
    rows, report = read("celeba", plant(*images(6), texts=texts))
    assert [row.attributes is not None for row in rows] == [True] * 3 + [False] * 3
    notes = "\n".join(report.notes)
    assert "announces 6 images and has 3" in notes
    assert "does not fit" in notes
    assert "3 images have no line in the attribute list" in notes


def test_a_subset_of_the_images_and_images_that_no_list_knows(plant, read):
    files = [name for k, name in enumerate(images(8)) if k not in (2, 3)]
    rows, report = read("celeba", plant(*files, texts=lists(6)))
    assert [row.face_id[-1] for row in rows] == ["1", "2", "5", "6"]
    (tally,) = report.left_out.values()
    assert (tally.count, tally.examples) == (2, ["000007.jpg", "000008.jpg"])
    assert any("2 images of the partition list are not in the folder" in n for n in report.notes)


def test_lists_in_any_order_with_lines_twice(plant, read):
    texts = lists(4)
    lines = texts["identity_CelebA.txt"].splitlines()
    texts["identity_CelebA.txt"] = "\n".join([*reversed(lines), "000001.jpg 999"])
    rows, report = read("celeba", plant(*images(4), texts=texts))
    assert rows[0].subject == "00101"
    assert any("twice" in note for note in report.notes)


def test_without_identities_each_image_is_a_subject_and_that_is_said(plant, read):
    texts = {k: v for k, v in lists(4).items() if "identity" not in k}
    rows, report = read("celeba", plant(*images(4), texts=texts))
    assert rows[0].subject == "image-000001"
    assert any("no identity_CelebA.txt" in note for note in report.notes)
    assert vars(report.people) == {"source": None, "unknown": len(rows)}


def test_without_the_partition_list_the_official_numbers_divide(plant, read):
    files = [f"img_align_celeba/{k:06d}.jpg" for k in (1, 162770, 162771, 182637, 182638, 202599)]
    rows, report = read("celeba", plant(*files, "img_align_celeba/202600.jpg"))
    assert [row.split for row in rows] == ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    assert any("list_eval_partition" in note for note in report.notes)
    assert sum(tally.count for tally in report.left_out.values()) == 1


def test_a_partition_that_divides_a_person_is_refused(plant, read):
    texts = lists(6)
    texts["list_eval_partition.txt"] = "\n".join(f"{k:06d}.jpg {k % 2}" for k in range(1, 7))
    with pytest.raises(UsageError, match="3 subjects into more than one part: 00100") as caught:
        read("celeba", plant(*images(6), texts=texts))
    assert caught.value.hint.overrides == {"select.split": "180k-20k"}


@pytest.mark.parametrize("split", ["180k-20k", "random"])
def test_other_splits_keep_people_on_one_side(plant, read, split):
    rows, _ = read("celeba", plant(*images(60), texts=lists(60, people=12)), split=split)
    sides = {row.subject: row.split for row in rows}
    assert len({(row.subject, row.split) for row in rows}) == len(sides) == 12
    assert rows == read("celeba", plant(), split=split)[0]


def test_180k_20k_takes_as_many_images_as_it_says():
    rng = np.random.default_rng(0)
    subjects = np.sort(rng.integers(0, 10_177, 202_599))
    subjects[:200] = np.arange(20_000, 20_200)  # as in the dataset, some have a single image
    numbers = np.arange(1, 202_600)
    select = SelectConfig(split="180k-20k")
    codes = split_codes(numbers, subjects, None, select, Report())
    assert Counter(codes.tolist()) == {0: 180_000, 2: 20_000, SURPLUS: 2_599}
    tested = set(subjects[codes == 2].tolist())
    assert tested.isdisjoint(subjects[codes == 0].tolist())
    again = split_codes(numbers, subjects, None, select.model_copy(update={"seed": 1}), Report())
    assert (again != codes).any()


def test_180k_20k_of_fewer_images_is_nine_to_one():
    subjects = np.repeat(np.arange(100), 10)
    report = Report()
    codes = split_codes(np.arange(1000), subjects, None, SelectConfig(split="180k-20k"), report)
    assert Counter(codes.tolist()) == {0: 900, 2: 100}
    assert any("about 100 of them test" in note for note in report.notes)
    assert UNLISTED not in codes


def test_foreign_files(plant, read):
    root = plant(
        *images(3),
        "img_align_celeba/.DS_Store",
        "img_align_celeba/readme.jpg",
        "img_align_celeba/000001.png",
        "img_align_celeba/._000001.jpg",
        texts=lists(3),
    )
    rows, report = read("celeba", root)
    assert len(rows) == 3
    assert sorted(tally.count for tally in report.left_out.values()) == [1, 1, 2]


def test_lists_without_an_image_line_are_an_error(plant, read):
    root = plant(*images(3), texts={"list_eval_partition.txt": "nothing\n"})
    with pytest.raises(UsageError, match=r"list_eval_partition\.txt has no line"):
        read("celeba", root)


def test_what_lies_there_instead_is_named(plant):
    with pytest.raises(UsageError, match="but no folder img_align_celeba"):
        open_dataset("celeba", plant(texts=lists(3)), SelectConfig(), Report())
    with pytest.raises(UsageError, match="not unpacked"):
        open_dataset("celeba", plant("Img/img_align_celeba.zip"), SelectConfig(), Report())
    root = plant("pictures/000001.jpg", root="other")
    with pytest.raises(UsageError, match="its folder is not called"):
        open_dataset("celeba", root, SelectConfig(), Report())


@pytest.mark.parametrize("kind", ["attributes", "landmarks", "identity"])
@pytest.mark.parametrize("fault", [None, "short line", "word", "out of order", "shifted"])
def test_long_lists_read_the_same_line_by_line_and_in_blocks(tmp_path, monkeypatch, kind, fault):
    width = {"attributes": 3, "landmarks": 10, "identity": 1}[kind]
    lines = [
        f"{k:06d}.jpg " + " ".join(str((k * j) % 7) for j in range(width)) for k in range(5000)
    ]
    if fault == "short line":
        lines[3000] = "003000.jpg"
    elif fault == "word":
        lines[3000] += "x"
    elif fault == "out of order":
        lines[10], lines[4000] = lines[4000], lines[10]
    elif fault == "shifted":
        lines[3000], lines[3001] = lines[3000] + " 3001.jpg 1", "003001.jpg"
    path = tmp_path / "list.txt"
    path.write_text("\n".join(lines))
    fast = read_list(path, kind, Report())
    monkeypatch.setattr("faceprep.datasets.celeba.lists._Parser.take_block", lambda *_: False)
    slow = read_list(path, kind, Report())
    assert (fast.numbers == slow.numbers).all()
    assert (fast.values == slow.values).all()
    assert fast.values.dtype == slow.values.dtype
    if fault is None:
        assert len(fast.numbers) == 5000
