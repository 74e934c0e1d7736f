import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

IMAGES = "cohn-kanade-images"
POINTS = "\n".join(f"   {k:.7e}   {k + 0.5:.7e}" for k in range(68))


def sequence(key: str = "S005/001", frames=range(1, 12), images: str = IMAGES) -> list[str]:
    name = key.replace("/", "_")
    return [f"{images}/{key}/{name}_{frame:08d}.png" for frame in frames]


def label(value: str = "   3.0000000e+00\n", key: str = "S005/001", folder: str = "Emotion"):
    return {f"{folder}/{key}/{key.replace('/', '_')}_00000011_emotion.txt": value}


def enumerate_labels():
    words = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
    return list(enumerate(words, 1))


def ids(rows):
    return [row.face_id.removeprefix("ck-plus/") for row in rows]


def test_first_three_frames_are_neutral_and_last_three_are_the_peak(plant, read):
    rows, _ = read("ck-plus", plant(*sequence(), texts=label()))
    assert [(row.frame, row.role, row.expression) for row in rows] == [
        *[(k, "neutral", "neutral") for k in (1, 2, 3)],
        *[(k, "peak", "disgust") for k in (9, 10, 11)],
    ]
    assert ids(rows)[-1] == "S005/001/00000011"
    assert {(row.subject, row.sequence) for row in rows} == {("S005", "001")}


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (IMAGES, "Emotion"),
        (f"CK+/{IMAGES}", "CK+/Emotion_labels/Emotion"),
        (f"extended-cohn-kanade-images/{IMAGES}", "Emotion_labels/Emotion"),
        ("CK+/CK+/images", "CK+/CK+/emotion"),
        (".", "."),
    ],
)
def test_prefixes_vary(plant, read, images, labels):
    root = plant(*sequence(images=images), texts=label(folder=labels))
    rows, _ = read("ck-plus", root)
    assert len(rows) == 6
    assert all((root / row.path).is_file() for row in rows)


def test_lower_case_everywhere(plant, read):
    files = [f"images/s005/001/s005_001_{k:08d}.PNG" for k in range(1, 8)]
    texts = {"emotion/s005/001/s005_001_00000007_EMOTION.TXT": "5"}
    rows, _ = read("ck-plus", plant(*files, texts=texts))
    assert ids(rows)[0] == "S005/001/00000001"
    assert rows[-1].expression == "happiness"


def test_images_in_one_flat_folder(plant, read):
    files = [f"all/S005_001_{k:08d}.png" for k in range(1, 8)]
    rows, _ = read("ck-plus", plant(*files, texts={"all/S005_001_00000007_emotion.txt": "7"}))
    assert [row.expression for row in rows] == ["neutral"] * 3 + ["surprise"] * 3


@pytest.mark.parametrize("level", [f"CK+/{IMAGES}", "CK+", "."])
def test_the_root_may_be_the_image_folder_or_above(plant, read, level):
    root = plant(
        *sequence(images=f"CK+/{IMAGES}"),
        texts=label(folder="CK+/Emotion")
        | {"CK+/Landmarks/S005/001/S005_001_00000011_landmarks.txt": POINTS},
    )
    rows, _ = read("ck-plus", root / level)
    assert len(rows) == 6
    assert rows[-1].landmarks68 is not None
    assert all((root / level / row.path).is_file() for row in rows)


@pytest.mark.parametrize(
    ("number", "expression"),
    list(
        enumerate(("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"), 1)
    ),
)
def test_labels(plant, read, number, expression):
    rows, _ = read("ck-plus", plant(*sequence(), texts=label(f"   {number}.0000000e+00\r\n")))
    assert rows[-1].expression == expression


@pytest.mark.parametrize("text", ["", "\n", "0.0", "8.0", "happy", "2.5"])
def test_what_is_no_label_leaves_the_sequence_out_unless_asked_for(plant, read, text):
    root = plant(*sequence(), texts=label(text))
    rows, report = read("ck-plus", root)
    assert rows == []
    assert sum(tally.count for tally in report.left_out.values()) == 1
    rows, _ = read("ck-plus", root, unlabelled=True)
    assert [row.expression for row in rows] == ["neutral"] * 3 + [None] * 3


def test_missing_label_files_and_empty_folders(plant, read):
    root = plant(*sequence(), *sequence("S005/002"), *sequence("S010/001"), texts=label())
    (root / "Emotion/S005/002").mkdir(parents=True)
    (root / IMAGES / "S999/001").mkdir(parents=True)
    rows, report = read("ck-plus", root)
    assert {row.sequence for row in rows} == {"001"}
    (tally,) = report.left_out.values()
    assert (tally.count, tally.examples) == (2, ["S005/002", "S010/001"])


def test_without_any_label_file_that_is_said(plant, read):
    rows, report = read("ck-plus", plant(*sequence()))
    assert not rows
    assert any("no *_emotion.txt" in note for note in report.notes)


def test_facs_codes_stand_on_peak_frames(plant, read):
    facs = "   1.2000000e+01   4.0000000e+00\n   2.5000000e+01   0.0000000e+00\n   4 nan\n"
    root = plant(*sequence(), texts=label() | {"FACS/S005/001/S005_001_00000011_facs.txt": facs})
    rows, _ = read("ck-plus", root)
    assert [row.attributes for row in rows[:3]] == [None] * 3
    assert all(row.attributes == {"AU12": 4.0, "AU25": 0.0, "AU04": 0.0} for row in rows[3:])


