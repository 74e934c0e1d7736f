import unicodedata

import pytest

from faceprep.core.errors import UsageError
from faceprep.datasets.folder.spelling import BEGINNING, CASE, ENDING, Respeller


@pytest.mark.parametrize(
    ("name", "file", "kind"),
    [
        ("IMG.JPG", "img.jpg", CASE),
        ("Sub/a.jpg", "sub/A.JPG", CASE),
        ("Zoë.jpg", unicodedata.normalize("NFD", "Zoë.jpg"), CASE),
        (unicodedata.normalize("NFD", "é/Zoë.jpg"), "é/Zoë.jpg", CASE),
        ("a.jpg", "a.png", ENDING),
        ("a.jpeg", "images/a.JPG", ENDING),
        ("a", "images/a.jpg", ENDING),
        ("train_1.jpg", "train_1_aligned.jpg", ENDING),
        ("a.jpg", "deep/down/a.jpg", BEGINNING),
        ("S1/a.jpg", "deep/S1/a.jpg", BEGINNING),
        (r"C:\Users\me\faces\S1\a.jpg", "S1/a.jpg", BEGINNING),
        (r"\\server\share\S1\a.jpg", "S1/a.jpg", BEGINNING),
        ("/home/bob/data/S1/a.jpg", "images/S1/a.jpg", BEGINNING),
        (r"sub\a.jpg", "sub/A.jpg", CASE),
        ("dataset/S1/a.jpg", "S1/a.jpg", BEGINNING),
        (r"D:\a.jpg", "images/a.jpg", BEGINNING),
    ],
)
def test_names_in_another_spelling(plant, name, file, kind):
    root = plant(file, "b.jpg")
    assert Respeller(root, ["", "images/"], []).find([name, "/x/none.jpg"])[name] == (file, kind)


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["a.jpg"], ["x/a.jpg", "y/a.jpg"]),  # two files fit
        (["a.jpg"], ["a.png", "a.tif"]),
        (["A.jpg", "a.JPG"], ["a.jpg"]),  # two rows fit
        (["S1/a.jpg"], ["S2/a.jpg"]),  # another person's folder
        (["/data/S3/a.jpg", "/data/S3/b.jpg"], ["S1/a.jpg", "S1/b.jpg"]),
        (["S3/a.jpg", "S4/b.jpg"], ["a.jpg", "b.jpg"]),
        (["b.jpg"], ["a.jpg"]),
    ],
)
def test_names_that_are_not_certain_stay_missing(plant, names, files):
    assert Respeller(plant(*files), ["", "images/"], []).find(names) == {}


def test_absolute_names_lose_the_same_folders(plant):
    root = plant("S1/a.jpg", "S2/a.jpg", "S2/b.jpg")
    names = [f"/home/bob/data/{name}" for name in ("S1/a.jpg", "S2/a.jpg", "S2/b.jpg", "S3/a.jpg")]
    found = Respeller(root, [""], []).find(names)
    assert [found[name][0] for name in names[:3]] == ["S1/a.jpg", "S2/a.jpg", "S2/b.jpg"]
    assert names[3] not in found


def test_a_file_of_another_row_is_not_taken(plant):
    root = plant("a.jpg", "b.png")
    assert Respeller(root, [""], ["a.jpg"]).find(["a.png", "b.jpg"]) == {"b.jpg": ("b.png", ENDING)}


def test_respelled_images_are_counted_and_said(plant, read):
    text = "image,expression\nIMG1.JPG,sad\nIMG2.JPG,happy\nc.jpg,fear\nd.jpg,anger\n"
    root = plant("img1.jpg", "img2.jpg", "c.png", "d.jpg", texts={"labels.csv": text})
    rows, report = read("folder", root)
    assert {row.path for row in rows} == {"img1.jpg", "img2.jpg", "c.png", "d.jpg"}
    case = report.notes[f"image found although {CASE} of its path differ"]
    assert (case.count, case.examples[0]) == (2, "IMG1.JPG → img1.jpg")
    assert report.notes[f"image found although {ENDING} of its path differs"].count == 1


def test_windows_paths_of_which_none_is_there(plant, read):
    text = "image\nC:\\faces\\a.jpg\nC:\\faces\\b.jpg\n"
    with pytest.raises(UsageError, match="none of its 2 images is there"):
        read("folder", plant("other.jpg", texts={"labels.csv": text}))