def test_broken_text_files_are_reported_not_fatal(plant, read):
    texts = label() | {
        "FACS/S005/001/S005_001_00000011_facs.txt": "12 4 25\n",
        "Landmarks/S005/001/S005_001_00000010_landmarks.txt": "1 2 3\n",
        "Landmarks/S005/001/S005_001_00000011_landmarks.txt": "\x00\x01 rubbish",
    }
    rows, report = read("ck-plus", plant(*sequence(), texts=texts))
    assert len(rows) == 6
    assert all(row.attributes is None and row.landmarks68 is None for row in rows)
    assert len(report.notes) >= 3


def test_landmarks_are_kept_as_the_file_has_them(plant, read):
    texts = label() | {"Landmarks/S005/001/S005_001_00000011_landmarks.txt": POINTS}
    rows, _ = read("ck-plus", plant(*sequence(), texts=texts))
    assert rows[-1].landmarks68[:4] == [0.0, 0.5, 1.0, 1.5]
    assert len(rows[-1].landmarks68) == 136
    assert rows[0].landmarks68 is None


def test_files_that_are_no_frames(plant, read):
    root = plant(
        *sequence(),
        f"{IMAGES}/.DS_Store",
        f"{IMAGES}/S005/001/.DS_Store",
        f"{IMAGES}/S005/001/._S005_001_00000001.png",
        f"{IMAGES}/S005/001/S005_001_00000011.jpg",
        f"{IMAGES}/S005/001/copy of S005_001_00000001.png",
        texts=label(),
    )
    rows, report = read("ck-plus", root)
    assert len(rows) == 6
    assert report.left_out["image that is not named like a frame"].count == 1
    assert report.left_out["frame, second of its number"].count == 1


def test_cropped_variant_is_peak_throughout(plant, read):
    root = plant(
        *[f"CK+48/anger/S010_004_{k:08d}.png" for k in (17, 18, 19)],
        *[f"CK+48/happy/S011_001_{k:08d}.png" for k in (5, 6)],
        "CK+48/contempt/Thumbs.db",
    )
    rows, _ = read("ck-plus", root)
    assert [(row.expression, row.role, row.frame) for row in rows] == [
        ("anger", "peak", 17),
        ("anger", "peak", 18),
        ("anger", "peak", 19),
        ("happiness", "peak", 5),
        ("happiness", "peak", 6),
    ]
    assert ids(rows)[0] == "S010/004/00000017"
    rows, _ = read("ck-plus", root / "CK+48" / "anger")
    assert len(rows) == 3


def test_whole_photographs_come_before_crops_and_copies(plant, read):
    root = plant(
        *sequence(),
        *sequence(images="backup/images"),
        "CK+48/anger/S005_001_00000011.png",
        texts=label(),
    )
    rows, report = read("ck-plus", root)
    assert {row.path.split("/")[0] for row in rows} <= {IMAGES, "backup"}
    assert len(rows) == 6
    assert sum(tally.count for tally in report.left_out.values()) == 12


def test_subjects_in_several_folders_are_one_collection(plant, read):
    root = plant(
        *sequence(images="part1"),
        *sequence("S010/002", images="part2"),
        texts=label() | label(key="S010/002"),
    )
    rows, _ = read("ck-plus", root)
    assert {row.subject for row in rows} == {"S005", "S010"}


def test_folds_are_dealt_in_the_order_of_subjects(plant, read):
    keys = [f"S{k:03d}/001" for k in range(5, 17)]
    texts = {}
    for key in keys:
        texts |= label(key=key)
    rows, report = read("ck-plus", plant(*[f for k in keys for f in sequence(k)], texts=texts))
    folds = {row.subject: row.fold for row in rows}
    assert list(folds.values()) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert len({(row.subject, row.split) for row in rows}) == 12
    assert any("no test set of its own" in note for note in report.notes)


def test_what_lies_there_instead_is_named(plant):
    with pytest.raises(UsageError, match=r"_emotion.txt, but no images"):
        open_dataset("ck-plus", plant(texts=label()), SelectConfig(), Report())
    root = plant("happy/face.png", root="other")
    with pytest.raises(UsageError, match=r"happy/face.png, which is not named"):
        open_dataset("ck-plus", root, SelectConfig(), Report())


def test_a_folder_beside_it_that_only_speaks_of_emotions_is_not_its_own(plant, read):
    root = plant(*(f"ck/images/S005/001/S005_001_{frame:08d}.png" for frame in range(1, 8)))
    name = "S005/001/S005_001_00000007_emotion.txt"
    plant(texts={f"my_emotion_study/{name}": "3.0"})
    rows, _ = read("ck-plus", root / "ck", unlabelled=True)
    assert {row.expression for row in rows if row.role == "peak"} == {None}
    plant(texts={f"Emotion_labels/{name}": "3.0"})
    rows, _ = read("ck-plus", root / "ck", unlabelled=True)
    assert {row.expression for row in rows if row.role == "peak"} == {"disgust"}
